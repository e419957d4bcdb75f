"""The body of an age file: a nonce and chunks of 64 KiB; any range can be read and checked.

Each chunk is sealed by ChaCha20-Poly1305 under a nonce of its number (11 bytes, big-endian) and one
byte that is 1 on the last chunk only: a missing, moved, repeated or added chunk does not open. The
last chunk is empty only when the whole payload is. A reader opens the last chunk first, so that a
body that was cut is refused before any byte of it is given out.

Source: the age specification (C2SP, age-encryption.org/v1), section "Payload".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from svitlo.errors import AgeError

FILE_KEY_BYTES = 16
NONCE_BYTES = 16
TAG_BYTES = 16
CHUNK_BYTES = 1 << 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
CHUNKS_AT_ONCE = 16
"""Chunks that are read or written together: 1 MiB of plaintext."""

Pread: TypeAlias = Callable[[int, int], bytes]
"""Gives so many bytes (second) from that offset (first)."""


def payload_cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    """The cipher of one body.

    Raises:
        AgeError: the file key or the nonce is not 16 bytes.
    """
    if len(file_key) != FILE_KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise AgeError(
            f"a file key and a nonce of 16 bytes were expected, "
            f"{len(file_key)} and {len(nonce)} were found"
        )
    return ChaCha20Poly1305(HKDF(SHA256(), 32, nonce, b"payload").derive(file_key))


def chunk_nonce(number: int, *, is_last: bool) -> bytes:
    """The 12-byte nonce of a chunk."""
    return (number << 8 | is_last).to_bytes(12, "big")


def body_size(size: int) -> int:
    """The size in bytes of the body that seals so many bytes of plaintext."""
    return NONCE_BYTES + size + TAG_BYTES * max(1, -(-size // CHUNK_BYTES))


def plaintext_size(size: int) -> int:
    """The size in bytes of the plaintext in a body of that size.

    Raises:
        AgeError: no body has that size.
    """
    sealed = size - NONCE_BYTES
    chunks = max(1, -(-sealed // SEALED_CHUNK_BYTES))
    plaintext = sealed - TAG_BYTES * chunks
    if plaintext < 0 or body_size(plaintext) != size:
        raise AgeError(f"no sealed body is {size} bytes long: it was cut or added to")
    return plaintext


class BodyReader:
    """Random access to a sealed body; every byte that is given out was authenticated.

    A range is authenticated by chunk; only a whole read can be compared with the recorded digests.
    One chunk is kept, so that many small reads cost one opening.

    Args:
        file_key: 16 bytes.
        pread: gives bytes of the body.
        body_size: its size in bytes.

    Raises:
        AgeError: the size fits no body, or the last chunk is not the last one of this body.
    """

    __slots__ = ("_cipher", "_kept", "_last", "_pread", "size")

    def __init__(self, file_key: bytes, pread: Pread, body_size: int) -> None:
        self.size = plaintext_size(body_size)
        self._pread = pread
        self._cipher = payload_cipher(file_key, self._fetch(0, NONCE_BYTES))
        self._last = max(0, self.size - 1) // CHUNK_BYTES
        self._kept = (self._last, bytes(self._open(self._last, 1)))

    def read(self, offset: int, length: int) -> bytes:
        """The plaintext from `offset` on, `length` bytes or fewer where it ends.

        Raises:
            AgeError: a chunk of the range does not open, or the range is negative.
        """
        if offset < 0 or length < 0:
            raise AgeError(f"a range was expected, {length} bytes from {offset} were asked for")
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        first, last = offset // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        if first == last:
            start = first * CHUNK_BYTES
            return self._chunk(first)[offset - start : end - start]
        pieces = []
        for number in range(first, last + 1, CHUNKS_AT_ONCE):
            count = min(CHUNKS_AT_ONCE, last + 1 - number)
            start = number * CHUNK_BYTES
            block = self._open(number, count)
            pieces.append(block[max(0, offset - start) : end - start])
        return b"".join(pieces)

    def chunks(self) -> Iterator[bytes]:
        """The whole plaintext in order, 1 MiB at a time.

        Raises:
            AgeError: a chunk does not open; nothing of its MiB is given out.
        """
        for number in range(0, self._last + 1, CHUNKS_AT_ONCE):
            yield bytes(self._open(number, min(CHUNKS_AT_ONCE, self._last + 1 - number)))

    def copy_to(self, write: Callable[[memoryview], object]) -> int:
        """Hand the whole plaintext in order to `write`, and say how many bytes it was.

        The fast way for whole reads: `write` gets views of one buffer that is used again, and must
        take what it needs before it returns.

        Raises:
            AgeError: a chunk does not open; nothing of its MiB is given out.
        """
        room = memoryview(bytearray(min(CHUNKS_AT_ONCE * CHUNK_BYTES, max(1, self.size))))
        for number in range(0, self._last + 1, CHUNKS_AT_ONCE):
            count = min(CHUNKS_AT_ONCE, self._last + 1 - number)
            write(self._open(number, count, room))
        return self.size

    def _chunk(self, number: int) -> bytes:
        """One chunk's plaintext, kept for the next read."""
        kept = self._kept
        if kept[0] != number:
            kept = self._kept = (number, bytes(self._open(number, 1)))
        return kept[1]

    def _open(self, number: int, count: int, room: memoryview | None = None) -> memoryview:
        """The plaintext of consecutive chunks, authenticated, in `room` where one is given."""
        start = number * CHUNK_BYTES
        size = min(count * CHUNK_BYTES, self.size - start)
        sealed = memoryview(
            self._fetch(NONCE_BYTES + number * SEALED_CHUNK_BYTES, size + count * TAG_BYTES)
        )
        plain = memoryview(bytearray(size)) if room is None else room[:size]
        decrypt_into = self._cipher.decrypt_into
        for index in range(count):
            nonce = chunk_nonce(number + index, is_last=number + index == self._last)
            begin = index * SEALED_CHUNK_BYTES
            place = plain[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
            try:
                decrypt_into(nonce, sealed[begin : begin + SEALED_CHUNK_BYTES], None, place)
            except InvalidTag:
                raise AgeError(
                    f"chunk {number + index} of {self._last + 1} of a sealed body does not open: "
                    "it was changed, moved or cut, or the key is another file's"
                ) from None
        return plain

    def _fetch(self, offset: int, length: int) -> bytes:
        """Bytes of the body, as many as were asked for."""
        found = self._pread(offset, length)
        if len(found) != length:
            raise AgeError(
                f"{length} bytes at {offset} of a sealed body were expected, "
                f"{len(found)} were found"
            )
        return found


def open_body(file_key: bytes, body: bytes) -> bytes:
    """The plaintext of a whole body in memory.

    Raises:
        AgeError: it is cut or changed, or the file key is another's.
    """
    reader = BodyReader(file_key, lambda offset, length: body[offset : offset + length], len(body))
    return b"".join(reader.chunks())


def read_unfinished(file_key: bytes, pread: Pread, body_size: int) -> Iterator[bytes]:
    """The plaintext of the whole chunks of a body whose writing was broken off, 64 KiB each.

    A piece of a chunk at the end is left out. What is read here must be sealed again under a new
    file key: the old one may already have sealed other bytes under the next chunk's nonce.

    Raises:
        AgeError: a chunk does not open as one that is not the last.
    """
    cipher = payload_cipher(file_key, pread(0, NONCE_BYTES))
    for number in range((body_size - NONCE_BYTES) // SEALED_CHUNK_BYTES):
        sealed = pread(NONCE_BYTES + number * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES)
        try:
            yield cipher.decrypt(chunk_nonce(number, is_last=False), sealed, None)
        except InvalidTag:
            raise AgeError(f"chunk {number} of an unfinished body does not open") from None
