"""What bytes are called: SHA-256 and BLAKE3, and any digest a source claimed, in one pass.

SHA-256 (FIPS 180-4) is the legal identity of an exhibit. BLAKE3 names sealed bytes and lets anyone
check them without a key. MD5, SHA-1 and the long SHA-2 are computed only to compare them with what
a source claimed; MD5 and SHA-1 prove nothing any more (`WEAK`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from blake3 import blake3

from svitlo.errors import DigestMismatch, InvalidInput

BLOCK_BYTES = 1 << 20
"""How much is read at once: large enough that calls cost nothing, small enough for the cache."""

ALGORITHMS = frozenset({"sha256", "blake3", "md5", "sha1", "sha384", "sha512"})
"""The digests that can be computed; all but the first two only when a source claimed them."""

WEAK = frozenset({"md5", "sha1"})
"""Digests for which two different files with one digest have been made."""

Block: TypeAlias = bytes | bytearray | memoryview
ReadInto: TypeAlias = Callable[[memoryview], int]
"""Fills a buffer as far as it can and says how far; 0 is the end (`io.RawIOBase.readinto`)."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The size and the two digests (lower-case hex) of some bytes."""

    size: int
    sha256: str
    blake3: str

    def check(self, content: Block) -> None:
        """Nothing, when the bytes are those of this digest.

        Raises:
            DigestMismatch: their size or one of the digests differs.
        """
        found = digest_of(content)
        if found != self:
            raise DigestMismatch(
                f"{self.size} bytes with SHA-256 {self.sha256} were expected, "
                f"{found.size} bytes with {found.sha256} were found"
            )


class Digests:
    """The running digests of a stream.

    Args:
        also: names of `ALGORITHMS` to compute besides SHA-256 and BLAKE3.

    Raises:
        InvalidInput: a name is unknown.
    """

    __slots__ = ("_others", "_sha256", "_tree", "_updates", "size")

    def __init__(self, also: Iterable[str] = ()) -> None:
        names = sorted(set(also) - {"sha256", "blake3"})
        unknown = [name for name in names if name not in ALGORITHMS]
        if unknown:
            raise InvalidInput(f"a known digest was expected, {unknown[0][:40]!r} was found")
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._tree = blake3()
        self._others = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        self._updates: list[Callable[[Block], object]] = [self._sha256.update, self._tree.update]
        self._updates += [state.update for state in self._others.values()]

    def update(self, block: Block) -> None:
        """Take the next bytes in."""
        self.size += len(block)
        for update in self._updates:
            update(block)

    @property
    def sha256(self) -> str:
        """SHA-256 of all bytes so far, lower-case hex."""
        return self._sha256.hexdigest()

    @property
    def blake3(self) -> str:
        """BLAKE3 of all bytes so far, lower-case hex."""
        return self._tree.hexdigest()

    def value(self) -> Digest:
        """Size, SHA-256 and BLAKE3 of all bytes so far."""
        return Digest(self.size, self.sha256, self.blake3)

    def named(self, name: str) -> str:
        """The digest of that name, lower-case hex.

        Raises:
            InvalidInput: it was not asked for when the stream began.
        """
        if name == "sha256":
            return self.sha256
        if name == "blake3":
            return self.blake3
        if name not in self._others:
            raise InvalidInput(f"no digest {name[:40]!r} was taken of this stream")
        return self._others[name].hexdigest()

    def check(self, claimed: Mapping[str, str]) -> None:
        """Nothing, when every claimed digest (name to hex, either case) is that of the stream.

        Raises:
            DigestMismatch: one differs.
            InvalidInput: one was not asked for when the stream began.
        """
        for name, expected in sorted(claimed.items()):
            found = self.named(name)
            if not hmac.compare_digest(found.encode(), expected.lower().encode(errors="replace")):
                raise DigestMismatch(f"{name} {expected[:128]!r} was claimed, {found} was found")


def digest_of(content: Block) -> Digest:
    """Size, SHA-256 and BLAKE3 of bytes in memory."""
    return Digest(len(content), hashlib.sha256(content).hexdigest(), blake3(content).hexdigest())


def digest_stream(read_into: ReadInto, also: Iterable[str] = ()) -> Digests:
    """The digests of everything that `read_into` gives, in `BLOCK_BYTES` of memory."""
    digests = Digests(also)
    room = memoryview(bytearray(BLOCK_BYTES))
    while filled := fill(read_into, room):
        digests.update(room[:filled])
    return digests


def blake3_stream(read_into: ReadInto) -> tuple[int, str]:
    """Size and BLAKE3 (lower-case hex) of a stream: the check of a sealed body, without a key."""
    tree, size = blake3(), 0
    room = memoryview(bytearray(BLOCK_BYTES))
    while filled := fill(read_into, room):
        tree.update(room[:filled])
        size += filled
    return size, tree.hexdigest()


def fill(read_into: ReadInto, room: memoryview) -> int:
    """How many bytes of `room` are filled; fewer than its length only at the end of the stream."""
    filled = 0
    while filled < len(room):
        got = read_into(room[filled:] if filled else room)
        if not got:
            break
        filled += got
    return filled
