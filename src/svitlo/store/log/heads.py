"""Heads: the last signed checkpoint of each log, kept where no backup rolls it back.

One file an origin, `heads/<sha256(origin)>`, with the checkpoint's text. It is replaced by
compare-and-set under a lock: written apart, fsynced, renamed, and the folder fsynced, all before
anything is signed. The most likely fork is a restore from backup, which rolls the tables back
but not this folder. The sad path that is left: a snapshot of the whole machine rolls both back, and
then only a witness can tell.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from svitlo.errors import ForkError, LogStateError
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint


class HeadStore:
    """The heads of a node's logs in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, origin: str) -> Checkpoint | None:
        """The last head of a log, or None when it never had one.

        Raises:
            CheckpointError: the file is damaged.
        """
        try:
            return parse_checkpoint(self._path(origin).read_bytes())
        except FileNotFoundError:
            return None

    def cas(self, origin: str, old: Checkpoint | None, new: Checkpoint) -> None:
        """The head is `new`, durably, if it was `old` until now.

        Raises:
            LogStateError: the head is another one, or `new` is smaller.
            ForkError: `new` has the size of the head and another root.
        """
        with self._locked():
            found = self.read(origin)
            if found != old:
                raise LogStateError(f"the head of {origin} was moved by another process")
            if old is not None and new.size < old.size:
                raise LogStateError(f"the head of {origin} has {old.size} entries, not {new.size}")
            if old is not None and new.size == old.size and new.root != old.root:
                raise ForkError(
                    f"two roots of {origin} at size {new.size}",
                    format_checkpoint(old),
                    format_checkpoint(new),
                )
            write_durably(self._path(origin), format_checkpoint(new))

    def _path(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        opened = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            yield
        finally:
            os.close(opened)


def write_durably(path: Path, content: bytes) -> None:
    """The file has this content, whole, also after a power cut; readers never see a part."""
    part = _part_of(path)
    _write_part(part, content, 0o600)
    part.replace(path)
    sync_folder(path.parent)


def write_once(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A new file with this content, whole, also after a power cut; never replaces another.

    Raises:
        FileExistsError: the name is taken.
    """
    part = _part_of(path)
    try:
        _write_part(part, content, mode)
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def _part_of(path: Path) -> Path:
    """A hidden name beside the path that no other process writes."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _write_part(part: Path, content: bytes, mode: int) -> None:
    part.unlink(missing_ok=True)
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(opened, view) :]
        os.fsync(opened)
    finally:
        os.close(opened)


def sync_folder(folder: Path) -> None:
    """The names in the folder are durable."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
