"""Zip archives: members from the central directory, their bytes as streams.

`zipfile` is not used: it refuses a whole archive for one name, and expands bzip2 and LZMA without a
bound. Sizes are those of the central directory, and no member gives more. Times of the DOS field
have no zone and are left out; the extra fields of Unix (0x5455) and NTFS (0x000a) are used.

Source: PKWARE APPNOTE.TXT 6.3.10; overlapping members: David Fifield, "A better zip bomb" (2019).
"""

import bz2
import io
import lzma
import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from svitlo.errors import Rejected
from svitlo.node.containers import LARGEST, Limits, Member, rejecting_the_broken
from svitlo.seal.digest import ReadInto

MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")
DIRECTORY_MAX = 64 << 20
"""Largest central directory that is read (bytes): 100,000 members with names of 600 bytes."""

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_BYTES = 20
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL = 0xFFFFFFFF
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_ENCRYPTED = 0x2041  # bits 0, 6 and 13 of APPNOTE 4.4.4
_PATCHED = 0x20
_UNIX = 3
_CHUNK = 64 << 10
_NTFS_TIMES, _UNIX_TIME = 16, 5
_EPOCH_1601_NS = 11_644_473_600 * 10**9


@dataclass(frozen=True, slots=True)
class _Entry:
    member: Member
    method: int
    crc: int
    start: int
    packed: int


def is_zip(file: BinaryIO) -> bool:
    """Whether the file begins as a zip does.

    Raises:
        Rejected: it cannot be read.
    """
    with rejecting_the_broken():
        file.seek(0)
        return file.read(8).startswith(MAGICS)


class ZipContents:
    """The members of one zip.

    Raises:
        Rejected: it has no central directory, or one beyond the limits.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file, self._limits = file, limits
        self._size = os.fstat(file.fileno()).st_size
        self._entries: list[_Entry] = []
        self._fault: Rejected | None = None
        with rejecting_the_broken():
            try:
                self._read_directory()
            except Rejected as fault:
                self._fault = fault

    def can(self, place: int) -> bool:
        """Whether the member can be read without opening the archive anew."""
        return place >= 0

    def members(self) -> Iterator[Member]:
        """Every member but folders, in the order of the directory.

        Raises:
            Rejected: after the members that could be listed, when the directory is damaged or
                names too many.
        """
        overlapping = self._overlapping()
        expanded = 0
        for entry in self._entries:
            member = entry.member
            if member.name.endswith(b"/") and not member.size:
                continue
            expanded += member.size
            if not member.code:
                member = self._judged(entry, expanded, member.place in overlapping)
            yield member
        if self._fault is not None:
            raise self._fault

    def _judged(self, entry: _Entry, expanded: int, overlaps: bool) -> Member:  # noqa: FBT001 - a fact, not a choice
        member = entry.member
        reason = self._limits.judge(member.size, expanded, self._size)
        if self._limits.is_bomb(member.size, entry.packed):
            reason = f"it expands to more than {self._limits.ratio} times its size"
        if overlaps:
            reason = "its bytes overlap those of another member"
        if not reason:
            return member
        return Member(
            name=member.name,
            place=member.place,
            size=member.size,
            mtime_ns=member.mtime_ns,
            code="over_limit",
            reason=reason,
        )

    def _overlapping(self) -> set[int]:
        """Places of the members whose bytes another member also claims."""
        found: set[int] = set()
        reached, last = 0, -1
        for entry in sorted(self._entries, key=lambda entry: (entry.start, entry.member.place)):
            if entry.start < reached:
                found.update((last, entry.member.place))
            end = entry.start + _LOCAL.size + len(entry.member.name) + entry.packed
            if end > reached:
                reached, last = end, entry.member.place
        return found

    def read(self, place: int) -> tuple[ReadInto, int, int]:
        """A reader of the member, its size, and its modification time (ns, 0 when unknown).

        Raises:
            Rejected: there is none at this place, or it cannot be read.
        """
        if not 0 <= place < len(self._entries):
            raise self._fault or Rejected("broken_archive", "the archive has no such member")
        entry = self._entries[place]
        member = entry.member
        if member.code:
            raise Rejected(member.code, member.reason)
        if self._limits.is_bomb(member.size, entry.packed) or member.size > self._limits.total:
            raise Rejected("over_limit", "it expands beyond the limits")
        with rejecting_the_broken():
            begin = self._data_begin(entry)
        return _Expansion(self._file, entry, begin).read_into, member.size, member.mtime_ns

    def _data_begin(self, entry: _Entry) -> int:
        self._file.seek(entry.start)
        local = self._file.read(_LOCAL.size)
        if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
            raise Rejected("broken_archive", "the member is not where the directory says")
        *_, name_size, extra_size = _LOCAL.unpack(local)
        begin = entry.start + _LOCAL.size + int(name_size) + int(extra_size)
        if begin + entry.packed > self._size:
            raise Rejected("broken_archive", "the archive ends inside the member")
        return begin

    def _read_directory(self) -> None:
        at, size, shift = _find_directory(self._file, self._size)
        if size > DIRECTORY_MAX:
            raise Rejected("over_limit", f"its directory is larger than {DIRECTORY_MAX:,} bytes")
        self._file.seek(at)
        directory = io.BytesIO(self._file.read(size))
        while directory.tell() < size:
            if len(self._entries) == self._limits.members:
                raise Rejected("over_limit", f"it has more than {self._limits.members:,} members")
            entry = _next_entry(directory, len(self._entries), shift)
            self._entries.append(entry)


def _find_directory(file: BinaryIO, file_size: int) -> tuple[int, int, int]:
    """Where the central directory begins, its size, and how far stated offsets are shifted."""
    tail_at = max(0, file_size - _END.size - 0xFFFF)
    file.seek(tail_at)
    tail = file.read(_END.size + 0xFFFF)
    found = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
    if found < 0:
        raise Rejected("broken_archive", "the archive ends before its directory")
    _, disk, *_, size, offset, _ = _END.unpack_from(tail, found)
    end = tail_at + found
    wide = end - _LOCATOR_BYTES - _END64.size
    if wide >= 0:
        file.seek(wide)
        record = file.read(_END64.size + _LOCATOR_BYTES)
        if record[:4] == b"PK\x06\x06" and record[_END64.size :][:4] == b"PK\x06\x07":
            *_, size, offset = _END64.unpack_from(record)
            end, disk = wide, 0
    if disk not in (0, 0xFFFF):
        raise Rejected("broken_archive", "it is one part of a divided archive")
    begin = end - size
    if begin < 0 or begin < offset:
        raise Rejected("broken_archive", "its directory is not where the archive says")
    return begin, size, begin - offset


def _next_entry(directory: io.BytesIO, place: int, shift: int) -> _Entry:
    head = directory.read(_ENTRY.size)
    if len(head) < _ENTRY.size or head[:4] != b"PK\x01\x02":
        raise Rejected("broken_archive", "its directory is damaged")
    fields = _ENTRY.unpack(head)
    flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
    name = directory.read(fields[10])
    extra = directory.read(fields[11])
    directory.seek(fields[12], io.SEEK_CUR)
    if len(name) < fields[10] or len(extra) < fields[11]:
        raise Rejected("broken_archive", "its directory is damaged")
    extras = dict(_extras(extra))
    size, packed, start = _widened([size, packed, fields[16]], extras.get(1, b""))
    code, reason = _refusal(fields[1] >> 8, fields[15] >> 16, flags, method)
    member = Member(
        name=name,
        place=place,
        size=min(size, LARGEST),
        mtime_ns=_mtime_ns(extras),
        code=code,
        reason=reason,
    )
    return _Entry(member, method, crc, start + shift, packed)


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Extra fields (APPNOTE 4.5): identifier and content, as far as they are whole."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + size]
        at += 4 + size


def _widened(narrow: list[int], extra: bytes) -> tuple[int, int, int]:
    """Size, packed size and offset, from the ZIP64 field where 32 bits did not hold them."""
    at = 0
    for index, value in enumerate(narrow):
        if value == _FULL and at + 8 <= len(extra):
            (narrow[index],) = struct.unpack_from("<Q", extra, at)
            at += 8
    return narrow[0], narrow[1], narrow[2]


def _mtime_ns(extras: dict[int, bytes]) -> int:
    unix, ntfs = extras.get(0x5455, b""), extras.get(0x000A, b"")
    if len(ntfs) >= _NTFS_TIMES and ntfs[4:8] == b"\x01\x00\x18\x00":
        (ticks,) = struct.unpack_from("<Q", ntfs, 8)
        found = ticks * 100 - _EPOCH_1601_NS
        return found if abs(found) <= LARGEST else 0
    if len(unix) >= _UNIX_TIME and unix[0] & 1:
        (seconds,) = struct.unpack_from("<l", unix, 1)
        return int(seconds) * 10**9
    return 0


def _refusal(system: int, mode: int, flags: int, method: int) -> tuple[str, str]:
    """Code and reason, empty when the member can be read."""
    kind = stat.S_IFMT(mode) if system == _UNIX else 0
    if kind == stat.S_IFLNK:
        return "symlink", "a symbolic link; links are not followed"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "not_regular", "not a regular file"
    if flags & _ENCRYPTED:
        return "unreadable", "it is encrypted"
    if flags & _PATCHED or method not in (_STORED, _DEFLATED, _BZIP2, _LZMA):
        return "unreadable", f"its compression (method {method}) is not known"
    return "", ""


class _Expansion:
    """The bytes of one member: exactly as many as declared, with the declared CRC-32."""

    def __init__(self, file: BinaryIO, entry: _Entry, begin: int) -> None:
        self._file, self._entry = file, entry
        self._at, self._packed_left = begin, entry.packed
        self._left, self._crc = entry.member.size, 0
        self._expand: Callable[[bytes, int], tuple[bytes, bool, bool]] | None = None
        self._is_hungry = True

    def read_into(self, room: memoryview) -> int:
        if not self._left:
            self._finish()
            return 0
        part = self._next(min(len(room), self._left))
        if not part:
            raise Rejected("broken_archive", "the member is shorter than it declares")
        room[: len(part)] = part
        self._crc = zlib.crc32(part, self._crc)
        self._left -= len(part)
        if not self._left:
            self._finish()
        return len(part)

    def _finish(self) -> None:
        if self._entry.method != _STORED and self._next(1):
            raise Rejected("broken_archive", "the member is longer than it declares")
        if self._crc != self._entry.crc:
            raise Rejected("broken_archive", "the checksum of the member does not fit")

    def _packed(self, most: int) -> bytes:
        self._file.seek(self._at)
        part = self._file.read(min(most, self._packed_left))
        self._at += len(part)
        self._packed_left -= len(part)
        return part

    def _next(self, most: int) -> bytes:
        """Up to `most` expanded bytes; none at the end."""
        if self._entry.method == _STORED:
            return self._packed(most)
        if self._expand is None:
            self._expand = self._expander()
        while True:
            part = self._packed(_CHUNK) if self._is_hungry else b""
            is_starved = self._is_hungry and not part
            out, self._is_hungry, is_over = self._expand(part, most)
            if out or is_over or is_starved:
                return out

    def _expander(self) -> Callable[[bytes, int], tuple[bytes, bool, bool]]:
        if self._entry.method == _DEFLATED:
            return _inflating()
        if self._entry.method == _BZIP2:
            return _driving(bz2.BZ2Decompressor())
        head = self._packed(4)
        (size,) = struct.unpack("<2xH", head)
        properties = self._packed(size)
        return _driving(_lzma(properties))


def _lzma(properties: bytes) -> lzma.LZMADecompressor:
    """The decoder of APPNOTE 5.8.8, which refuses dictionaries beyond 64 MiB."""
    packed, dictionary = struct.unpack("<BL", properties)
    if packed >= 9 * 5 * 5 or dictionary > 64 << 20:
        raise Rejected("over_limit", "its compression asks for too much memory")
    wanted = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(4096, dictionary),
        "lc": packed % 9,
        "lp": packed // 9 % 5,
        "pb": packed // 45,
    }
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[wanted])


def _inflating() -> Callable[[bytes, int], tuple[bytes, bool, bool]]:
    state = zlib.decompressobj(-15)

    def expand(part: bytes, most: int) -> tuple[bytes, bool, bool]:
        if state.eof:
            return b"", False, True
        out = state.decompress(state.unconsumed_tail + part, most)
        return out, not state.unconsumed_tail and len(out) < most, state.eof

    return expand


def _driving(
    state: bz2.BZ2Decompressor | lzma.LZMADecompressor,
) -> Callable[[bytes, int], tuple[bytes, bool, bool]]:
    def expand(part: bytes, most: int) -> tuple[bytes, bool, bool]:
        if state.eof:
            return b"", False, True
        out = state.decompress(part, most)
        return out, state.needs_input, state.eof

    return expand
