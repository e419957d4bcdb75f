"""The Merkle tree of a log: hashes, the compact range of a growing tree, proofs and their checks.

A leaf is SHA-256(00 + entry), a node SHA-256(01 + left + right), the empty tree SHA-256(""); a tree
of n leaves splits at the largest power of two below n. Every hash that comes from outside is held
to 32 bytes. Nodes are named (level, index): node (l, i) covers the leaves from i * 2^l up to
(i + 1) * 2^l, and only full ones have a name.

RFC 6962 sections 2.1 to 2.1.2; the checks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2. From size
0 any tree is consistent by the empty proof, as the C2SP tlog-witness has it. Python 3.9: the
court's verifier carries this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from svitlo.errors import ProofError

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

HASH_BYTES = 32

Node = Callable[[int, int], bytes]
"""Gives the hash of the full node (level, index)."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """The hashes of many entries, in their order."""
    zero, hasher = b"\x00", sha256
    return [hasher(zero + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two nodes."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """The nodes above a row of nodes; an odd last one has none yet and is left out."""
    one, hasher, turn = b"\x01", sha256, iter(row)
    return [hasher(one + left + right).digest() for left, right in zip(turn, turn)]


def check_hashes(hashes: Iterable[bytes]) -> None:
    """Every hash is 32 bytes long.

    Raises:
        ProofError: one is not.
    """
    wrong = set(map(len, hashes)) - {HASH_BYTES}
    if wrong:
        raise ProofError(f"a hash has 32 bytes, not {min(wrong)}")


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over the roots of full subtrees, the largest first; the empty root over none."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in hashes[-2::-1]:
        root = node_hash(left, root)
    return root


class CompactRange:
    """A growing tree, kept as the roots of its full subtrees: one for each bit set in its size."""

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    @classmethod
    def of(cls, size: int, hashes: Sequence[bytes]) -> CompactRange:
        """The range of a tree of this size, out of its hashes, the largest subtree first.

        Raises:
            ProofError: the number or the length of the hashes does not fit the size.
        """
        if size < 0 or len(hashes) != bin(size).count("1"):
            raise ProofError(f"a tree of {size} leaves has not {len(hashes)} full subtrees")
        check_hashes(hashes)
        made = cls()
        made.size, made._edge = size, list(hashes)
        return made

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, the largest first."""
        return tuple(self._edge)

    def append(self, leaf: bytes) -> None:
        """One more leaf, by its hash, stands at the right."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """More leaves, by their hashes, stand at the right.

        Raises:
            ProofError: a hash is not 32 bytes long; the range is then as before.
        """
        row = list(leaves)
        check_hashes(row)
        size, edge, kept = self.size, self._edge, []
        self.size += len(row)
        while row:
            if size & 1:
                row.insert(0, edge.pop())
            if len(row) & 1:
                kept.append(row.pop())
            row = parents(row)
            size >>= 1
        edge.extend(reversed(kept))

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return fold(self._edge)


class MemoryTree:
    """A whole tree in memory, for batches: every root and proof without hashing again."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._rows = [list(leaves)]
        check_hashes(self._rows[0])
        self.size = len(self._rows[0])
        while len(self._rows[-1]) > 1:
            self._rows.append(parents(self._rows[-1]))

    def _node(self, level: int, index: int) -> bytes:
        return self._rows[level][index]

    def root(self) -> bytes:
        """The root of the tree."""
        return span_root(0, self.size, self._node)

    def inclusion(self, index: int) -> list[bytes]:
        """The inclusion path of a leaf, the lowest hash first."""
        return inclusion_of(index, self.size, self._node)

    def consistency(self, smaller: int) -> list[bytes]:
        """The consistency path from a smaller tree to this one."""
        return consistency_of(smaller, self.size, self._node)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over a list of leaf hashes."""
    made = CompactRange()
    made.extend(leaves)
    return made.root()


def inclusion_path(index: int, size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The inclusion path of a leaf in the tree of the first `size` of these leaf hashes."""
    return MemoryTree(leaves[:size]).inclusion(index)


def consistency_path(smaller: int, size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The consistency path between two trees over the first of these leaf hashes."""
    return MemoryTree(leaves[:size]).consistency(smaller)


def span_root(start: int, size: int, node: Node) -> bytes:
    """The root over the leaves from `start` up to `size`, for a start where a subtree begins."""
    hashes = []
    while start < size:
        level = (size - start).bit_length() - 1
        hashes.append(node(level, start >> level))
        start += 1 << level
    return fold(hashes)


def inclusion_of(index: int, size: int, node: Node) -> list[bytes]:
    """The inclusion path of a leaf, out of full nodes (RFC 6962 section 2.1.1).

    Raises:
        ProofError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    return _path(0, index, size, node)


def consistency_of(smaller: int, size: int, node: Node) -> list[bytes]:
    """The consistency path from a smaller tree, out of full nodes (RFC 6962 section 2.1.2).

    Raises:
        ProofError: the smaller tree is not smaller or equal.
    """
    if not 0 <= smaller <= size:
        raise ProofError(f"a tree of {size} leaves did not grow out of one of {smaller}")
    if smaller in (0, size):
        return []
    level = (smaller & -smaller).bit_length() - 1
    index = (smaller >> level) - 1
    path = _path(level, index, size, node)
    return [node(level, index), *path] if index else path


def _path(level: int, index: int, size: int, node: Node) -> list[bytes]:
    """What stands beside the way from a full node up to the root of `size` leaves."""
    inner = (index ^ ((size - 1) >> level)).bit_length()
    path = [node(level + up, (index >> up) ^ 1) for up in range(inner - 1)]
    if inner:
        up = level + inner - 1
        path.append(span_root(((index >> (inner - 1)) ^ 1) << up, size, node))
    above, level = index >> inner, level + inner
    while above:
        if above & 1:
            path.append(node(level, above - 1))
        above, level = above >> 1, level + 1
    return path


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], *, root: bytes
) -> None:
    """The leaf stands at this index of the tree of this size and root.

    Raises:
        ProofError: it does not, or the path does not show it.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    check_hashes((leaf, root, *path))
    inner = (index ^ (size - 1)).bit_length()
    if len(path) != inner + bin(index >> inner).count("1"):
        raise ProofError(f"an inclusion path of {len(path)} hashes does not fit {index} of {size}")
    if _climb(leaf, index, path, inner) != root:
        raise ProofError(f"the inclusion path of {index} does not lead to the root of {size}")


def verify_consistency(
    smaller: int, size: int, smaller_root: bytes, root: bytes, *, path: Sequence[bytes]
) -> None:
    """The tree of this size and root grew out of the smaller one.

    Raises:
        ProofError: it did not, or the path does not show it.
    """
    if not 0 <= smaller <= size:
        raise ProofError(f"a tree of {size} leaves did not grow out of one of {smaller}")
    check_hashes((smaller_root, root, *path))
    if smaller in (0, size):
        _check_trivial(smaller, size, smaller_root, root, path=path)
        return
    level = (smaller & -smaller).bit_length() - 1
    index = (smaller >> level) - 1
    inner = (index ^ ((size - 1) >> level)).bit_length()
    whole = list(path) if index else [smaller_root, *path]
    if len(whole) != 1 + inner + bin(index >> inner).count("1"):
        raise ProofError(f"a consistency path of {len(path)} hashes does not fit {smaller}, {size}")
    was = whole[0]
    for up, beside in enumerate(whole[1:]):
        if up >= inner or index >> up & 1:
            was = node_hash(beside, was)
    if was != smaller_root:
        raise ProofError(f"the consistency path does not lead to the root of {smaller}")
    if _climb(whole[0], index, whole[1:], inner) != root:
        raise ProofError(f"the consistency path does not lead to the root of {size}")


def _climb(start: bytes, index: int, path: Sequence[bytes], inner: int) -> bytes:
    """The root reached from a node: by its index below, always from the right above."""
    one, hasher, reached = b"\x01", sha256, start
    for beside in path[:inner]:
        if index & 1:
            reached = hasher(one + beside + reached).digest()
        else:
            reached = hasher(one + reached + beside).digest()
        index >>= 1
    for beside in path[inner:]:
        reached = hasher(one + beside + reached).digest()
    return reached


def _check_trivial(
    smaller: int, size: int, smaller_root: bytes, root: bytes, *, path: Sequence[bytes]
) -> None:
    if path:
        raise ProofError(f"from {smaller} to {size} leaves the consistency path is empty")
    if smaller == 0 and smaller_root != EMPTY_ROOT:
        raise ProofError("the empty tree has another root")
    if smaller == size and smaller_root != root:
        raise ProofError(f"two trees of {size} leaves have different roots")
