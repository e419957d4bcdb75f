"""Segments: many small exhibits in one sealed tar, so that each costs little more than its digests.

A segment is a plain POSIX ustar file: one member an exhibit, named by its id, mode 0444, owner and
time 0; the last member is `index.jsonl`, a line of canonical JSON for each member in order; then
1,024 zeros. `age -d | tar x` needs nothing of ours. Members have at most 16 MiB, a segment 256 MiB.
There is one form only: a reader accepts what a writer would have written, byte for byte.

Source: IEEE Std 1003.1, pax, "ustar Interchange Format"; RFC 8785 for the lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from blake3 import blake3

from svitlo.errors import SegmentError
from svitlo.seal.digest import Block, Digest, Digests

if TYPE_CHECKING:
    from svitlo.seal.payload import Pread

RECORD_BYTES = 512
END = bytes(2 * RECORD_BYTES)
INDEX_NAME = "index.jsonl"
MAX_MEMBER_BYTES = 16 << 20
MAX_SEGMENT_BYTES = 256 << 20
MAX_LINE_BYTES = 320
"""No index line is longer: a name has at most 99 letters."""

Write: TypeAlias = Callable[[Block], object]

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,98}")
_LINE = re.compile(
    rb'\{"blake3":"([0-9a-f]{64})","id":"([a-z0-9][a-z0-9.-]{0,98})",'
    rb'"off":([1-9][0-9]{0,8}),"sha256":"([0-9a-f]{64})","size":(0|[1-9][0-9]{0,7})\}'
)
_NAME_BYTES = 100
_OCTAL = re.compile(rb"[0-7]{11}")
_SIZE_AT = slice(124, 135)
_PADDING = tuple(bytes(-size % RECORD_BYTES) for size in range(RECORD_BYTES))
_OWNER = b"0000444\0" + b"0000000\0" * 2
_TIME = b"\0" + b"00000000000\0"
_REST = b"0" + bytes(100) + b"ustar\00000" + bytes(247)
_FIXED_SUM = sum(_OWNER + _TIME + _REST) + 8 * ord(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One exhibit in a segment: where its bytes begin in the tar, how many, and their digests."""

    id: str
    off: int
    size: int
    sha256: str
    blake3: str

    @property
    def line(self) -> bytes:
        """Its line in the index, canonical JSON."""
        return (
            f'{{"blake3":"{self.blake3}","id":"{self.id}","off":{self.off},'
            f'"sha256":"{self.sha256}","size":{self.size}}}\n'
        ).encode()

    @property
    def end(self) -> int:
        """Where the next member's header begins."""
        return self.off + self.size + -self.size % RECORD_BYTES


class SegmentWriter:
    """A segment that grows by `add`, and is whole only after `close`.

    Args:
        write: takes the tar in order, as `BodyWriter.update` does.
    """

    __slots__ = ("_index_bytes", "_is_open", "_lines", "_names", "_write", "size")

    def __init__(self, write: Write) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._names: set[str] = {INDEX_NAME}
        self._index_bytes = 0
        self._is_open = True
        self.size = 0

    @property
    def count(self) -> int:
        """How many members it has."""
        return len(self._lines)

    def fits(self, size: int) -> bool:
        """Whether a member of so many bytes may still be added."""
        index = self._index_bytes + MAX_LINE_BYTES
        whole = self.size + size + index + 4 * RECORD_BYTES + len(END)
        return self._is_open and size <= MAX_MEMBER_BYTES and whole <= MAX_SEGMENT_BYTES

    def add(self, name: str, size: int, blocks: Iterable[Block]) -> Member:
        """Write one member and say where it lies; cheapest when it comes as a single block.

        Raises:
            SegmentError: the name is malformed or taken, it does not fit, or the blocks have not
                the stated size. The last breaks the segment: it must be thrown away.
        """
        if name in self._names or not _NAME.fullmatch(name):
            raise SegmentError(f"a new name of [a-z0-9.-] was expected, {name[:100]!r} was found")
        if not self.fits(size):
            raise SegmentError(f"{size} bytes no longer fit in this segment")
        self._is_open = False
        off = self.size + RECORD_BYTES
        self._write(member_header(name, size))
        found = self._copy(size, blocks)
        if found.size != size:
            raise SegmentError(f"{name} should have {size} bytes, but has {found.size} or more")
        self._write(_PADDING[size % RECORD_BYTES])
        member = Member(id=name, off=off, size=size, sha256=found.sha256, blake3=found.blake3)
        line = member.line
        self._names.add(name)
        self._lines.append(line)
        self._index_bytes += len(line)
        self.size = member.end
        self._is_open = True
        return member

    def add_whole(self, name: str, content: bytes) -> tuple[int, str, str]:
        """Write one member that is in memory: where it begins, its SHA-256 and its BLAKE3 (hex).

        Does what `add` does, in one write.

        Raises:
            SegmentError: the name is malformed or taken, or it does not fit.
        """
        size = len(content)
        if name in self._names or not _NAME.fullmatch(name):
            raise SegmentError(f"a new name of [a-z0-9.-] was expected, {name[:100]!r} was found")
        if not self.fits(size):
            raise SegmentError(f"{size} bytes no longer fit in this segment")
        sha, tree = sha256(content).hexdigest(), blake3(content).hexdigest()
        off = self.size + RECORD_BYTES
        line = (
            f'{{"blake3":"{tree}","id":"{name}","off":{off},"sha256":"{sha}","size":{size}}}\n'
        ).encode()
        self._is_open = False
        self._write(b"%b%b%b" % (member_header(name, size), content, _PADDING[size % RECORD_BYTES]))
        self._is_open = True
        self._names.add(name)
        self._lines.append(line)
        self._index_bytes += len(line)
        self.size = off + size + -size % RECORD_BYTES
        return off, sha, tree

    def close(self) -> bytes:
        """Write the index and the end of the tar; the index comes back.

        Raises:
            SegmentError: it is closed or broken, or has no member.
        """
        if not self._is_open or not self._lines:
            raise SegmentError("a segment that is open and has members was expected")
        self._is_open = False
        index = b"".join(self._lines)
        padding = _PADDING[len(index) % RECORD_BYTES]
        self._write(member_header(INDEX_NAME, len(index)) + index + padding + END)
        self.size += RECORD_BYTES + len(index) + len(padding) + len(END)
        return index

    def _copy(self, size: int, blocks: Iterable[Block]) -> Digest:
        """Write the blocks, as long as they stay within the size; their digests come back."""
        digests = Digests()
        for block in blocks:
            digests.update(block)
            if digests.size > size:
                break
            self._write(block)
        return digests.value()


class SegmentReader:
    """Finds and checks members of a segment, by its index or by where they begin.

    Args:
        read: gives plaintext of the tar, as `BodyReader.read` does.
        size: the size of the tar in bytes.
    """

    __slots__ = ("_read", "size")

    def __init__(self, read: Pread, size: int) -> None:
        self._read = read
        self.size = size

    def index(self) -> tuple[Member, ...]:
        """All members in order, from the index.

        Raises:
            SegmentError: the tar is cut, or the index is not one that covers it without a gap.
        """
        last = self._last_member()
        begin = last.end + RECORD_BYTES
        name, size = self.header_at(begin)
        end = begin + size + -size % RECORD_BYTES
        if name != INDEX_NAME or end + len(END) != self.size:
            raise SegmentError("the index of a segment does not lie where its last line says")
        content = self._bytes(begin, self.size - begin)
        if any(content[size:]):
            raise SegmentError("zeros were expected after the index of a segment")
        return parse_index(content[:size])

    def header_at(self, off: int) -> tuple[str, int]:
        """Name and size of the member whose bytes begin at that offset.

        Raises:
            SegmentError: no member begins there.
        """
        if off < RECORD_BYTES or off % RECORD_BYTES:
            raise SegmentError(f"no member of a segment begins at {off}")
        return parse_member_header(self._bytes(off - RECORD_BYTES, RECORD_BYTES))

    def read(self, member: Member, offset: int, length: int) -> bytes:
        """Bytes of one member from `offset` on, `length` or fewer where it ends; no digest checked.

        Raises:
            SegmentError: the range is negative, or the tar ends too early.
        """
        if offset < 0 or length < 0:
            raise SegmentError(f"a range was expected, {length} bytes from {offset} were asked for")
        end = min(offset + length, member.size)
        return self._bytes(member.off + offset, end - offset) if offset < end else b""

    def content(self, member: Member) -> bytes:
        """All bytes of one member, with header and both digests checked.

        Raises:
            SegmentError: another member, or none, begins there.
            DigestMismatch: its bytes are not those that were recorded.
        """
        if self.header_at(member.off) != (member.id, member.size):
            raise SegmentError(f"{member.id} does not begin at {member.off} in this segment")
        content = self._bytes(member.off, member.size)
        Digest(member.size, member.sha256, member.blake3).check(content)
        return content

    def _last_member(self) -> Member:
        """The last member, from the last line of the index."""
        window = min(self.size, len(END) + RECORD_BYTES + MAX_LINE_BYTES)
        text = self._bytes(self.size - window, window).rstrip(b"\0")
        if not text.endswith(b"\n"):
            raise SegmentError("an index was expected at the end of a segment")
        return _parse_line(re.split(rb"[\n\0]", text[:-1])[-1])

    def _bytes(self, offset: int, length: int) -> bytes:
        found = self._read(offset, length) if offset + length <= self.size else b""
        if len(found) != length:
            raise SegmentError(f"a segment ends before {offset + length}: it was cut")
        return found


def member_header(name: str, size: int) -> bytes:
    """The 512 bytes before a member: its ustar header.

    Raises:
        SegmentError: ustar has no room for the name or the size.
    """
    text, octal = name.encode("ascii", "replace"), b"%011o" % size
    if len(text) > _NAME_BYTES or len(octal) != _SIZE_AT.stop - _SIZE_AT.start:
        raise SegmentError("a ustar member has a name of at most 100 letters and less than 8 GiB")
    check = _FIXED_SUM + sum(text) + sum(octal)
    return b"%b%b%b%06o\0 %b" % (
        text.ljust(_NAME_BYTES, b"\0"),
        _OWNER,
        octal + _TIME,
        check,
        _REST,
    )


def parse_member_header(header: bytes) -> tuple[str, int]:
    """Name and size of the member after a header.

    Raises:
        SegmentError: it is not, byte for byte, a header that `member_header` makes.
    """
    name = header[:_NAME_BYTES].rstrip(b"\0").decode("ascii", "replace")
    octal = header[_SIZE_AT]
    if not _NAME.fullmatch(name) or not _OCTAL.fullmatch(octal):
        raise SegmentError("the header of a member was expected in a segment")
    size = int(octal, 8)
    if header != member_header(name, size):
        raise SegmentError(f"the header of {name} in a segment is not as we write it")
    return name, size


def parse_index(index: bytes) -> tuple[Member, ...]:
    """The members that an index lists, in order.

    Raises:
        SegmentError: a line is malformed, a name stands twice, or the members leave a gap.
    """
    if not index.endswith(b"\n"):
        raise SegmentError("the index of a segment was cut, or lists no member")
    members = tuple(map(_parse_line, index[:-1].split(b"\n")))
    if len({member.id for member in members} | {INDEX_NAME}) != len(members) + 1:
        raise SegmentError("one name stands twice in the index of a segment")
    end = 0
    for member in members:
        if member.off != end + RECORD_BYTES:
            raise SegmentError(f"{member.id} was expected at {end + RECORD_BYTES} in a segment")
        end = member.end
    return members


def _parse_line(line: bytes) -> Member:
    found = _LINE.fullmatch(line)
    if found is None:
        raise SegmentError("a line in the index of a segment is not as we write it")
    blake3, name, off, sha256, size = (group.decode("ascii") for group in found.groups())
    return Member(id=name, off=int(off), size=int(size), sha256=sha256, blake3=blake3)
