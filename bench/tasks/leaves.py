"""A log as entry bundles on the disk, verified in a stream; and the hashing that none can spare."""

import itertools
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from svitlo.seal.commitment import commitment_entry
from svitlo.seal.tiles import bundles_of, encode_bundle, entries_path, stream_verify
from svitlo.seal.tree import CompactRange, leaf_hashes


def write(folder: str, size: int) -> Callable[[], str]:
    """The root (hex) of a log of so many commitments, whose bundles stand in the folder."""

    def work() -> str:
        growing = CompactRange()
        for n, width in bundles_of(size):
            entries = list(_entries(n * 256, width))
            growing.extend(leaf_hashes(entries))
            path = Path(folder, entries_path(n, width))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_bundle(entries))
        Path(folder, "root").write_bytes(growing.root())
        return growing.root().hex()

    return work


def verify(folder: str, size: int) -> Callable[[], int]:
    """How many entries were verified against the root."""
    root = Path(folder, "root").read_bytes()

    def work() -> int:
        paths = (Path(folder, entries_path(n, width)) for n, width in bundles_of(size))
        stream_verify(size, (path.read_bytes() for path in paths), root)
        return size

    return work


def floor(size: int) -> Callable[[], int]:
    """How many entries were hashed as leaves, and as many nodes as stand above them.

    Nothing else is done: no file, no tree, no check. The prefixes are part of RFC 6962's hashes.
    """
    entries = list(_entries(0, size))
    pairs = list(itertools.pairwise(sha256(entry).digest() for entry in entries))

    def work() -> int:
        zero, one, hasher = b"\x00", b"\x01", sha256
        for entry in entries:
            hasher(zero + entry).digest()
        for left, right in pairs:
            hasher(one + left + right).digest()
        return size

    return work


def _entries(first: int, count: int) -> Iterator[bytes]:
    for index in range(first, first + count):
        yield commitment_entry(sha256(index.to_bytes(8, "big")).digest())
