"""Seal bytes as the body of an age file: fed piece by piece, or read as one stream.

Both know a chunk to be the last only when nothing follows it, and both hold a few MiB whatever the
size. `write` gets views of a buffer that is used again: it must take the bytes before it returns.

A file key and nonce seal one plaintext only. Where writing fails, the writer refuses to go on:
begin again with a new file key. Source: the age specification, "Payload"; see `seal.payload`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from blake3 import blake3

from svitlo.errors import AgeError
from svitlo.seal.digest import BLOCK_BYTES, Block, Digest, Digests, ReadInto, fill
from svitlo.seal.payload import (
    CHUNK_BYTES,
    CHUNKS_AT_ONCE,
    NONCE_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    chunk_nonce,
    payload_cipher,
)

Write: TypeAlias = Callable[[Block], object]

SPENT = "this body is finished or was broken off: begin another with a new file key"


@dataclass(frozen=True, slots=True)
class Body:
    """A finished body: bytes sealed, bytes written, and the BLAKE3 (hex) that names it."""

    size: int
    body_size: int
    body_blake3: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What was sealed, and what it became; digests are lower-case hex, sizes bytes."""

    size: int
    sha256: str
    blake3: str
    body_size: int
    body_blake3: str

    @property
    def digest(self) -> Digest:
        """Size and digests of the plaintext."""
        return Digest(self.size, self.sha256, self.blake3)


class BodyWriter:
    """A body that grows by `update`; built for many small pieces.

    Args:
        file_key: 16 bytes, new for this body.
        nonce: 16 bytes, new for this body.
        write: takes the sealed bytes in order; gets the nonce at once.

    Raises:
        AgeError: the file key or the nonce is not 16 bytes.
    """

    __slots__ = ("_filled", "_room", "_sealer")

    def __init__(self, file_key: bytes, nonce: bytes, write: Write) -> None:
        self._sealer = _Sealer(file_key, nonce, write)
        self._room = memoryview(bytearray(BLOCK_BYTES))
        self._filled = 0

    @property
    def written(self) -> int:
        """Bytes of plaintext whose sealed form was handed to `write`."""
        return self._sealer.size

    def update(self, block: Block) -> None:
        """Seal the next bytes; up to 1 MiB of them waits for what follows.

        Raises:
            AgeError: the body is finished, or writing it failed.
        """
        if self._sealer.is_spent:
            raise AgeError(SPENT)
        end = self._filled + len(block)
        if end <= BLOCK_BYTES:
            self._room[self._filled : end] = block
            self._filled = end
        else:
            self._spill(memoryview(block))

    def settle(self) -> int:
        """Write every whole chunk that cannot be the last one, and say how much is `written`.

        Uploads call it to acknowledge what they have; it makes no chunk shorter.
        """
        if self._filled > CHUNK_BYTES:
            whole = (self._filled - 1) // CHUNK_BYTES * CHUNK_BYTES
            self._sealer.seal(self._room[:whole], is_last=False)
            rest = bytes(self._room[whole : self._filled])
            self._filled = len(rest)
            self._room[: self._filled] = rest
        return self.written

    def finish(self) -> Body:
        """Write what is left, the last chunk with it, and say what the body is.

        Raises:
            AgeError: the body is finished, or writing it failed.
        """
        self._sealer.seal(self._room[: self._filled], is_last=True)
        return self._sealer.body()

    def _spill(self, block: memoryview) -> None:
        """Seal full buffers; more follows each, so none holds the last chunk."""
        while len(block) > BLOCK_BYTES - self._filled:
            taken = BLOCK_BYTES - self._filled
            if self._filled:
                self._room[self._filled :] = block[:taken]
                self._sealer.seal(self._room, is_last=False)
            else:
                self._sealer.seal(block[:taken], is_last=False)
            self._filled = 0
            block = block[taken:]
        self._room[self._filled : self._filled + len(block)] = block
        self._filled += len(block)


def encrypt_stream(
    read_into: ReadInto,
    write: Write,
    *,
    file_key: bytes,
    nonce: bytes,
    digests: Digests | None = None,
) -> Sealed:
    """Seal everything that `read_into` gives, in one pass with all digests.

    Args:
        read_into: fills a buffer, says how far; 0 at the end.
        write: takes the body in order, the nonce first.
        file_key: 16 bytes, new for this body.
        nonce: 16 bytes, new for this body.
        digests: states to use, where a source claimed more than SHA-256 and BLAKE3.

    Raises:
        AgeError: the file key or the nonce is not 16 bytes.
    """
    digests = Digests() if digests is None else digests
    sealer = _Sealer(file_key, nonce, write)
    block, spare = memoryview(bytearray(BLOCK_BYTES)), memoryview(bytearray(BLOCK_BYTES))
    held = fill(read_into, block)
    while held == BLOCK_BYTES and (following := fill(read_into, spare)):
        digests.update(block)
        sealer.seal(block, is_last=False)
        block, spare, held = spare, block, following
    digests.update(block[:held])
    sealer.seal(block[:held], is_last=True)
    body = sealer.body()
    return Sealed(
        size=body.size,
        sha256=digests.sha256,
        blake3=digests.blake3,
        body_size=body.body_size,
        body_blake3=body.body_blake3,
    )


def seal_body(plaintext: bytes, *, file_key: bytes, nonce: bytes) -> bytes:
    """The whole body of bytes in memory.

    Raises:
        AgeError: the file key or the nonce is not 16 bytes.
    """
    pieces: list[bytes] = []
    writer = BodyWriter(file_key, nonce, lambda block: pieces.append(bytes(block)))
    writer.update(plaintext)
    writer.finish()
    return b"".join(pieces)


class _Sealer:
    """The cipher, the chunk counter and the digest of one body."""

    __slots__ = ("_cipher", "_digest", "_number", "_room", "_write", "is_spent", "size")

    def __init__(self, file_key: bytes, nonce: bytes, write: Write) -> None:
        self._cipher = payload_cipher(file_key, nonce)
        self._digest = blake3(nonce)
        self._number = 0
        self._room = memoryview(bytearray(CHUNKS_AT_ONCE * SEALED_CHUNK_BYTES))
        self._write = write
        self.size = 0
        self.is_spent = True
        write(nonce)
        self.is_spent = False

    def seal(self, block: memoryview, *, is_last: bool) -> None:
        """Seal and write up to 1 MiB: whole chunks, but for the end of the last block.

        The writer counts as spent while it works and stays so when anything fails, so that no
        nonce ever seals two plaintexts.
        """
        if self.is_spent:
            raise AgeError(SPENT)
        self.is_spent = True
        count = max(1, -(-len(block) // CHUNK_BYTES))
        sealed = self._room[: len(block) + count * TAG_BYTES]
        encrypt_into = self._cipher.encrypt_into
        for index in range(count):
            nonce = chunk_nonce(self._number + index, is_last=is_last and index == count - 1)
            plain = block[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
            begin = index * SEALED_CHUNK_BYTES
            encrypt_into(nonce, plain, None, sealed[begin : begin + len(plain) + TAG_BYTES])
        self._number += count
        self._digest.update(sealed)
        self._write(sealed)
        self.size += len(block)
        self.is_spent = is_last

    def body(self) -> Body:
        """What the finished body is."""
        size = NONCE_BYTES + self.size + self._number * TAG_BYTES
        return Body(self.size, size, self._digest.hexdigest())
