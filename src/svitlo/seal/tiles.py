"""Tiles and entry bundles: how a log is kept, served and read in pieces that never change.

A tile holds up to 256 hashes of one level in eight; a hash at level l + 1 is the root of a full
tile at level l. The last tile of a level may be partial, with a width of its own; a bundle holds
up to 256 entries, each after its length. What a reader gives is held to its length, but trusted
only once a proof made of it leads to a signed root: callers verify what they did not write.

C2SP tlog-tiles v0.1.0. Python 3.9: the court's verifier carries this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from svitlo.errors import ProofError
from svitlo.seal.tree import (
    HASH_BYTES,
    CompactRange,
    check_hashes,
    consistency_of,
    fold,
    inclusion_of,
    leaf_hashes,
    span_root,
)

FULL_WIDTH = 256
"""Hashes in a full tile, and entries in a full bundle."""

TILE_BYTES = FULL_WIDTH * HASH_BYTES
MAX_ENTRY_BYTES = 65_535
"""The length of an entry is written in two bytes."""

MAX_LEVEL = 63
"""The highest level that a path may name (tlog-tiles)."""

TileReader = Callable[[int, int, int], bytes]
"""Gives the bytes of the tile (level, n, width)."""

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class TileName:
    """Which tile, or which bundle where the level is None."""

    level: int | None
    n: int
    width: int


def tile_path(level: int, n: int, width: int = FULL_WIDTH) -> str:
    """The path of a tile below the address of its log."""
    return f"tile/{level}/{_number(n, width)}"


def entries_path(n: int, width: int = FULL_WIDTH) -> str:
    """The path of an entry bundle below the address of its log."""
    return f"tile/entries/{_number(n, width)}"


def _number(n: int, width: int) -> str:
    groups = f"{n:03d}"
    groups = groups.zfill(-len(groups) // 3 * -3)
    parts = [groups[at : at + 3] for at in range(0, len(groups), 3)]
    path = "/".join([*("x" + part for part in parts[:-1]), parts[-1]])
    return path if width == FULL_WIDTH else f"{path}.p/{width}"


def parse_tile_path(path: str) -> TileName:
    """The tile or bundle that a path names.

    Raises:
        ProofError: it is not the path of one.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise ProofError("this is not the path of a tile")
    level = None if found[1] == "entries" else int(found[1])
    n = int(found[2].replace("x", "").replace("/", ""))
    name = TileName(level, n, int(found[3] or FULL_WIDTH))
    again = entries_path(n, name.width) if level is None else tile_path(level, n, name.width)
    if again != path or (level or 0) > MAX_LEVEL or name.width > FULL_WIDTH:
        raise ProofError("this is not the path of a tile as it is written")
    return name


def width_of(level: int, n: int, size: int) -> int:
    """How many hashes of a tile a tree of this size fills, 256 at most; 0 when it has none."""
    return max(0, min(FULL_WIDTH, (size >> 8 * level) - n * FULL_WIDTH))


def tiles_of(size: int, since: int = 0) -> Iterator[tuple[int, int, int]]:
    """The tiles (level, n, width) of a tree, without those full already at the size `since`."""
    level = 0
    while size >> 8 * level:
        first, last = since >> 8 * level + 8, (size >> 8 * level) - 1 >> 8
        for n in range(first, last + 1):
            yield level, n, width_of(level, n, size)
        level += 1


def bundles_of(size: int, since: int = 0) -> Iterator[tuple[int, int]]:
    """The bundles (n, width) of a log, without those full already at the size `since`."""
    for n in range(since >> 8, (size + 255) >> 8):
        yield n, width_of(0, n, size)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle of up to 256 entries.

    Raises:
        ProofError: there are more, or one is too long.
    """
    if len(entries) > FULL_WIDTH or any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise ProofError("a bundle holds 256 entries of 65,535 bytes at most")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_bundle(bundle: bytes, width: int | None = None) -> list[bytes]:
    """The entries of a bundle, which are `width` many where that is given.

    Raises:
        ProofError: the bundle is cut off, or has another number of entries.
    """
    entries: list[bytes] = []
    at, end = 0, len(bundle)
    while at + 1 < end and len(entries) <= FULL_WIDTH:
        start = at + 2
        at = start + (bundle[at] << 8 | bundle[at + 1])
        entries.append(bundle[start:at])
    if at != end or len(entries) > FULL_WIDTH:
        raise ProofError("an entry bundle is cut off, or has more than 256 entries")
    if width is not None and len(entries) != width:
        raise ProofError(f"an entry bundle has {len(entries)} entries, not {width}")
    return entries


def _rows(tile: bytes) -> list[bytes]:
    """The hashes of a tile and all full nodes above them inside it, a row for each level."""
    rows, one, hasher = [tile], b"\x01", sha256
    while len(tile) > HASH_BYTES:
        pairs = range(0, len(tile) - HASH_BYTES, 2 * HASH_BYTES)
        tile = b"".join([hasher(one + tile[at : at + 64]).digest() for at in pairs])
        rows.append(tile)
    return rows


class TileCache:
    """Tiles of one log, of any size, with the nodes inside them; the oldest go first.

    A full tile takes about 17 kB.
    """

    def __init__(self, limit: int = 1024) -> None:
        self._limit = limit
        self._kept: dict[tuple[int, int, int], list[bytes]] = {}

    def rows(self, name: tuple[int, int, int], reader: TileReader) -> list[bytes]:
        """The rows of nodes of the tile (level, n, width), read when it is not here.

        Raises:
            ProofError: the reader gave another number of bytes.
        """
        rows = self._kept.get(name)
        if rows is None:
            tile = reader(*name)
            if len(tile) != name[2] * HASH_BYTES:
                raise ProofError(
                    f"tile {tile_path(*name)} has {name[2] * HASH_BYTES} bytes, not {len(tile)}"
                )
            rows = self._kept[name] = _rows(tile)
            if len(self._kept) > self._limit:
                del self._kept[next(iter(self._kept))]
        return rows


class Tiles:
    """A log of a given size, seen through its tiles: its root, leaves and proofs."""

    def __init__(
        self,
        size: int,
        reader: TileReader,
        cache: TileCache | None = None,
    ) -> None:
        self.size = size
        self._reader = reader
        self._cache = cache or TileCache()

    def _node(self, level: int, index: int) -> bytes:
        tile_level, row = level >> 3, level & 7
        n, at = index >> 8 - row, (index & (FULL_WIDTH >> row) - 1) * HASH_BYTES
        width = min(FULL_WIDTH, (self.size >> 8 * tile_level) - n * FULL_WIDTH)
        name = (tile_level, n, width)
        return self._cache.rows(name, self._reader)[row][at : at + HASH_BYTES]

    def root(self) -> bytes:
        """The root of the tree."""
        return span_root(0, self.size, self._node)

    def leaf(self, index: int) -> bytes:
        """The hash of a leaf.

        Raises:
            ProofError: the tree has no such leaf.
        """
        if not 0 <= index < self.size:
            raise ProofError(f"a tree of {self.size} leaves has no leaf {index}")
        return self._node(0, index)

    def inclusion(self, index: int) -> list[bytes]:
        """The inclusion path of a leaf.

        Raises:
            ProofError: the tree has no such leaf, or a tile is damaged.
        """
        return inclusion_of(index, self.size, self._node)

    def consistency(self, smaller: int) -> list[bytes]:
        """The consistency path from a smaller tree to this one.

        Raises:
            ProofError: the other is not smaller or equal, or a tile is damaged.
        """
        return consistency_of(smaller, self.size, self._node)


class TileEdge:
    """The right edge of a growing log, as its partial tiles: what the sequencer carries along."""

    def __init__(self, size: int = 0, reader: TileReader | None = None) -> None:
        """Start from a log of this size, whose partial tiles the reader gives.

        Raises:
            ProofError: a partial tile has not the length that the size demands.
        """
        self.size = size
        self._partials: list[bytes] = []
        while size >> 8 * len(self._partials):
            level = len(self._partials)
            n, width = divmod(size >> 8 * level, FULL_WIDTH)
            tile = reader(level, n, width) if width and reader else b""
            if len(tile) != width * HASH_BYTES:
                raise ProofError(f"tile {tile_path(level, n, width)} has not {width} hashes")
            self._partials.append(tile)

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """The tiles (level, n, bytes) that became full by these leaf hashes.

        Raises:
            ProofError: a hash is not 32 bytes long.
        """
        check_hashes(leaves)
        complete, level, hashes = [], 0, b"".join(leaves)
        while hashes:
            if level == len(self._partials):
                self._partials.append(b"")
            n, row, tops = self.size >> 8 * level + 8, self._partials[level] + hashes, []
            while len(row) >= TILE_BYTES:
                tile, row = row[:TILE_BYTES], row[TILE_BYTES:]
                complete.append((level, n, tile))
                tops.append(_rows(tile)[-1])
                n += 1
            self._partials[level] = row
            hashes = b"".join(tops)
            level += 1
        self.size += len(leaves)
        return complete

    def partials(self) -> list[tuple[int, int, bytes]]:
        """The partial tiles (level, n, bytes) of the log as it is now."""
        return [
            (level, self.size >> 8 * level + 8, tile)
            for level, tile in enumerate(self._partials)
            if tile
        ]

    def root(self) -> bytes:
        """The root of the log as it is now."""
        hashes: list[bytes] = []
        for tile in reversed(self._partials):
            width, rows = len(tile) // HASH_BYTES, _rows(tile)
            full = [row for row in range(7, -1, -1) if width >> row & 1]
            hashes += [rows[row][-HASH_BYTES:] for row in full]
        return fold(hashes)


_COMMITMENT_BYTES = 33
_STRIDE = 2 + _COMMITMENT_BYTES


def bundle_leaves(bundle: bytes, width: int) -> list[bytes]:
    """The leaf hashes of a bundle of this many entries.

    Raises:
        ProofError: the bundle is cut off, or has another number of entries.
    """
    lengths = bundle[::_STRIDE] == bytes(width) and bundle[1::_STRIDE] == b"\x21" * width
    if not lengths or len(bundle) != _STRIDE * width:
        return leaf_hashes(decode_bundle(bundle, width))
    # Commitments only: the low byte of each length becomes the zero before its leaf.
    marked = bytearray(bundle)
    marked[1::_STRIDE] = bytes(width)
    inputs, hasher = bytes(marked), sha256
    return [hasher(inputs[at : at + 34]).digest() for at in range(1, len(inputs), _STRIDE)]


def stream_verify(size: int, bundles: Iterable[bytes], root: bytes) -> None:
    """The bundles, in order, hold exactly the entries of the log of this size and root.

    Memory stays constant whatever the size.

    Raises:
        ProofError: they do not.
    """
    growing = CompactRange()
    for bundle in bundles:
        width = min(FULL_WIDTH, size - growing.size)
        if width <= 0:
            raise ProofError(f"there are more entries than the {size} of the log")
        growing.extend(bundle_leaves(bundle, width))
    if growing.size != size:
        raise ProofError(f"there are {growing.size} entries, not the {size} of the log")
    if growing.root() != root:
        raise ProofError(f"the {size} entries do not have the root of the log")
