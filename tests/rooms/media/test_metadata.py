from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from svitlo.media import metadata
from svitlo.media.metadata import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def loaded() -> Iterator[None]:
    """Readers made ready, and Pillow's limit and the warnings as they were."""
    kept = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        assert metadata.load()["pillow"]
        yield
    Image.MAX_IMAGE_PIXELS = kept


def described(
    data: bytes, name: str = "", pixels: int = 10**8
) -> tuple[dict[str, Any], dict[str, bytes], list[str]]:
    """The answer, its frames by name, and which fields each early answer had."""
    early: list[str] = []
    request = {
        "size": len(data),
        "name": name,
        "pixels": pixels,
        "anchors": "",
        "trust_list": "",
    }
    answer, frames = describe(
        io.BytesIO(data), request, lambda known: early.append(" ".join(known["fields"]))
    )
    return answer, dict(zip(answer["has"], frames, strict=True)), early


def photograph(**settings: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((200, 150), 60).convert("RGB").save(out, "JPEG", **settings)
    return out.getvalue()


def test_a_photograph_gives_tags_first_and_pixels_last() -> None:
    answer, frames, early = described(photograph(), "a.jpg")
    assert frames.keys() == {"preview"}
    assert answer["provenance"]["verdict"] == "none"
    assert answer["fingerprint"]["method"] == "svitlo-perceptual/1"
    assert early[0] == ""
    assert "exif.tags" in early[1]
    assert "photo.width_px" not in early[-1]


def test_a_picture_too_large_for_a_fingerprint_still_has_a_preview(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "FINGERPRINT_PIXELS", 1000)
    answer, frames, _ = described(photograph())
    assert answer["fingerprint"] == {}
    assert answer["fields"]["fingerprint.missing"] == {"value": "too_large"}
    assert frames


def test_a_thumbnail_is_compared() -> None:
    tags = Image.Exif()
    other = io.BytesIO()
    Image.linear_gradient("L").resize((160, 120)).save(other, "JPEG")
    tags[0x0201], tags[0x0202] = 0, len(other.getvalue())
    answer, _, _ = described(photograph(exif=tags))
    assert answer["kind"]["mime"] == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ("a.jpg", False),
        ("a.JPEG", False),
        ("a.jfif", False),
        ("a.png", True),
        ("a.exe", True),
        ("jpg", False),
        ("", False),
        (".jpg", False),
    ],
)
def test_an_extension_that_does_not_belong_is_flagged(name: str, *, differs: bool) -> None:
    answer, _, _ = described(photograph(), name)
    assert ("kind.extension_differs" in answer["fields"]) is differs


def test_plain_text_may_have_any_extension() -> None:
    answer, _, _ = described(b"a,b\n1,2\n", "a.csv")
    assert "kind.extension_differs" not in answer["fields"]
    assert answer["fields"]["text.encoding"] == {"value": "ascii"}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"From: a\r\nTo: b\r\nSubject: c\r\n\r\nd", "mail.subject"),
        (b"%PDF-1.4\n%%EOF", "pdf.version"),
        (b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n", "warc.records"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "text.lines"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov", "media.unreadable"),
    ],
)
def test_each_kind_has_its_reader(data: bytes, field: str) -> None:
    answer, _, _ = described(data)
    assert field in answer["fields"]
    assert "skipped" not in answer


def test_a_collection_is_read_as_package_and_as_archive() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("datapackage.json", "{}")
    answer, frames, _ = described(out.getvalue(), "a.wacz")
    assert {"wacz.package_holds", "archive.members"} <= answer["fields"].keys()
    assert not frames


def test_nothing_and_the_unknown_are_said_so() -> None:
    assert "skipped" not in described(b"")[0]
    assert described(b"\x7fELF")[0]["skipped"] == "unsupported"
    assert described(photograph(), pixels=10)[0]["skipped"] == "too_large"


@pytest.mark.shared
def test_the_raw_reports_come_as_frames(shared: Path) -> None:
    answer, frames, _ = described((shared / "c2pa/c2pa-rs/C.jpg").read_bytes())
    assert frames.keys() == {"report", "preview"}
    assert answer["provenance"]["report_bytes"] == len(frames["report"])
    folder = shared / "warc/py-wacz/tests/fixtures"
    _, frames, _ = described((folder / "valid_signed_example_1.wacz").read_bytes())
    assert frames.keys() == {"signed"}


@pytest.mark.shared
def test_films_and_heic_are_seen(shared: Path) -> None:
    folder = shared / "media-metadata/metadata-extractor-images"
    for name in ("mp4/with-gps.mp4", "heic/cheers_1440x960.heic"):
        answer, frames, _ = described((folder / name).read_bytes(), name)
        assert "preview" in frames
        assert "kind.extension_differs" not in answer["fields"]
    answer, _, _ = described((folder / "jpg/Sony DSC-HX5V (2).jpg").read_bytes())
    assert answer["fields"]["thumbnail.differs"] == {"value": False}
