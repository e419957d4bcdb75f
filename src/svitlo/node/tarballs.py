"""Tar archives, plain or compressed with gzip, bzip2 or xz: members and their bytes in one pass.

`tarfile` reads the headers from a stream that only goes forward, counts what comes out of the
compression, and bounds what one header may bring into memory. `tarfile` takes a damaged header for
the end of the archive; here an archive without its end mark is a broken one.

Source: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format".
"""

import bz2
import gzip
import io
import lzma
import os
import re
import tarfile
from collections.abc import Iterator
from decimal import Decimal, DecimalException
from typing import BinaryIO, Protocol

from svitlo.errors import Rejected
from svitlo.node.containers import BROKEN, LARGEST, Limits, Member, rejecting_the_broken
from svitlo.seal.digest import ReadInto

XZ_MEMORY = 128 << 20
"""What the decoder of xz may take (bytes): `xz -9` asks for 65 MiB."""

_BLOCK = 512
_CHUNK = 64 << 10
_HEADERS_A_MEMBER = 4096
_GLOBAL_WORDS = 1000
_KIND = 156
_PAX, _EXTENDING = b"xgX", b"xgXLK"
_NEWLINE = 10
_LONGEST_NUMBER = 256
_NUMBER = re.compile(rb"[0-9]+")
_RECORD = re.compile(rb"([0-9]{1,7}) [^=\n]+=")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_tarball(file: BinaryIO) -> bool:
    """Whether the file, expanded where it is compressed, begins with a header of a tar.

    Raises:
        Rejected: it cannot be read.
    """
    with rejecting_the_broken():
        file.seek(0)
        magic = file.read(6)
        file.seek(0)
    try:
        head = _expanded(file, magic).read(_BLOCK)
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except BROKEN:
        return False
    return True


def _expanded(file: BinaryIO, magic: bytes) -> _Readable:
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if magic[:3] == b"BZh":
        return bz2.BZ2File(file)
    if magic == b"\xfd7zXZ\x00":
        return _Xz(file)
    return file


class _Xz:
    """Reads xz streams with bounded memory, which `lzma.LZMAFile` cannot."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._state = self._fresh()
        self._rest = b""
        self._is_over = False

    def _fresh(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)

    def read(self, size: int, /) -> bytes:
        while not self._is_over:
            if self._state.eof:
                self._rest = self._state.unused_data.lstrip(b"\0")
                while not self._rest and (more := self._file.read(_CHUNK)):
                    self._rest = more.lstrip(b"\0")
                if not self._rest:
                    self._is_over = True
                    break
                self._state = self._fresh()
            part = self._rest
            self._rest = b""
            if self._state.needs_input and not part:
                part = self._file.read(_CHUNK)
                if not part:
                    raise EOFError
            if out := self._state.decompress(part, size):
                return out
        return b""


class _Stream(io.RawIOBase):
    """What `tarfile` reads from: forwards only, and no further than the limits."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        super().__init__()
        file.seek(0)
        magic = file.read(6)
        file.seek(0)
        self._source = _expanded(file, magic)
        self._plain = file if self._source is file else None
        self._limits = limits
        self._file_size = os.fstat(file.fileno()).st_size
        self._most = limits.total + limits.members * _HEADERS_A_MEMBER
        self._at = 0
        self._header_left: int | None = limits.headers
        self._extends = b""
        self.last = b""

    def begin_header(self) -> None:
        """What is read next is a header, and bounded as such."""
        self._header_left = self._limits.headers
        self._extends = self.last = b""

    def begin_content(self) -> None:
        """What is read next are bytes of a member."""
        self._header_left = None

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset < self._at:
            raise tarfile.StreamError("a tar is read forwards only")
        if self._plain is not None:
            self._at = self._plain.seek(min(offset, self._file_size))
        while self._at < offset and self._take(min(_CHUNK, offset - self._at)):
            pass
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        if self._header_left is not None:
            self._header_left -= size
            if size < 0 or self._header_left < 0:
                raise Rejected("over_limit", "a header is larger than any honest one")
        parts, left = [], size
        while left > 0 and (part := self._take(left)):
            parts.append(part)
            left -= len(part)
        self.last = b"".join(parts)
        if self._header_left is not None:
            self._look(self.last)
        return self.last

    def _look(self, block: bytes) -> None:
        """Pax records are checked before `tarfile` sees them; they follow the header `x` or `g`."""
        if self._extends:
            if self._extends in _PAX:
                _check_records(block)
            self._extends = b""
        elif len(block) == _BLOCK and block[_KIND] in _EXTENDING:
            self._extends = block[_KIND : _KIND + 1]

    def _take(self, size: int) -> bytes:
        part = self._source.read(size)
        self._at += len(part)
        if self._plain is not None:
            return part
        if self._at > self._most:
            raise Rejected("over_limit", f"it expands to more than {self._most:,} bytes")
        if self._limits.is_bomb(self._at, self._file_size):
            raise Rejected(
                "over_limit", f"it expands to more than {self._limits.ratio} times its size"
            )
        return part

    def drain(self) -> None:
        """The rest is read, so that a cut or a wrong checksum at the very end is found."""
        if self._plain is None:
            while self._take(_CHUNK):
                pass


def _check_records(block: bytes) -> None:
    """Nothing, when pax records stand one behind the other, as POSIX has them.

    `tarfile` needs time quadratic in the size of others (CVE-2024-6232).
    """
    at = 0
    while at < len(block) and block[at]:
        found = _RECORD.match(block, at)
        end = at + int(found[1]) if found else 0
        if found is None or not found.end() < end <= len(block) or block[end - 1] != _NEWLINE:
            raise Rejected("broken_archive", "a header of a member is damaged")
        at = end
    if max(map(len, _NUMBER.findall(block)), default=0) > _LONGEST_NUMBER:
        raise Rejected("over_limit", "a header holds a number longer than any honest one")


class TarContents:
    """The members of one tar, in order.

    Raises:
        Rejected: the first header is damaged.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        self._size = os.fstat(file.fileno()).st_size
        self._place = 0
        with rejecting_the_broken():
            self._stream = _Stream(file, limits)
            self._tar = tarfile.TarFile(
                fileobj=self._stream, encoding="utf-8", errors="surrogateescape"
            )

    def can(self, place: int) -> bool:
        """Whether the member can be read without opening the archive anew."""
        return place >= self._place

    def members(self) -> Iterator[Member]:
        """Every member but folders.

        Raises:
            Rejected: after the members that could be listed, when the archive is damaged, cut, or
                beyond the limits.
        """
        expanded = 0
        while found := self._next():
            if found.isdir():
                continue
            if self._place > self._limits.members:
                raise Rejected("over_limit", f"it has more than {self._limits.members:,} members")
            expanded += found.size
            reason = self._limits.judge(found.size, expanded, self._size)
            code = "over_limit" if reason else ""
            if not found.isreg():
                code, reason = _kind(found)
            yield Member(
                name=found.name.encode("utf-8", "surrogateescape"),
                place=self._place - 1,
                size=min(found.size, LARGEST),
                mtime_ns=_mtime_ns(found),
                code=code,
                reason=reason,
            )

    def read(self, place: int) -> tuple[ReadInto, int, int]:
        """A reader of the member, its size, and its modification time (ns, 0 when unknown).

        Raises:
            Rejected: there is none at this place, or it cannot be read.
        """
        found = self._found(place)
        with rejecting_the_broken():
            opened = self._tar.extractfile(found)
        if opened is None:
            raise Rejected("broken_archive", "the archive has no such member")
        left = found.size

        def read_into(room: memoryview) -> int:
            nonlocal left
            self._stream.begin_content()
            part = opened.read(min(len(room), left))
            if left and not part:
                raise Rejected("broken_archive", "the member is shorter than it declares")
            room[: len(part)] = part
            left -= len(part)
            return len(part)

        return read_into, found.size, _mtime_ns(found)

    def _found(self, place: int) -> tarfile.TarInfo:
        found = None
        while self._place <= place:
            found = self._next()
            if found is None:
                break
        if found is None:
            raise Rejected("broken_archive", "the archive has no such member")
        if not found.isreg():
            raise Rejected(*_kind(found))
        if reason := self._limits.judge(found.size, found.size, self._size):
            raise Rejected("over_limit", reason)
        return found

    def _next(self) -> tarfile.TarInfo | None:
        """The next entry; None after the end mark."""
        with rejecting_the_broken():
            self._stream.begin_header()
            found = self._tar.next()
            self._tar.members = []  # type: ignore[attr-defined]  # tarfile would keep every entry
            if found is None:
                self._finish()
                return None
        if found.size < 0:
            raise Rejected("broken_archive", "a member declares a size below zero")
        if len(self._tar.pax_headers) > _GLOBAL_WORDS:
            raise Rejected("over_limit", "it has more global headers than any honest one")
        self._place += 1
        return found

    def _finish(self) -> None:
        if len(self._stream.last) != _BLOCK or self._stream.last.strip(b"\0"):
            raise Rejected("broken_archive", "the archive is cut or damaged before its end mark")
        self._stream.drain()


def _kind(found: tarfile.TarInfo) -> tuple[str, str]:
    if found.issym():
        return "symlink", "a symbolic link; links are not followed"
    if found.islnk():
        return "not_regular", "a hard link to another member, not a regular file"
    if found.isfifo():
        return "not_regular", "a named pipe, not a regular file"
    if found.isdev():
        return "not_regular", "a device, not a regular file"
    return "not_regular", "something else, not a regular file"


def _mtime_ns(found: tarfile.TarInfo) -> int:
    """The modification time: exact where a pax header has fractions, 0 when it makes no sense."""
    words = found.pax_headers.get("mtime", "")
    try:
        exact = int(Decimal(words[:40]) * 10**9) if words else int(found.mtime) * 10**9
    except (DecimalException, ValueError, OverflowError):
        return 0
    return exact if abs(exact) <= LARGEST else 0
