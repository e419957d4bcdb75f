"""Places for sealed bytes: folders that only create.

A body is written under another name, fdatasynced, then linked to `objects/<2 hex>/<its BLAKE3>`: a
link never replaces, and a name that is there already is compared. The folder is fsynced before
anybody is told. Reads go through descriptors and check sizes; digests are checked by whoever reads
whole bodies (`check_body`) and chunk by chunk by the age reader. There is no update, and no delete
outside disposal.
"""

import base64
import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from svitlo.errors import DigestMismatch, NotFound, StorageError
from svitlo.seal.digest import blake3_stream
from svitlo.store.log.heads import sync_folder, write_once

PRIVATE = 0o400
_HEX = frozenset("0123456789abcdef")
NAME_LETTERS = 64


@dataclass(slots=True)
class Part:
    """A body that is being written, in the spool, under no name yet.

    The descriptor is forgotten when it is closed: its number may soon be somebody else's.
    """

    path: Path
    opened: int | None

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """The block stands at the end of the part.

        Raises:
            StorageError: the part is closed.
        """
        if self.opened is None:
            raise StorageError("this part is settled or gone; nothing more is written to it")
        view = memoryview(block)
        while view:
            view = view[os.write(self.opened, view) :]

    def settle(self) -> None:
        """All that was written is on the disk, and nothing more is written."""
        if self.opened is not None:
            os.fdatasync(self.opened)
            self._close()

    def drop(self) -> None:
        """The part is gone; may be called after `settle` too."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        opened, self.opened = self.opened, None
        if opened is not None:
            with contextlib.suppress(OSError):
                os.close(opened)


class FolderPlace:
    """Sealed bodies and their headers in a local folder."""

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        self._spool = folder / "spool"
        self._headers = folder / "headers"

    def begin(self, name: str) -> Part:
        """A new part in the spool.

        Raises:
            StorageError: it cannot be made: disk full, folder read-only.
        """
        path = self._spool / f"{name}.part"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            return Part(path, os.open(path, flags, PRIVATE))
        except OSError as error:
            raise StorageError(f"cannot write to the spool: {error.strerror}") from error

    def keep(self, parts: Iterable[tuple[Part, str]]) -> None:
        """The settled parts have their names, durably; a body that was there already stays.

        Raises:
            StorageError: a body of that name holds other bytes, or the folder cannot be written.
        """
        folders = set()
        for part, name in parts:
            target = self.path(name)
            try:
                if not target.parent.exists():
                    target.parent.mkdir(mode=0o700, exist_ok=True)
                    folders.add(self._objects)
                os.link(part.path, target)
            except FileExistsError:
                self.check_body(name)
            except OSError as error:
                raise StorageError(f"cannot keep a sealed body: {error.strerror}") from error
            folders.add(target.parent)
        for folder in folders:
            sync_folder(folder)

    def keep_headers(self, name: str, headers: Iterable[tuple[str, bytes]]) -> None:
        """The headers of bodies (by body name) stand in a file of their own, durably.

        Raises:
            StorageError: the file is there already or cannot be written.
        """
        lines = [
            json.dumps({"blob": blob, "header": base64.b64encode(header).decode()}, sort_keys=True)
            for blob, header in headers
        ]
        try:
            write_once(self._headers / f"{name}.jsonl", "".join(f"{x}\n" for x in lines).encode())
        except OSError as error:
            raise StorageError(f"cannot keep headers: {error.strerror}") from error

    def headers(self) -> Iterator[tuple[str, bytes, Path]]:
        """All headers of the second place: body name, header, and the file that holds it."""
        for path in sorted(self._headers.glob("*.jsonl")):
            for line in path.read_text(encoding="ascii").splitlines():
                entry = json.loads(line)
                yield entry["blob"], base64.b64decode(entry["header"]), path

    def path(self, name: str) -> Path:
        """Where a body of that name stands.

        Raises:
            StorageError: it is not the name of a body.
        """
        if len(name) != NAME_LETTERS or not _HEX.issuperset(name):
            raise StorageError("the name of a body is 64 hexadecimal digits")
        return self._objects / name[:2] / name

    def open(self, name: str) -> int:
        """A descriptor to read the body; the caller closes it.

        Raises:
            NotFound: it is not here.
        """
        try:
            return os.open(self.path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"the sealed body {name[:16]}... is not in this place") from None

    def size(self, name: str) -> int:
        """The size of a body in bytes.

        Raises:
            NotFound: it is not here.
        """
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            raise NotFound(f"the sealed body {name[:16]}... is not in this place") from None

    def check_body(self, name: str) -> int:
        """The size of the body, whose bytes have the BLAKE3 that is its name.

        Raises:
            NotFound: it is not here.
            DigestMismatch: it holds other bytes.
        """
        with os.fdopen(self.open(name), "rb", buffering=0) as file:
            size, found = blake3_stream(file.readinto)
        if found != name:
            raise DigestMismatch(f"the sealed body {name[:16]}... holds other bytes than its name")
        return size

    def names(self) -> Iterator[str]:
        """The names of all bodies here, in order."""
        for folder in sorted(self._objects.iterdir()):
            yield from sorted(path.name for path in folder.iterdir())

    def sweep_spool(self) -> int:
        """How many dead parts were removed; only while nobody else seals."""
        parts = [*self._spool.glob("*.part"), *self._headers.glob("*.part")]
        for path in parts:
            path.unlink(missing_ok=True)
        return len(parts)

    def remove(self, name: str) -> None:
        """The body is gone from this place: only disposal and repair do this."""
        self.path(name).unlink(missing_ok=True)
        sync_folder(self.path(name).parent)

    def quarantine(self, name: str, under: str) -> None:
        """A body that is not what its name says stands in the spool, for examination."""
        path = self.path(name)
        if path.exists():
            path.replace(self._spool / f"{under}.damaged")
            sync_folder(path.parent)
