"""Proofs out of a node's tables: a log of dummies, whose tiles are like any others'."""

import random
from collections.abc import Callable

from svitlo.node.opening import Node
from svitlo.seal.tree import verify_consistency, verify_inclusion
from svitlo.store.log.reading import LogReader
from svitlo.store.log.sequencing import pad


def grow(node: Node, size: int) -> Callable[[], int]:
    """The size of the spine, padded with dummies up to it."""
    reader = node.log(node.spine)

    def work() -> int:
        pad(reader.log_id, bytes(32), size - reader.size())
        return reader.size()

    return work


def inclusion_warm(node: Node, count: int) -> Callable[[], int]:
    """How many inclusion proofs were made of tiles that had been read before."""
    reader, size, indices = _chosen(node, count)
    tiles = reader.tiles(size)
    for index in range(0, size, 256):
        tiles.inclusion(index)

    def work() -> int:
        tiles = reader.tiles(size)
        for index in indices:
            tiles.inclusion(index)
        return count

    return work


def inclusion_cold(node: Node, count: int) -> Callable[[], int]:
    """How many inclusion proofs were made, each by a reader that had read no tile."""
    reader, size, indices = _chosen(node, count)

    def work() -> int:
        for index in indices:
            LogReader(reader.log).tiles(size).inclusion(index)
        return count

    return work


def inclusion_check(node: Node, count: int) -> Callable[[], int]:
    """How many inclusion proofs were checked."""
    reader, size, indices = _chosen(node, count)
    tiles = reader.tiles(size)
    root = tiles.root()
    proofs = [(tiles.leaf(index), index, tiles.inclusion(index)) for index in indices]

    def work() -> int:
        for leaf, index, path in proofs:
            verify_inclusion(leaf, index, size, path, root=root)
        return count

    return work


def consistency(node: Node, count: int) -> Callable[[], int]:
    """How many consistency proofs were made of tiles that had been read before."""
    reader, size, indices = _chosen(node, count)
    tiles = reader.tiles(size)
    for index in indices:
        tiles.consistency(index)

    def work() -> int:
        for index in indices:
            tiles.consistency(index)
        return count

    return work


def consistency_check(node: Node, count: int) -> Callable[[], int]:
    """How many consistency proofs were checked."""
    reader, size, indices = _chosen(node, count)
    tiles = reader.tiles(size)
    root = tiles.root()
    proofs = [(n, reader.tiles(n).root(), tiles.consistency(n)) for n in indices]

    def work() -> int:
        for smaller, smaller_root, path in proofs:
            verify_consistency(smaller, size, smaller_root, root, path=path)
        return count

    return work


def _chosen(node: Node, count: int) -> tuple[LogReader, int, list[int]]:
    reader = node.log(node.spine)
    size = reader.size()
    chance = random.Random(3)  # noqa: S311 - not a secret
    return reader, size, [chance.randrange(1, size) for _ in range(count)]
