"""The demonstration: what an investigator does, with the commands an investigator has.

Every step is a real command in a process of its own. Two time stamp authorities are served on the
loopback while it runs, a second node cosigns, and at the end one byte is changed to see who
notices. Nothing leaves this machine, and nothing shows a real place at war.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from svitlo.errors import InvalidInput, MissingComponent, VerificationError
from svitlo.node.demo.authority import AuthorityServer, make_authority
from svitlo.node.demo.material import make_material
from svitlo.node.demo.tampering import first_original, flip_byte
from svitlo.node.settings import (
    AuthoritySetting,
    WitnessSetting,
    load_settings,
    write_settings,
)

MARK = ".svitlo-demo"
TIMEOUT_S = 300
WIDTH = 160


@dataclass(slots=True)
class Story:
    """The folder of a demonstration, and how it tells what it does."""

    folder: Path
    tell: Callable[[str], None]

    def title(self, text: str) -> None:
        """A heading between steps."""
        self.tell(f"\n== {text}")

    def run(self, *words: str | Path, codes: Sequence[int] = (0,), shown: int = 12) -> str:
        """What a command printed on stdout; it and its first lines are told.

        Raises:
            VerificationError: it ended otherwise than it should.
        """
        self.tell(f"$ {shlex.join(map(str, words))[:WIDTH]}")
        done = subprocess.run(
            [*_program(str(words[0])), *map(str, words[1:])],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        out = done.stdout.decode("utf-8", "replace")
        lines = (done.stderr.decode("utf-8", "replace") + out).rstrip().splitlines()
        for line in lines[:shown]:
            self.tell(f"  {line[:WIDTH]}")
        if len(lines) > shown:
            self.tell(f"  ({len(lines) - shown} {'more ' if shown else ''}lines)")
        if not lines:
            self.tell(f"  (no word, exit code {done.returncode})")
        if done.returncode not in codes:
            for line in lines[shown:]:
                self.tell(f"  {line}")
            raise VerificationError(
                f"{words[0]} ended with {done.returncode}; {' or '.join(map(str, codes))} was due"
            )
        return out


def _program(name: str) -> list[str]:
    if name == "svitlo":
        return [sys.executable, "-m", "svitlo"]
    if name == "bagit.py":
        return [sys.executable, "-I", "-m", "bagit"]
    if name == "python3":  # the one below this environment, which knows none of our packages
        return [str(next(Path(sys.base_prefix, "bin").glob("python3"), Path(sys.executable)))]
    return [name]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SVITLO_")}


def tell_story(folder: Path, tell: Callable[[str], None]) -> None:
    """The whole demonstration, in a folder that is made anew.

    Raises:
        InvalidInput: the folder is there and is not one of an earlier demonstration.
        VerificationError: a step did not end as it should.
    """
    _clear(folder)
    story = Story(folder, tell)
    story.title("An investigator's folder: photographs, a video, documents, a web archive")
    material = make_material(folder / "material")
    tell(f"{len(material)} files in {folder / 'material'}")
    with ExitStack() as running:
        _found(story)
        authorities = _start_authorities(story, running)
        _connect(story, authorities)
        _seal(story)
        dossier = _export(story)
        _verify(story, dossier, authorities, is_intact=True)
        _tamper(story, dossier, authorities)
    _end(story, dossier)


def _clear(folder: Path) -> None:
    if folder.exists():
        if not (folder / MARK).is_file():
            raise InvalidInput(f"{folder} is there and is not a demonstration's folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("made by `svitlo demo`; made anew each time\n", encoding="utf-8")


def _found(story: Story) -> None:
    story.title("Two nodes: contact point A, and B, which will cosign")
    for name, folder in (("Contact point A", "node-a"), ("Contact point B", "node-b")):
        origin = f"{folder[-1]}.example"
        story.run("svitlo", "init", folder, "--state", "XA", "--name", name, "--origin", origin)


def _start_authorities(story: Story, running: ExitStack) -> list[AuthoritySetting]:
    """Two time stamp authorities on the loopback; none where there is no `openssl`."""
    story.title("Two time stamp authorities (openssl ts, on this machine, for show)")
    authorities = []
    for name, kind in (("authority-one", "ec"), ("authority-two", "rsa")):
        folder = story.folder / name
        try:
            make_authority(folder, name, "ec" if kind == "ec" else "rsa")
        except MissingComponent as error:
            story.tell(f"No stamps in this run; missing: {error}")
            return []
        server = running.enter_context(AuthorityServer(folder))
        roots = story.folder / f"{name}.pem"
        roots.write_bytes(server.roots_pem)
        story.tell(f"{name} answers at {server.url}")
        authorities.append(AuthoritySetting(name=name, url=server.url, roots=str(roots)))
    return authorities


def _connect(story: Story, authorities: list[AuthoritySetting]) -> None:
    story.title("B trusts A's log; A asks B to cosign, and the authorities to stamp")
    keys_a = _keys(story, "node-a", "/spine/1+")
    keys_b = _keys(story, "node-b", "/witness+")
    story.run("svitlo", "--node", "node-b", "log", "trust", *keys_a)
    folder = story.folder / "node-a"
    witness = WitnessSetting(vkey=keys_b[0], node=str(story.folder / "node-b"))
    settings = replace(
        load_settings(folder, {}),
        authorities=tuple(authorities),
        witnesses=(witness,),
        quorum=1,
    )
    write_settings(folder, settings)
    story.tell("svitlo.toml of node-a now names one witness and the authorities")


def _keys(story: Story, node: str, role: str) -> list[str]:
    """The public keys of a node in one role; the long ones are not shown."""
    lines = story.run("svitlo", "--node", node, "log", "vkeys", shown=0).split("\n")
    return [line for line in lines if role in line]


def _seal(story: Story) -> None:
    a = ("svitlo", "--node", "node-a")
    story.title("Seal the folder: n offered = n sealed + n rejected")
    story.run(*a, "exhibit", "add", "material", "--source", "Documentation group of the oblast")
    story.title("Read, in a cage, what the files say of themselves")
    story.run(*a, "exhibit", "read", "--all", shown=30)
    story.title("Check that nothing has changed, and look at the log")
    story.run(*a, "exhibit", "verify", "--all")
    story.run(*a, "log", "show", shown=20)
    story.run(*a, "log", "verify", shown=20)


def _export(story: Story) -> Path:
    story.title("Export everything as a dossier for a court")
    story.run("svitlo", "--node", "node-a", "dossier", "make", "dossier", "--all")
    made = [path.parent for path in (story.folder / "dossier").rglob("bagit.txt")]
    if len(made) != 1:
        raise VerificationError(f"one dossier was expected, {len(made)} were found")
    return made[0]


def _verify(
    story: Story, dossier: Path, authorities: list[AuthoritySetting], *, is_intact: bool
) -> None:
    """Five verifiers of which two are ours: each must hold, or, after the change, each must not."""
    codes = (0,) if is_intact else (1, 2, 3)
    name = dossier.relative_to(story.folder)
    story.title("Verify: svitlo, and the dossier's own verify.py under a bare Python")
    story.run("svitlo", "dossier", "verify", name, codes=(0,) if is_intact else (3,), shown=60)
    story.run(
        "python3", "-I", name / "verify.py", name, codes=(0,) if is_intact else (3,), shown=60
    )
    story.title("Verify with tools that are not ours: bagit.py, sha256sum, openssl")
    story.run("bagit.py", "--validate", "--quiet", name, codes=codes)
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        is_payload = manifest.startswith("manifest")
        _sha256sum(story, dossier, manifest, codes if is_payload else (0,))
    _openssl_digest(story, dossier, is_intact=is_intact)
    if is_intact:
        _openssl_stamps(story, dossier, authorities)


def _sha256sum(story: Story, dossier: Path, manifest: str, codes: Sequence[int]) -> None:
    if shutil.which("sha256sum") is None:
        story.tell("there is no sha256sum on this machine: left out")
        return
    inside = Story(dossier, story.tell)
    inside.run("sha256sum", "--check", "--quiet", manifest, codes=codes)


def _openssl_stamps(story: Story, dossier: Path, authorities: list[AuthoritySetting]) -> None:
    if not authorities:
        story.tell("there is no openssl on this machine: stamps were not made and not checked")
        return
    lines = (dossier / "VERIFY.txt").read_text(encoding="utf-8").split("\n")
    commands = [shlex.split(line) for line in lines if line.strip().startswith("openssl ts ")]
    inside = Story(dossier, story.tell)
    for command in commands:
        inside.run(*command)
    if len(commands) < len(authorities):
        raise VerificationError(f"{len(authorities)} stamps were due, {len(commands)} are there")


def _openssl_digest(story: Story, dossier: Path, *, is_intact: bool) -> None:
    """OpenSSL's digest of the first exhibit is what the manifest lists, or, changed, is not."""
    if shutil.which("openssl") is None:
        story.tell("there is no openssl on this machine: left out")
        return
    name = first_original(dossier).relative_to(dossier).as_posix()
    said = Story(dossier, story.tell).run("openssl", "dgst", "-sha256", "-r", name)
    manifest = (dossier / "manifest-sha256.txt").read_text(encoding="utf-8").split("\n")
    is_listed = f"{said.split()[0]}  {name}" in manifest
    story.tell(f"  the manifest lists {'this digest' if is_listed else 'another digest'}")
    if is_listed is not is_intact:
        raise VerificationError(
            f"openssl's digest of {name} is {'not ' if is_intact else ''}the manifest's"
        )


def _tamper(story: Story, dossier: Path, authorities: list[AuthoritySetting]) -> None:
    story.title("Change one byte of one photograph, in a copy, and ask again")
    changed = story.folder / "dossier-with-one-byte-changed"
    shutil.copytree(dossier, changed)
    flip_byte(first_original(changed), 100)
    story.tell(f"changed byte 100 of {first_original(changed).relative_to(changed)}")
    _verify(story, changed, authorities, is_intact=False)
    story.tell("\nEach of them noticed. (tagmanifest-sha256.txt lists other files, so it holds.)")


def _end(story: Story, dossier: Path) -> None:
    story.title("Look at")
    receipt = next((story.folder / "node-a/receipts").rglob("receipt.json"))
    for what, path in (
        ("the dossier, for a judge", dossier / "START.html"),
        ("how to check it by hand", dossier / "VERIFY.txt"),
        ("the receipt", receipt),
        ("the log as static files", story.folder / "node-a/tiles/spine/1"),
        ("the settings", story.folder / "node-a/svitlo.toml"),
    ):
        story.tell(f"  {what:<26} {path}")
    story.tell("\nAll green marks here mean integrity and time, not truth.")
