"""Bytes that come as streams come: in pieces, and only so many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def counted(first: int, size: int = 16) -> bytes:
    """A run of byte values that count up."""
    return bytes(value % 256 for value in range(first, first + size))


def trickle(content: bytes, at_most: int) -> Callable[[memoryview], int]:
    """A `readinto` that gives at most so many bytes a call."""
    view, at = memoryview(content), 0

    def read_into(room: memoryview) -> int:
        nonlocal at
        piece = view[at : at + min(at_most, len(room))]
        room[: len(piece)] = piece
        at += len(piece)
        return len(piece)

    return read_into


def pread(content: bytes) -> Callable[[int, int], bytes]:
    """Gives bytes from any place, and fewer where they end."""
    return lambda offset, length: content[offset : offset + length]
