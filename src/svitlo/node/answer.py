"""What one caged child says over its socket, taken as from a stranger.

The child sends `u64be offset + u32be length` and gets that piece of its file. Offset 2^64-2 brings
an early answer, 2^64-1 the reply: JSON, then as many frames as it announces. Whoever breaks this is
not listened to any longer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from svitlo.errors import InvalidInput, StorageError
from svitlo.node.description import parse_frames, parse_object

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from svitlo.node.description import Skipped

FRAME_BYTES = 512 * 1024
ANSWER_BYTES = 1 << 20
REPLY_FRAMES = 256
"""How many frames an answer may have: the 128 MiB of a long PDF; a file's has three at most."""

_REPLY, _SO_FAR = 2**64 - 1, 2**64 - 2
_HEAD = struct.Struct(">QI")
_EARLY_ANSWERS = 16


@dataclass(slots=True)
class Outcome:
    """What came from one child before its end, and why it is not whole."""

    early: bytes = b""
    reply: bytes = b""
    frames: list[bytes] = field(default_factory=list)
    skipped: Skipped | None = None


def serve(
    line: socket.socket, outcome: Outcome, read: Callable[[int, int], bytes], size: int
) -> None:
    """Answer one child until it has replied or ended.

    Raises:
        InvalidInput: It broke the protocol.
        StorageError: `read` gave too little.
    """
    early = 0
    while head := _receive(line, _HEAD.size):
        place, length = _HEAD.unpack(head)
        if place == _REPLY:
            _take_reply(line, outcome, length)
            return
        if place == _SO_FAR:
            early += 1
            if early > _EARLY_ANSWERS:
                raise InvalidInput("a caged child sends early answers without end")
            outcome.early = _take(line, length, ANSWER_BYTES)
            continue
        if length > FRAME_BYTES or place + length > size:
            raise InvalidInput("a caged child asked for bytes outside its file")
        block = read(place, length)
        if len(block) != length:
            raise StorageError(f"the archive gave {len(block)} of {length} bytes at {place}")
        try:
            line.sendall(block)
        except OSError:
            return


def _take_reply(line: socket.socket, outcome: Outcome, length: int) -> None:
    text = _take(line, length, ANSWER_BYTES)
    count = parse_frames(parse_object(text))
    if count > REPLY_FRAMES:
        raise InvalidInput("a caged child announced too many frames")
    for _ in range(count):
        head = _receive(line, _HEAD.size)
        if not head:
            return
        place, length = _HEAD.unpack(head)
        if place != _REPLY:
            raise InvalidInput("a caged child sent something else within its reply")
        outcome.frames.append(_take(line, length, FRAME_BYTES))
    outcome.reply = text


def _take(line: socket.socket, length: int, limit: int) -> bytes:
    if length > limit:
        raise InvalidInput(f"a caged child sent {length} bytes where {limit} are allowed")
    return _receive(line, length) or b""


def _receive(line: socket.socket, length: int) -> bytes | None:
    """Exactly `length` bytes; None when the other side ends, or is silent too long, before."""
    parts = bytearray()
    try:
        while len(parts) < length:
            block = line.recv(min(length - len(parts), FRAME_BYTES))
            if not block:
                return None
            parts += block
    except OSError:
        return None
    return bytes(parts)
