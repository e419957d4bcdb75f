"""Where a picture ends by its own format, so that bytes behind the end can be noticed.

Phones put second pictures and video there, and so does who wants to hide something. Walks the
structure only; pixels are not decoded.

Sources: ITU T.81 (JPEG) B.1.1.2; PNG 3rd ed. 5.3; RIFF; GIF89a 18 to 27.
"""

from __future__ import annotations

import re
from typing import BinaryIO

_JPEG_LIMIT = 64 << 20
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_STANDS_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


def end_of_picture(stream: BinaryIO, size: int, mime: str) -> int | None:
    """The offset just behind the picture; None when the format does not say, or is broken."""
    stream.seek(0)
    if mime == "image/jpeg":
        return _end_of_jpeg(stream.read(_JPEG_LIMIT))
    if mime == "image/png":
        return _end_of_png(stream, size)
    if mime == "image/webp":
        length = int.from_bytes(stream.read(8)[4:8], "little")
        return min(8 + length + length % 2, size)
    if mime == "image/gif":
        return _end_of_gif(stream, size)
    return None


def _end_of_jpeg(data: bytes) -> int | None:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # noqa: PLR2004 - the byte that starts every marker
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
        elif marker == _END_OF_IMAGE:
            return at + 2
        elif marker in _STANDS_ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if marker == _START_OF_SCAN:
                found = _MARKER.search(data, at)
                if found is None:
                    return None
                at = found.start()
    is_end = data[at : at + 2] == b"\xff\xd9"
    return at + 2 if is_end else None


def _end_of_png(stream: BinaryIO, size: int) -> int | None:
    at = 8
    while at + 12 <= size:
        stream.seek(at)
        head = stream.read(8)
        at += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return at
    return None


def _end_of_gif(stream: BinaryIO, size: int) -> int | None:
    """Walks the blocks; colour tables have three bytes an entry."""
    head = stream.read(13)
    at = 13 + _table_bytes(head[10:11])
    while at < size:
        stream.seek(at)
        block = stream.read(11)
        if block[:1] == b";":
            return at + 1
        if block[:1] == b"!":
            at = _past_blocks(stream, at + 2, size)
        elif block[:1] == b",":
            at = _past_blocks(stream, at + 11 + _table_bytes(block[9:10]), size)
        else:
            return None
    return None


def _table_bytes(flags: bytes) -> int:
    if not flags or not flags[0] & 0x80:
        return 0
    return 3 << (flags[0] & 7) + 1


def _past_blocks(stream: BinaryIO, at: int, size: int) -> int:
    while at < size:
        stream.seek(at)
        length = stream.read(1)
        at += 1 + (length[0] if length else 0)
        if length in {b"\0", b""}:
            break
    return at
