"""Read an offered thing once, whole, and be sure that it did not change meanwhile."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from svitlo.errors import Rejected
from svitlo.seal.digest import ReadInto

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def read_small(path: bytes, limit: int) -> tuple[bytes, int] | None:
    """The content and the modification time (ns) of a file; None when it is larger than `limit`.

    Raises:
        Rejected: it is gone, unreadable, no regular file, or changes while it is read.
    """
    for _ in range(2):
        try:
            opened = os.open(path, _FLAGS)
        except OSError as error:
            raise _refusal(error) from None
        try:
            before = os.fstat(opened)
            if not stat.S_ISREG(before.st_mode):
                raise Rejected(
                    "not_regular", "it was replaced by something that is no regular file"
                )
            if before.st_size > limit:
                return None
            content = _read_all(opened, before.st_size)
            after = os.fstat(opened)
        except OSError as error:
            raise _refusal(error) from None
        finally:
            os.close(opened)
        if len(content) == before.st_size and is_same(before, after):
            return content, after.st_mtime_ns
    raise Rejected("changed_while_reading", "it changed while it was read, twice")


def _read_all(opened: int, size: int) -> bytes:
    """Up to `size` + 1 bytes: one more than expected shows that the file grew."""
    content = os.read(opened, size + 1)
    if len(content) >= size:
        return content
    parts = [content]
    while len(content) and sum(map(len, parts)) <= size:
        content = os.read(opened, size + 1)
        parts.append(content)
    return b"".join(parts)


@contextmanager
def opened_large(path: bytes) -> Iterator[tuple[ReadInto, int, Callable[[int], bool]]]:
    """A reader of the file, its modification time (ns), and whether it stayed as it was.

    The last is asked after reading, with the number of bytes read.

    Raises:
        Rejected: it is gone, unreadable or no regular file.
    """
    try:
        opened = os.open(path, _FLAGS)
    except OSError as error:
        raise _refusal(error) from None
    before = os.fstat(opened)
    if not stat.S_ISREG(before.st_mode):
        os.close(opened)
        raise Rejected("not_regular", "it was replaced by something that is no regular file")
    with os.fdopen(opened, "rb", buffering=0) as file:

        def read_into(room: memoryview) -> int:
            try:
                return file.readinto(room) or 0
            except OSError as error:
                raise _refusal(error) from None

        def is_unchanged(size: int) -> bool:
            return size == before.st_size and is_same(before, os.fstat(opened))

        yield read_into, before.st_mtime_ns, is_unchanged


def is_same(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether two looks at a file agree in size, times and inode."""
    return (
        before.st_size == after.st_size
        and before.st_mtime_ns == after.st_mtime_ns
        and before.st_ctime_ns == after.st_ctime_ns
        and before.st_ino == after.st_ino
    )


def _refusal(error: OSError) -> Rejected:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Rejected("vanished", "it was there at the census and is gone")
    if error.errno == errno.ELOOP:
        return Rejected("symlink", "it was replaced by a symbolic link")
    if error.errno in {errno.ENXIO, errno.EISDIR}:
        return Rejected("not_regular", "it was replaced by something that is no regular file")
    return Rejected("unreadable", error.strerror or "it cannot be read")


def opened_stdin() -> ReadInto:
    """A reader of standard input, from where it stands to its end."""

    def read_into(room: memoryview) -> int:
        try:
            return os.readv(0, [room])
        except OSError as error:
            raise _refusal(error) from None

    return read_into
