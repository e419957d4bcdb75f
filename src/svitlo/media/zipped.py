"""The members of a ZIP archive, from its central directory, with what makes an archive a trap.

Our own reader: it stops at limits before it builds anything, sees members that share bytes, and
never writes. A member is inflated in memory and only as far as a limit says.

Source: APPNOTE.TXT 6.3.10, 4.3 to 4.5.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from svitlo.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMBERS = 100_000
RATIO = 200
TOTAL_BYTES = 4 << 30
"""Above these an archive is a trap; no honest one that we know comes near."""

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_RECORD = struct.Struct("<4xBBHHHHHIIIHHHHHII")
_WINDOW = 65557
_DIRECTORY_BYTES = 64 << 20
_ALL_ONES = 0xFFFFFFFF
_ENCRYPTED, _UTF_8 = 1, 1 << 11
_STORED, _DEFLATED = 0, 8
_SYMLINK = 0o120000
_BLOCK = 256 * 1024
_UNIX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of the central directory."""

    path: str
    size: int
    packed: int
    method: int
    at: int
    is_encrypted: bool
    is_link: bool
    name_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All entries that were read, how many there are said to be, and what lies around them."""

    members: tuple[Member, ...]
    announced: int
    leading_bytes: int
    trailing_bytes: int
    comment_bytes: int


def read_directory(stream: BinaryIO, size: int) -> Directory:
    """The central directory, up to `MEMBERS` entries.

    Raises:
        InvalidInput: There is none, or it does not fit the file.
    """
    start = max(0, size - _WINDOW)
    stream.seek(start)
    tail = stream.read(_WINDOW)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise InvalidInput("no end of central directory")
    announced, length, offset = struct.unpack_from("<HII", tail, at + 10)
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    end = start + at
    if tail[max(0, at - 20) : at].startswith(_LOCATOR_64):
        announced, length, offset, end = _read_end_64(stream, tail, at)
    where = end - length
    if where < 0 or length > size:
        raise InvalidInput("the central directory lies outside the file")
    stream.seek(where)
    members = _read_entries(stream.read(min(length, _DIRECTORY_BYTES)), where - offset)
    first = min((member.at for member in members), default=where)
    return Directory(
        members=members,
        announced=announced,
        leading_bytes=max(0, first),
        trailing_bytes=max(0, size - (start + at + 22 + comment)),
        comment_bytes=comment,
    )


def _read_end_64(stream: BinaryIO, tail: bytes, at: int) -> tuple[int, int, int, int]:
    where = int.from_bytes(tail[at - 12 : at - 4], "little")
    stream.seek(where)
    record = stream.read(56)
    if not record.startswith(_END_64) or len(record) < 56:  # noqa: PLR2004 - its fixed part
        raise InvalidInput("no ZIP64 end of central directory where the locator says")
    announced, length, offset = struct.unpack_from("<QQQ", record, 32)
    return announced, length, offset, where


def _read_entries(data: bytes, shift: int) -> tuple[Member, ...]:
    found: list[Member] = []
    at = 0
    while data[at : at + 4] == _CENTRAL and at + 46 <= len(data) and len(found) < MEMBERS:
        (_, system, _, flags, method, _, _, _, packed, size, *lengths) = _RECORD.unpack_from(
            data, at
        )
        name_length, extra_length, comment_length, _, _, attributes, offset = lengths
        name = data[at + 46 : at + 46 + name_length]
        extra = data[at + 46 + name_length : at + 46 + name_length + extra_length]
        size, packed, offset = _widen(extra, size, packed, offset)
        found.append(
            Member(
                path=_text(name, is_utf_8=bool(flags & _UTF_8)),
                size=size,
                packed=packed,
                method=method,
                at=offset + shift,
                is_encrypted=bool(flags & _ENCRYPTED),
                is_link=system == _UNIX and (attributes >> 16) & 0o170000 == _SYMLINK,
                name_length=name_length,
            )
        )
        at += 46 + name_length + extra_length + comment_length
    return tuple(found)


def _widen(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset from the ZIP64 extra field, for those that say all ones (4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            numbers = [
                int.from_bytes(extra[place : place + 8], "little")
                for place in range(at + 4, min(at + 4 + length, len(extra)) - 7, 8)
            ]
            given = iter(numbers)
            size = next(given, size) if size == _ALL_ONES else size
            packed = next(given, packed) if packed == _ALL_ONES else packed
            offset = next(given, offset) if offset == _ALL_ONES else offset
        at += 4 + length
    return size, packed, offset


def _text(name: bytes, *, is_utf_8: bool) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if is_utf_8 else name.decode("cp437")


def overlaps(members: tuple[Member, ...]) -> bool:
    """Whether two members share bytes, as in a bomb that counts one block many times."""
    spans = sorted(
        (member.at, member.at + 30 + member.name_length + member.packed) for member in members
    )
    return any(spans[n][1] > spans[n + 1][0] for n in range(len(spans) - 1))


def is_unsafe(path: str) -> bool:
    """Whether unpacking this name could write outside a folder: absolute, upwards, a drive."""
    parts = path.replace("\\", "/").split("/")
    return path.startswith(("/", "\\")) or ".." in parts or path[1:2] == ":"


def read_member(stream: BinaryIO, member: Member, limit: int) -> bytes:
    """The bytes of one member, at most `limit` of them.

    Raises:
        InvalidInput: It is encrypted, packed in another way, or not where the directory says.
    """
    return b"".join(member_blocks(stream, member, limit))


def member_blocks(stream: BinaryIO, member: Member, limit: int) -> Iterator[bytes]:
    """The bytes of one member in pieces, at most `limit` of them.

    Raises:
        InvalidInput: It is encrypted, packed in another way, or not where the directory says.
    """
    stream.seek(max(0, member.at))
    head = stream.read(30)
    if not head.startswith(_LOCAL) or len(head) < 30:  # noqa: PLR2004 - a local header
        raise InvalidInput("no local header where the directory says")
    if member.is_encrypted or member.method not in {_STORED, _DEFLATED}:
        raise InvalidInput("encrypted, or packed in a way that is not read")
    stream.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
    inflater = zlib.decompressobj(-15) if member.method == _DEFLATED else None
    left = member.packed
    while limit > 0 and (block := stream.read(min(left, _BLOCK))):
        left -= len(block)
        for part in _inflated(inflater, block, limit) if inflater else (block[:limit],):
            limit -= len(part)
            yield part


def _inflated(inflater: zlib._Decompress, block: bytes, limit: int) -> Iterator[bytes]:
    """What one packed block gives, in pieces, so that a bomb cannot fill memory."""
    while limit > 0 and (part := inflater.decompress(block, min(limit, _BLOCK))):
        limit -= len(part)
        yield part
        block = inflater.unconsumed_tail
