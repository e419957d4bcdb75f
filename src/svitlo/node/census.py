"""Census: everything that is offered, before anything is read.

Folders are walked without following links, in the order of their bytes; every entry is listed,
also what cannot be sealed, with the reason. Names are bytes: the path as offered, never changed.
"""

import os
import stat
import time
from collections.abc import Container, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

STDIN = b"-"
UNKNOWN_SIZE = -1
RECENT, RECENT_NS = -1, 100_000_000
"""A file system's clock may stand still for so many ns: some milliseconds on Linux."""


class Offered(NamedTuple):
    """One offered thing: `code` and `reason` say why it cannot be sealed, empty when it can.

    A member of an archive has the archive's path in `container` and its number there in `place`.
    """

    path: bytes
    size: int
    mtime_ns: int
    code: str = ""
    reason: str = ""
    container: bytes = b""
    place: int = -1


class Walk:
    """One walk over what was offered, which remembers when each folder was last changed.

    `folders` maps each folder that was listed to its modification time (ns), or to `RECENT` where
    a further change might leave that time as it is, so soon after the last one.
    """

    def __init__(self, paths: Sequence[bytes]) -> None:
        self._paths = paths
        self.folders: dict[bytes, int] = {}

    def offered(self) -> Iterator[Offered]:
        """What the paths offer, in order: files themselves, folders with all that is in them."""
        for path in self._paths:
            if path == STDIN:
                yield Offered(path, UNKNOWN_SIZE, 0)
                continue
            try:
                found = os.lstat(path)
            except OSError as error:
                yield refused(path, "vanished" if _is_gone(error) else "unreadable", error)
                continue
            if stat.S_ISDIR(found.st_mode):
                yield from self._walk_folder(path)
            else:
                yield _offered(path, found)

    def _walk_folder(self, top: bytes) -> Iterator[Offered]:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                changed = _changed(folder)
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=attrgetter("name"))
            except OSError as error:
                yield refused(folder, "unreadable_folder", error)
                continue
            is_recent = changed > time.time_ns() - RECENT_NS
            self.folders[folder] = RECENT if is_recent else changed
            below = []
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
                else:
                    yield _entry(entry)
            waiting.extend(reversed(below))

    def changed_folders(self) -> list[bytes]:
        """The folders into which something may have come since they were listed."""
        return [path for path, then in self.folders.items() if _is_changed(path, then)]


def entries_now(tops: Sequence[bytes], apart: Container[bytes]) -> Iterator[bytes]:
    """The paths of what is in the folders now, folders `apart` from them left out; in any order."""
    waiting = list(tops)
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        yield entry.path
                    elif entry.path not in apart:
                        waiting.append(entry.path)
        except OSError:
            yield folder  # what the census says of it as well, if it could not be listed then


def _changed(folder: bytes) -> int:
    return os.lstat(folder).st_mtime_ns


def _is_changed(folder: bytes, then: int) -> bool:
    try:
        return _changed(folder) != then
    except OSError:  # it is gone: nothing came into it
        return False


def _entry(entry: "os.DirEntry[bytes]") -> Offered:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        return refused(entry.path, "vanished" if _is_gone(error) else "unreadable", error)
    if stat.S_ISREG(found.st_mode):
        return Offered(entry.path, found.st_size, found.st_mtime_ns)
    return _offered(entry.path, found)


def _offered(path: bytes, found: os.stat_result) -> Offered:
    size, mtime = found.st_size, found.st_mtime_ns
    if stat.S_ISREG(found.st_mode):
        return Offered(path, size, mtime)
    if stat.S_ISLNK(found.st_mode):
        return Offered(path, size, mtime, "symlink", "a symbolic link; links are not followed")
    return Offered(path, size, mtime, "not_regular", _kind(found.st_mode))


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return f"{kinds.get(stat.S_IFMT(mode), 'something else')}, not a regular file"


def refused(path: bytes, code: str, error: OSError) -> Offered:
    """The offered thing that cannot be sealed, with the reason in the system's words."""
    return Offered(path, 0, 0, code, error.strerror or "it cannot be read")


def _is_gone(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError)
