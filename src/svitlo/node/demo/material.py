"""The demonstration's input: a folder such as an investigator gets, of an invented region.

Photographs come with scikit-image; a video, a report, a table, a PDF and a web archive are made.
Names are what names are in the field: Cyrillic, blanks, both Unicode forms of one name, a newline.
One file lies there twice and one is empty. Nothing shows or names a real place at war, and the one
position in a photograph lies in mid-ocean (the safety line of the project).
`python -m svitlo.node.demo.material FOLDER` makes it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import subprocess
import sys
import unicodedata
from pathlib import Path

from svitlo.errors import MissingComponent

SPECIMEN_TIMEOUT_S = 120

CAMERA_PICTURES = (
    ("coffee.png", "Підстанція «Зореград-2», верхній ряд 01.jpg"),
    ("brick.png", "Підстанція «Зореград-2», верхній ряд 02.jpg"),
    ("gravel.png", "Підстанція «Зореград-2», верхній ряд 03.jpg"),
    ("grass.png", "двір, лівий бік.jpg"),
    ("motorcycle_left.png", "двір, правий бік.jpg"),
)
"""Pictures of scikit-image that become photographs with EXIF, and their names."""

SCANNED_PICTURES = (
    ("page.png", "скан сторінки.png"),
    ("clock_motion.png", "годинник\n(друга спроба).png"),
    ("coins.png", "знайдене.png"),
    ("rocket.jpg", "архів редакції.jpg"),
)
"""Pictures of scikit-image that are taken as they are."""


def make_material(folder: Path) -> tuple[Path, ...]:
    """The files that now lie in the folder, in the order of their names.

    Raises:
        MissingComponent: A library of `svitlo[demo]` or `svitlo[media]` is not installed.
    """
    pictures = pictures_folder()
    camera, other, papers = folder / "фото", folder / "друга камера", folder / "папери"
    for place in (camera, other, papers):
        place.mkdir(parents=True, exist_ok=True)
    for number, (source, name) in enumerate(CAMERA_PICTURES):
        said = ["photo", "--at", f"2025:01:14 14:{5 + number:02}:09"]
        if number == 0:
            said += ["--latitude=-30.5042", "--longitude=-15.2500"]
        (camera / name).write_bytes(specimen(*said, given=(pictures / source).read_bytes()))
    for source, name in SCANNED_PICTURES:
        (papers / name).write_bytes((pictures / source).read_bytes())
    first = CAMERA_PICTURES[0][1]
    (other / unicodedata.normalize("NFD", first)).write_bytes((camera / first).read_bytes())
    (other / "відео 1.mp4").write_bytes(specimen("video"))
    (other / "порожній файл.txt").write_bytes(b"")
    (papers / "донесення.txt").write_bytes(text("report.txt"))
    (papers / "облік пошкоджень.csv").write_bytes(text("damage.csv"))
    (papers / "акт огляду.pdf").write_bytes(inspection_pdf())
    (papers / "сторінка новин.warc").write_bytes(news_archive())
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def pictures_folder() -> Path:
    """The folder of pictures inside scikit-image, found without importing it."""
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise MissingComponent("the demonstration needs scikit-image: pip install 'svitlo[demo]'")
    return Path(found.submodule_search_locations[0]) / "data"


def specimen(*words: str, given: bytes = b"") -> bytes:
    """What `svitlo.media.specimen` writes: media is never imported, it is run."""
    command = [sys.executable, "-I", "-m", "svitlo.media.specimen", *words]
    done = subprocess.run(
        command, input=given, capture_output=True, timeout=SPECIMEN_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise MissingComponent(f"no specimen {words[0]}, is svitlo[media] installed? {last}")
    return done.stdout


def text(name: str) -> bytes:
    """One of the texts in Ukrainian that lie beside this module."""
    return (Path(__file__).parent / "texts" / name).read_bytes()


def inspection_pdf() -> bytes:
    """A one-page PDF in Ukrainian, set by typst."""
    try:
        import typst  # noqa: PLC0415  # only the demonstration needs it, and it may be absent
    except ImportError:
        raise MissingComponent(
            "the demonstration needs typst: pip install 'svitlo[report]'"
        ) from None
    return bytes(typst.compile(text("inspection.typ"), format="pdf"))


def news_archive() -> bytes:
    """A WARC 1.1 file (ISO 28500) with one page, as a crawler would have kept it."""
    body = text("news.html")
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    about = b"software: svitlo demonstration\r\nformat: WARC File Format 1.1\r\n"
    information = warc_record("warcinfo", "application/warc-fields", about, number=1)
    response = warc_record(
        "response",
        "application/http; msgtype=response",
        answer,
        number=2,
        target="https://news.example/zorehrad",
    )
    return information + response


def warc_record(
    kind: str, content_type: str, block: bytes, *, number: int, target: str = ""
) -> bytes:
    """One record, with the digest of its block in base32 as crawlers write it."""
    digest = base64.b32encode(hashlib.sha256(block).digest()).decode()
    lines = [
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012}>",
        "WARC-Date: 2025-01-14T15:00:00Z",
        *([f"WARC-Target-URI: {target}"] if target else []),
        f"WARC-Block-Digest: sha256:{digest}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def main(arguments: list[str]) -> int:
    """Make the material in the folder that is named; the exit status is 0."""
    parser = argparse.ArgumentParser(prog="svitlo.node.demo.material", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    sys.stdout.write(f"{folder}: {len(make_material(folder))} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
