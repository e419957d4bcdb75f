"""What all archives share: how one is opened, its limits, its members, and what breaks it.

Names of members are never paths here: nothing is unpacked, so a hostile name harms nobody and is
kept byte for byte. Whatever the readers of the standard library raise on hostile bytes becomes one
`Rejected` with a code of `record.exhibit.REJECTIONS`.
"""

import errno
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from svitlo.errors import Rejected

BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
)
"""What `tarfile`, `gzip`, `bz2` and `lzma` raise on damaged or hostile bytes, as fuzzing found."""

LARGEST = (1 << 63) - 1
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one archive may hold; beyond, members are listed as `over_limit`, not sealed.

    `ratio` is expanded by compressed bytes, judged once more than `judged_from` bytes come out;
    `headers` bounds the memory that names and other words of one header may take (bytes).
    """

    members: int = 100_000
    ratio: int = 200
    total: int = 4 << 30
    judged_from: int = 1 << 20
    headers: int = 64 << 10

    def is_bomb(self, expanded: int, compressed: int) -> bool:
        """Whether so many bytes from so few are more than honest files give."""
        return expanded > self.judged_from and expanded > self.ratio * compressed

    def judge(self, size: int, expanded: int, archive_size: int) -> str:
        """Why a member of `size` bytes may not be read; empty when it may.

        Args:
            size: bytes that the member declares.
            expanded: bytes that all members up to this one declare.
            archive_size: bytes of the archive itself.
        """
        if expanded > self.total or size > self.total:
            return f"the members up to here hold more than {self.total:,} bytes"
        if self.is_bomb(expanded, archive_size):
            return f"the archive expands to more than {self.ratio} times its size"
        return ""


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of an archive; `code` and `reason` say why it cannot be sealed, empty when it can.

    `place` counts all entries from 0, folders too; `size` in bytes, `mtime_ns` 0 when unknown.
    """

    name: bytes
    place: int
    size: int
    mtime_ns: int = 0
    code: str = ""
    reason: str = ""


def open_container(path: bytes) -> BinaryIO:
    """The archive, opened for reading; links are not followed.

    Raises:
        Rejected: it is gone, unreadable or no regular file.
    """
    try:
        opened = os.open(path, _FLAGS)
    except OSError as error:
        raise rejection_of(error) from None
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise Rejected("not_regular", "it was replaced by something that is no regular file")
    return os.fdopen(opened, "rb")


def rejection_of(error: Exception) -> Rejected:
    """The rejection that says what one of `BROKEN` means for the archive."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Rejected("vanished", "the archive was there at the census and is gone")
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return Rejected("symlink", "the archive was replaced by a symbolic link")
    if isinstance(error, OSError) and error.errno is not None:
        return Rejected("unreadable", error.strerror or "the archive cannot be read")
    if isinstance(error, EOFError):
        return Rejected("broken_archive", "the archive ends too early")
    return Rejected("broken_archive", f"the archive is damaged ({type(error).__name__})")


@contextmanager
def rejecting_the_broken() -> Iterator[None]:
    """Inside, every error of `BROKEN` surfaces as `Rejected`."""
    try:
        yield
    except BROKEN as error:
        raise rejection_of(error) from None
