"""Write a dossier's files: exhibits streamed and held to their digests, the rest as it is made."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from svitlo.dossier import report
from svitlo.dossier.contents import Case, Dossier, Outgoing
from svitlo.dossier.package import assemble, certified_json
from svitlo.errors import DigestMismatch, StorageError
from svitlo.node.keyring import read_recipients
from svitlo.node.opening import Node
from svitlo.node.unsealing import Vault
from svitlo.seal import age
from svitlo.seal.payload import FILE_KEY_BYTES, NONCE_BYTES
from svitlo.seal.stream import BodyWriter
from svitlo.store.models import Exhibit

Progress = Callable[[int, int, int], None]
SEALED = ".sealed"


@dataclass(frozen=True, slots=True)
class Outbound:
    """A dossier on its way: its exhibits, the folder it grows in, the place it will stand at."""

    node: Node
    case: Case
    rows: Sequence[Exhibit]
    part: Path
    place: Path
    progress: Progress | None

    def tell(self, done: int, size: int) -> None:
        """Say how far the work is."""
        if self.progress is not None:
            self.progress(done, size, len(self.rows))

    def with_report(self, dossier: Dossier, typeset: Callable[[bytes], bytes]) -> Dossier:
        """The dossier with its PDF.

        Raises:
            SandboxError: it could not be typeset.
        """
        return replace(
            dossier, report=typeset(report.document_of(dossier, certified_json(dossier)))
        )


def check_originals(outbound: Outbound) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of each exhibit, after all of its bytes were read and compared.

    Raises:
        DigestMismatch: one holds other bytes than were sealed.
        NotFound: a body or its header is gone.
    """
    found: dict[str, tuple[str, int]] = {}
    size = 0
    with Vault(outbound.node) as vault:
        for row in outbound.rows:
            vault.check(row)
            size += row.size
            found[row.ident] = (bytes(row.sha256).hex(), row.size)
            outbound.tell(len(found), size)
    return found


def seal_copies(outbound: Outbound) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of a sealed copy of each exhibit, made for this node's recipients.

    Each copy is an age file of its own: a segment would give away what else is in it.

    Raises:
        DigestMismatch: an exhibit holds other bytes than were sealed.
        NotFound: a body or its header is gone.
    """
    to = read_recipients(outbound.node.folder)
    folder = outbound.part / SEALED
    folder.mkdir(mode=0o700)
    found: dict[str, tuple[str, int]] = {}
    size = 0
    with Vault(outbound.node) as vault:
        for row in outbound.rows:
            digest = hashlib.sha256()
            with (folder / row.ident).open("xb") as file:

                def write(
                    block: bytes | bytearray | memoryview,
                    take: Callable[[bytes | bytearray | memoryview], object] = file.write,
                    feed: Callable[[bytes | bytearray | memoryview], object] = digest.update,
                ) -> None:
                    feed(block)
                    take(block)

                file_key = os.urandom(FILE_KEY_BYTES)
                write(age.wrap(file_key, to, os.urandom))
                body = BodyWriter(file_key, os.urandom(NONCE_BYTES), write)
                for block in vault.blocks(row):
                    body.update(block)
                body.finish()
                written = file.tell()
            size += row.size
            found[row.ident] = (digest.hexdigest(), written)
            outbound.tell(len(found), size)
    return found


def write_bag(outbound: Outbound, dossier: Dossier) -> None:
    """The dossier stands at its place, whole and durable.

    Raises:
        DigestMismatch: an exhibit changed since it was checked.
        StorageError: a file cannot be written.
    """
    rows = {row.ident: row for row in outbound.rows}
    try:
        with Vault(outbound.node) as vault:
            for path, content in assemble(dossier):
                place = outbound.part / path
                place.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, bytes):
                    place.write_bytes(content)
                elif dossier.exhibits and (outbound.part / SEALED).is_dir():
                    (outbound.part / SEALED / content.exhibit).rename(place)
                else:
                    _stream(place, vault.blocks(rows[content.exhibit]), content)
        if (outbound.part / SEALED).is_dir():
            (outbound.part / SEALED).rmdir()
        _settle(outbound.part)
        outbound.part.chmod(0o755)
        outbound.part.rename(outbound.place)
        _sync(outbound.place.parent)
    except OSError as error:
        raise StorageError(f"cannot write the dossier: {error.strerror}") from error


def _stream(place: Path, blocks: Iterator[bytes], outgoing: Outgoing) -> None:
    digest = hashlib.sha256()
    with place.open("xb") as file:
        for block in blocks:
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != outgoing.sha256:
        raise DigestMismatch(f"{outgoing.exhibit} changed while it was exported")


def _settle(folder: Path) -> None:
    """All files and folders below are on disk."""
    if hasattr(os, "sync"):
        os.sync()
    _sync(folder)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def verifier_file() -> bytes:
    """The court's verifier, as it is built."""
    return resources.files("svitlo.dossier").joinpath("verify.py.txt").read_bytes()
