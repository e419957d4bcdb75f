"""The Merkle tree against a slow reference, published vectors and known answers."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import tarfile
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import ProofError
from svitlo.seal import tree
from tests.fakes import spine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# The reference: RFC 6962 as it is written, by recursion over slices.


def split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def slow_root(leaves: tuple[bytes, ...]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    at = split(len(leaves))
    return hashlib.sha256(b"\x01" + cached(leaves[:at]) + cached(leaves[at:])).digest()


cached = lru_cache(maxsize=1 << 16)(slow_root)


def slow_path(index: int, leaves: tuple[bytes, ...]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    if index < at:
        return [*slow_path(index, leaves[:at]), cached(leaves[at:])]
    return [*slow_path(index - at, leaves[at:]), cached(leaves[:at])]


def slow_subproof(smaller: int, leaves: tuple[bytes, ...], *, known: bool) -> list[bytes]:
    if smaller == len(leaves):
        return [] if known else [cached(leaves)]
    at = split(len(leaves))
    if smaller <= at:
        return [*slow_subproof(smaller, leaves[:at], known=known), cached(leaves[at:])]
    return [*slow_subproof(smaller - at, leaves[at:], known=False), cached(leaves[:at])]


@pytest.fixture(scope="module")
def leaves() -> tuple[bytes, ...]:
    return tuple(tree.leaf_hashes(index.to_bytes(4, "big") for index in range(70_000)))


def test_published_hashes_of_a_leaf_and_a_node() -> None:
    assert tree.leaf_hash(b"L123456").hex() == (
        "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    )
    assert tree.node_hash(b"N123", b"N456").hex() == (
        "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )
    assert hashlib.sha256(b"").digest() == tree.EMPTY_ROOT == tree.root_of(())


def test_every_root_up_to_600_leaves_is_that_of_the_reference(leaves: tuple[bytes, ...]) -> None:
    growing = tree.CompactRange()

    for size in range(601):
        assert growing.root() == tree.root_of(leaves[:size]) == slow_root(leaves[:size])
        assert tree.CompactRange.of(size, growing.hashes).root() == growing.root()
        growing.append(leaves[size])


def test_every_path_up_to_600_leaves_is_that_of_the_reference(leaves: tuple[bytes, ...]) -> None:
    chance = random.Random(6962)  # noqa: S311 - a seeded choice of cases
    for size in range(1, 601):
        memory = tree.MemoryTree(leaves[:size])
        few = range(size) if size <= 70 else chance.sample(range(size), 3)
        for index in {0, size - 1, *few}:
            path = memory.inclusion(index)
            assert path == slow_path(index, leaves[:size])
            tree.verify_inclusion(leaves[index], index, size, path, root=memory.root())
        for smaller in {1, size, *(one + 1 for one in few)}:
            steps = memory.consistency(smaller)
            assert steps == slow_subproof(smaller, leaves[:size], known=True)
            was = tree.root_of(leaves[:smaller])
            tree.verify_consistency(smaller, size, was, memory.root(), path=steps)


def test_random_trees_up_to_70_000_leaves(leaves: tuple[bytes, ...]) -> None:
    chance = random.Random(9162)  # noqa: S311 - a seeded choice of cases
    for _ in range(6):
        size = chance.randrange(600, 70_000)
        memory = tree.MemoryTree(leaves[:size])
        assert memory.root() == tree.root_of(leaves[:size]) == slow_root(leaves[:size])
        for index in chance.sample(range(size), 20):
            path = memory.inclusion(index)
            tree.verify_inclusion(leaves[index], index, size, path, root=memory.root())
            steps = memory.consistency(index)
            was = tree.root_of(leaves[:index])
            tree.verify_consistency(index, size, was, memory.root(), path=steps)


@given(st.lists(st.integers(0, 70), max_size=8))
def test_extending_in_any_steps_gives_the_same_range(steps: list[int]) -> None:
    every = tree.leaf_hashes(bytes((index & 255, index >> 8)) for index in range(sum(steps)))
    growing, at = tree.CompactRange(), 0

    for step in steps:
        growing.extend(every[at : at + step])
        at += step

    assert growing.size == at
    assert growing.root() == tree.root_of(every)


def test_the_helpers_for_lists_give_the_paths_of_the_memory_tree(
    leaves: tuple[bytes, ...],
) -> None:
    memory = tree.MemoryTree(leaves[:77])

    assert tree.inclusion_path(5, 77, leaves) == memory.inclusion(5)
    assert tree.consistency_path(33, 77, leaves) == memory.consistency(33)


@given(st.integers(1, 70), st.data())
def test_a_proof_with_any_change_is_refused(size: int, data: st.DataObject) -> None:
    every = tree.leaf_hashes(bytes((index,)) for index in range(size))
    memory = tree.MemoryTree(every)
    index = data.draw(st.integers(0, size - 1))
    smaller = data.draw(st.integers(0, size))
    flip = bytes(31) + bytes((1 << data.draw(st.integers(0, 7)),))

    def flipped(value: bytes) -> bytes:
        return bytes(a ^ b for a, b in zip(value, flip, strict=True))

    for path in broken(memory.inclusion(index), flipped):
        with pytest.raises(ProofError):
            tree.verify_inclusion(every[index], index, size, path, root=memory.root())
    was = tree.root_of(every[:smaller])
    for path in broken(memory.consistency(smaller), flipped):
        with pytest.raises(ProofError):
            tree.verify_consistency(smaller, size, was, memory.root(), path=path)
    with pytest.raises(ProofError):
        tree.verify_inclusion(
            flipped(every[index]), index, size, memory.inclusion(index), root=memory.root()
        )
    steps = memory.consistency(smaller)
    with pytest.raises(ProofError):
        tree.verify_consistency(smaller, size, flipped(was), memory.root(), path=steps)


def broken(path: list[bytes], flipped: spine.Change) -> Iterator[list[bytes]]:
    yield [*path, bytes(32)]
    for at in range(len(path)):
        yield path[:at] + path[at + 1 :]
        yield [*path[:at], flipped(path[at]), *path[at + 1 :]]
        yield [*path[:at], path[at][:31], *path[at + 1 :]]


def test_hashes_of_another_length_are_refused() -> None:
    growing = tree.CompactRange()

    with pytest.raises(ProofError, match="32 bytes, not 31"):
        growing.append(bytes(31))
    assert growing.size == 0
    with pytest.raises(ProofError, match="32 bytes"):
        tree.verify_inclusion(b"short", 0, 1, [], root=b"short")
    with pytest.raises(ProofError, match="32 bytes"):
        tree.verify_consistency(3, 3, b"short", b"short", path=[])
    with pytest.raises(ProofError, match="full subtrees"):
        tree.CompactRange.of(3, [bytes(32)])


def test_what_lies_outside_the_tree_is_refused() -> None:
    memory = tree.MemoryTree(tree.leaf_hashes([b"a", b"b", b"c"]))

    for index in (-1, 3):
        with pytest.raises(ProofError, match=r"no leaf"):
            memory.inclusion(index)
        with pytest.raises(ProofError, match=r"no leaf"):
            tree.verify_inclusion(bytes(32), index, 3, [], root=bytes(32))
    for smaller in (-1, 4):
        with pytest.raises(ProofError, match="did not grow"):
            memory.consistency(smaller)
        with pytest.raises(ProofError, match="did not grow"):
            tree.verify_consistency(smaller, 3, bytes(32), bytes(32), path=[])


def test_every_tree_grew_out_of_the_empty_one_by_the_empty_proof() -> None:
    root = tree.leaf_hash(b"a")

    tree.verify_consistency(0, 1, tree.EMPTY_ROOT, root, path=[])
    tree.verify_consistency(0, 0, tree.EMPTY_ROOT, tree.EMPTY_ROOT, path=[])
    with pytest.raises(ProofError, match="empty tree"):
        tree.verify_consistency(0, 1, root, root, path=[])
    with pytest.raises(ProofError, match="different roots"):
        tree.verify_consistency(1, 1, tree.EMPTY_ROOT, root, path=[])


def test_known_answers_of_the_design() -> None:
    entries = spine.entries(64)
    leaves = tree.leaf_hashes(entries)
    dummies = [spine.dummy(index) for index in range(64, 192)]
    longer = leaves + tree.leaf_hashes(dummies)

    assert leaves[0].hex() == "c430bd9cd362267e714a6c8d6465bf6d1b683643b9d64690a9afd89763bbe24f"
    assert leaves[1].hex() == "65d8ae74e86648671b21440ba01aa9d018c19e964fccc9e277c24509938ac7e2"
    for size, root in spine.ROOTS.items():
        assert tree.root_of(longer[:size]).hex() == root
    assert [base64.b64encode(one).decode() for one in tree.consistency_path(64, 128, longer)] == [
        "T8PxmT7khFqjzInyn8SRtMliKM2rm33gy7b9yZPkd50="
    ]
    assert base64.b64encode(tree.consistency_path(128, 192, longer)[0]).decode() == (
        "QmajIlSKx3GoBc29O+NUiNtKpFF3rHYuutTy+N/jxXE="
    )


@pytest.mark.shared
def test_published_probes_agree_but_for_named_conventions(shared: Path) -> None:
    disagreeing = set()
    seen = 0
    with tarfile.open(shared / "merkle-testdata" / "testdata.tar.gz") as archive:
        for member in archive:
            name = member.name.removeprefix("testdata/")
            kind = name.split("/")[0]
            if not member.isfile() or kind not in {"inclusion", "consistency"}:
                continue
            opened = archive.extractfile(member)
            assert opened is not None
            probe = json.loads(opened.read())
            seen += 1
            if refuses(kind, probe) != probe["wantErr"]:
                disagreeing.add(name)

    assert seen == 196
    assert disagreeing == CONVENTIONS


CONVENTIONS = {"consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"}
"""Its roots have 12 bytes: two equal texts, which Go compares and we refuse."""


def refuses(kind: str, probe: dict[str, int | str | list[str]]) -> bool:
    def hashes(name: str) -> list[bytes]:
        value = probe[name]
        texts = value if isinstance(value, list) else [str(value or "")]
        return [base64.b64decode(text) for text in texts]

    def number(name: str) -> int:
        value = probe[name]
        assert isinstance(value, int)
        return value

    try:
        if kind == "inclusion":
            tree.verify_inclusion(
                hashes("leafHash")[0],
                number("leafIdx"),
                number("treeSize"),
                hashes("proof") if probe["proof"] else [],
                root=hashes("root")[0],
            )
        else:
            tree.verify_consistency(
                number("size1"),
                number("size2"),
                hashes("root1")[0],
                hashes("root2")[0],
                path=hashes("proof") if probe["proof"] else [],
            )
    except ProofError:
        return True
    return False
