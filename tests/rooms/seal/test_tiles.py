"""Tiles and bundles: names, widths, proofs out of them, a growing edge, checking a whole log."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import ProofError, SealError
from svitlo.seal import tiles, tree
from tests.fakes import spine

if TYPE_CHECKING:
    from collections.abc import Sequence


class Shelf:
    """The tiles of a log, made level by level and kept in a dictionary."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.kept: dict[tuple[int, int, int], bytes] = {}
        self.reads = 0
        level, row = 0, list(leaves)
        while row:
            for at in range(0, len(row), 256):
                part = row[at : at + 256]
                self.kept[level, at // 256, len(part)] = b"".join(part)
            level += 1
            row = [tree.root_of(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]

    def __call__(self, level: int, n: int, width: int) -> bytes:
        self.reads += 1
        return self.kept[level, n, width]


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return tree.leaf_hashes(index.to_bytes(4, "big") for index in range(70_000))


@pytest.mark.parametrize(
    ("level", "n", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 0, 64, "tile/0/000.p/64"),
        (3, 999, 256, "tile/3/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (63, 1_234_067, 1, "tile/63/x001/x234/067.p/1"),
    ],
)
def test_a_path_names_one_tile(level: int, n: int, width: int, path: str) -> None:
    assert tiles.tile_path(level, n, width) == path
    assert tiles.parse_tile_path(path) == tiles.TileName(level, n, width)


def test_a_path_names_one_bundle() -> None:
    assert tiles.entries_path(1_234_067, 12) == "tile/entries/x001/x234/067.p/12"
    assert tiles.parse_tile_path("tile/entries/000") == tiles.TileName(None, 0, 256)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001/x001",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/064",
        "tile/0/000.p/999",
        "tile/0/٣00",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../000",
        "tile/data/000",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ProofError):
        tiles.parse_tile_path(path)


@given(st.text() | st.from_regex(r"tile/[0-9a-z]{1,3}/[x0-9/]{1,9}(\.p/[0-9]{1,3})?"))
def test_a_path_that_parses_is_written_the_same(path: str) -> None:
    try:
        name = tiles.parse_tile_path(path)
    except SealError:
        return
    if name.level is None:
        assert tiles.entries_path(name.n, name.width) == path
    else:
        assert tiles.tile_path(name.level, name.n, name.width) == path


def test_the_tiles_of_70_000_leaves_are_those_of_the_design() -> None:
    every = list(tiles.tiles_of(70_000))

    assert every[:273] == [(0, n, 256) for n in range(273)]
    assert every[273:] == [(0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert list(tiles.tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles.tiles_of(0)) == []
    assert list(tiles.tiles_of(600, since=300)) == [(0, 1, 256), (0, 2, 88), (1, 0, 2)]
    assert list(tiles.bundles_of(600, since=300)) == [(1, 256), (2, 88)]


def test_the_width_of_a_tile_is_what_the_tree_fills() -> None:
    assert tiles.width_of(0, 273, 70_000) == 112
    assert tiles.width_of(0, 274, 70_000) == 0
    assert tiles.width_of(1, 0, 70_000) == 256


def test_known_tile_and_bundle_of_the_design() -> None:
    entries = spine.entries(64)
    edge = tiles.TileEdge()

    assert edge.extend(tree.leaf_hashes(entries)) == []

    [(level, n, tile)] = edge.partials()
    bundle = tiles.encode_bundle(entries)
    assert (level, n, len(tile), len(bundle)) == (0, 0, 2048, 2318)
    assert hashlib.sha256(tile).hexdigest() == (
        "aa560a757535cc3d990fa1d3107c3cb6f1744b86cd5bcc00a3609115b8536345"
    )
    assert hashlib.sha256(bundle).hexdigest() == (
        "aa994bf08d915727f4313ae0c096ae847162a2cd386073543fcde4bc78563c12"
    )
    assert edge.root().hex() == spine.ROOTS[64]


@given(st.lists(st.binary(max_size=40), max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    bundle = tiles.encode_bundle(entries)

    assert tiles.decode_bundle(bundle) == entries
    assert tiles.bundle_leaves(bundle, len(entries)) == tree.leaf_hashes(entries)


@given(st.binary(max_size=300), st.none() | st.integers(0, 256))
def test_a_bundle_of_any_bytes_parses_or_is_refused(data: bytes, width: int | None) -> None:
    try:
        entries = tiles.decode_bundle(data, width)
    except SealError:
        return
    assert tiles.encode_bundle(entries) == data
    assert width in (None, len(entries))


def test_a_bundle_keeps_to_its_limits() -> None:
    assert len(tiles.decode_bundle(tiles.encode_bundle([bytes(65_535)] * 2))) == 2
    with pytest.raises(ProofError, match="256 entries"):
        tiles.encode_bundle([b""] * 257)
    with pytest.raises(ProofError, match=r"65,535 bytes"):
        tiles.encode_bundle([bytes(65_536)])
    with pytest.raises(ProofError, match="more than 256"):
        tiles.decode_bundle(bytes(2 * 257))
    with pytest.raises(ProofError, match="2 entries, not 3"):
        tiles.decode_bundle(bytes(4), 3)


def test_commitments_hash_alike_by_the_fast_and_by_the_general_way() -> None:
    entries = [b"\x01" + hashlib.sha256(bytes((index,))).digest() for index in range(256)]
    odd = [*entries[:-1], b"\x01" * 34]

    assert tiles.bundle_leaves(tiles.encode_bundle(entries), 256) == tree.leaf_hashes(entries)
    assert tiles.bundle_leaves(tiles.encode_bundle(odd), 256) == tree.leaf_hashes(odd)
    with pytest.raises(ProofError):
        tiles.bundle_leaves(tiles.encode_bundle(entries), 255)


def test_proofs_out_of_tiles_are_those_of_the_whole_tree(leaves: list[bytes]) -> None:
    chance = random.Random(256)  # noqa: S311 - a seeded choice of cases
    sizes = [1, 2, 3, 255, 256, 257, 511, 512, 600, 65_535, 65_536, 65_537, 65_793, 70_000]
    for size in [*sizes, *(chance.randrange(1, 70_000) for _ in range(4))]:
        memory = tree.MemoryTree(leaves[:size])
        log = tiles.Tiles(size, Shelf(leaves[:size]))
        assert log.root() == memory.root()
        for index in {0, size - 1, *chance.sample(range(size), min(size, 20))}:
            assert log.leaf(index) == leaves[index]
            assert log.inclusion(index) == memory.inclusion(index)
            assert log.consistency(index) == memory.consistency(index)
        assert log.consistency(size) == []


def test_a_cache_is_shared_between_sizes_and_bounded(leaves: list[bytes]) -> None:
    shelf, longer, cache = Shelf(leaves[:1000]), Shelf(leaves[:1300]), tiles.TileCache(3)

    tiles.Tiles(1000, shelf, cache).inclusion(5)
    first = shelf.reads
    tiles.Tiles(1000, shelf, cache).inclusion(6)
    tiles.Tiles(1300, longer, cache).leaf(7)

    assert shelf.reads <= 2 * first
    assert longer.reads <= 1
    assert tiles.Tiles(1300, longer, cache).root() == tree.root_of(leaves[:1300])


def test_what_a_reader_gives_is_held_to_its_length() -> None:
    log = tiles.Tiles(10, lambda _level, _n, width: bytes(width * 32 - 1))

    with pytest.raises(ProofError, match=r"tile/0/000\.p/10 has 320 bytes, not 319"):
        log.inclusion(3)
    with pytest.raises(ProofError, match="no leaf 10"):
        log.leaf(10)
    with pytest.raises(ProofError, match="no leaf 10"):
        log.inclusion(10)
    with pytest.raises(ProofError, match="did not grow"):
        log.consistency(11)


@given(st.lists(st.integers(0, 700), max_size=6))
def test_an_edge_growing_in_any_steps_makes_the_same_tiles(steps: list[int]) -> None:
    every = tree.leaf_hashes(index.to_bytes(2, "big") for index in range(sum(steps)))
    shelf, made, edge = Shelf(every), {}, tiles.TileEdge()

    at = 0
    for step in steps:
        for level, n, tile in edge.extend(every[at : at + step]):
            made[level, n, 256] = tile
        at += step
        partials = {(level, n, len(tile) // 32): tile for level, n, tile in edge.partials()}
        again = tiles.TileEdge(at, lambda *name, kept=partials: kept[name])
        assert again.partials() == edge.partials()
        assert again.root() == edge.root() == tree.root_of(every[:at])

    for level, n, tile in edge.partials():
        made[level, n, len(tile) // 32] = tile
    assert made == shelf.kept
    assert sorted(made) == list(tiles.tiles_of(len(every)))


def test_an_edge_without_its_partial_tiles_is_refused() -> None:
    with pytest.raises(ProofError, match="has not 44 hashes"):
        tiles.TileEdge(300)
    with pytest.raises(ProofError, match="32 bytes"):
        tiles.TileEdge().extend([b"short"])


def bundles_of(entries: Sequence[bytes]) -> list[bytes]:
    return [tiles.encode_bundle(entries[at : at + 256]) for at in range(0, len(entries), 256)]


@pytest.mark.parametrize("size", [0, 1, 256, 257, 1000])
def test_a_whole_log_is_checked_from_its_bundles(size: int) -> None:
    entries = spine.entries(1000)[:size]
    root = tree.root_of(tree.leaf_hashes(entries))
    bundles = bundles_of(entries)

    tiles.stream_verify(size, iter(bundles), root)

    with pytest.raises(ProofError, match="more entries"):
        tiles.stream_verify(size, [*bundles, bundles_of([b"x"])[0]], root)
    with pytest.raises(ProofError, match="root"):
        tiles.stream_verify(size, bundles, bytes(32))
    with pytest.raises(ProofError):
        tiles.stream_verify(size + 1, bundles, root)


def test_swapped_and_changed_entries_of_a_log_are_found() -> None:
    entries = spine.entries(600)
    root = tree.root_of(tree.leaf_hashes(entries))
    swapped = [*entries[:300], entries[301], entries[300], *entries[302:]]
    changed = [*entries[:599], entries[599][:-1] + bytes((entries[599][-1] ^ 1,))]

    for other in (swapped, changed):
        with pytest.raises(ProofError, match="root"):
            tiles.stream_verify(600, bundles_of(other), root)
