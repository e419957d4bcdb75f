"""A log as entry bundles on the disk, verified in a stream; and the hashing that none can spare."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from svitlo.seal.commitment import commitment_entry
from svitlo.seal.tiles import bundles_of, encode_bundle, entries_path, stream_verify
from svitlo.seal.tree import CompactRange, leaf_hashes

NODE = bytes([1]) + bytes(64)


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
    """How many entries were hashed as leaves, and as many nodes as stand above them."""
    leaves = [bytes(1) + entry for entry in _entries(0, size)]

    def work() -> int:
        hasher = sha256
        for leaf in leaves:
            hasher(leaf).digest()
        for _ in range(size - 1):
            hasher(NODE).digest()
        return size

    return work


def _entries(first: int, count: int) -> Iterator[bytes]:
    for index in range(first, first + count):
        yield commitment_entry(sha256(index.to_bytes(8, "big")).digest())
