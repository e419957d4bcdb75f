"""The log in its tables: the known answers, rungs, tiles and proofs, and what cannot be changed."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import LogStateError, NotFound, StorageError
from svitlo.seal import canonical
from svitlo.seal.commitment import commit, commitment_entry
from svitlo.seal.proof import format_tlog_proof
from svitlo.seal.tiles import encode_bundle, tiles_of
from svitlo.seal.tree import MemoryTree, leaf_hash
from tests.fakes import spine
from tests.rooms.seal.test_commitment import SALT, SIGNED

if TYPE_CHECKING:
    from svitlo.node.opening import Node
    from svitlo.store.log.reading import LogReader

TEXT = canonical.dumps(SIGNED)
ENTRY = commitment_entry(commit(SALT, TEXT))
Waiting = tuple[str, str, str, bytes, bytes, bytes]


def waiting(count: int) -> list[Waiting]:
    """Statements ready to append."""
    rows = []
    for number in range(count):
        salt, text = bytes([number % 256]) * 32, b'{"n":%d}' % number
        entry = commitment_entry(commit(salt, text))
        rows.append((f"{number:026d}", "custody.event", "2022-11-29T09:15:00Z", salt, text, entry))
    return rows


@pytest.fixture
def reader(node: Node) -> LogReader:
    """The log of the known answers, with its genesis and its one statement sequenced."""
    from svitlo.store.log.appending import append_control, append_rows
    from svitlo.store.log.sequencing import sequence
    from svitlo.store.models import Log
    from svitlo.store.writing import unit

    with unit():
        log = Log.objects.create(origin=spine.ORIGIN, kind="spine")
        append_control(log.pk, spine.GENESIS)
        append_rows(
            log.pk,
            [(str(SIGNED["id"]), "custody.event", str(SIGNED["at"]), SALT, TEXT, ENTRY)],
        )
    assert sequence(log.pk) == 2
    return node.log(spine.ORIGIN)


def padded(reader: LogReader, size: int) -> LogReader:
    from svitlo.store.log.sequencing import pad

    pad(reader.log_id, spine.DUMMY_KEY, size - reader.size())
    return reader


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", spine.ROOTS)
def test_the_known_roots(reader: LogReader, size: int) -> None:
    assert padded(reader, size).tiles(size).root().hex() == spine.ROOTS[size]


def test_the_known_tile_and_bundle(reader: LogReader) -> None:
    padded(reader, 64)

    tile, bundle = reader.tile(0, 0, 64), encode_bundle(reader.entries(0, 64))

    assert (len(tile), sha256(tile)) == (
        2048,
        "aa560a757535cc3d990fa1d3107c3cb6f1744b86cd5bcc00a3609115b8536345",
    )
    assert (len(bundle), sha256(bundle)) == (
        2318,
        "aa994bf08d915727f4313ae0c096ae847162a2cd386073543fcde4bc78563c12",
    )


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (64, 128, "T8PxmT7khFqjzInyn8SRtMliKM2rm33gy7b9yZPkd50="),
        (128, 192, "QmajIlSKx3GoBc29O+NUiNtKpFF3rHYuutTy+N/jxXE="),
    ],
)
def test_the_known_consistency_proofs(reader: LogReader, old: int, new: int, path: str) -> None:
    proof = padded(reader, new).tiles(new).consistency(old)

    assert [base64.b64encode(step).decode() for step in proof] == [path]


def test_the_known_proof_file(reader: LogReader) -> None:
    path = padded(reader, 64).tiles(64).inclusion(1)

    proof = format_tlog_proof(1, path, spine.NOTE)

    assert (len(proof), sha256(proof)) == (
        614,
        "308c61d0cdacaa6a055650a0c3dd21072fe822e91dfe2a2647fcab73badc5c2f",
    )


def test_an_opening_is_found_by_its_index(reader: LogReader) -> None:
    padded(reader, 64)

    opened = reader.opening(1)

    assert (opened.entry, opened.salt, opened.text) == (ENTRY, SALT, TEXT)
    for index in (0, 2, 99):
        with pytest.raises(NotFound):
            reader.opening(index)


@pytest.mark.parametrize("steps", [(1, 255, 1), (600,), (300, 300, 70), (256, 256)])
def test_tiles_are_those_of_the_entries_however_they_came(
    reader: LogReader, steps: tuple[int, ...]
) -> None:
    from svitlo.store.log.appending import append_rows
    from svitlo.store.log.sequencing import sequence
    from svitlo.store.writing import unit

    rows, entries = waiting(sum(steps)), [spine.GENESIS, ENTRY]
    for step in steps:
        with unit():
            append_rows(reader.log_id, rows[:step])
        entries += [row[5] for row in rows[:step]]
        rows = rows[step:]
        while sequence(reader.log_id, limit=100):
            pass

    size = reader.size()
    tree = MemoryTree([leaf_hash(entry) for entry in entries])
    assert size == len(entries)
    assert reader.tiles(size).root() == tree.root()
    assert reader.tiles(size).inclusion(size - 1) == tree.inclusion(size - 1)
    for level, n, width in tiles_of(size):
        assert len(reader.tile(level, n, width)) == 32 * width


def test_a_tile_beyond_the_log_is_not_given(reader: LogReader) -> None:
    with pytest.raises(LogStateError):
        reader.tile(0, 0, 3)


def test_a_limit_is_kept_to_the_entry(reader: LogReader) -> None:
    from svitlo.store.log.appending import append_rows
    from svitlo.store.log.sequencing import sequence
    from svitlo.store.writing import unit

    with unit():
        append_rows(reader.log_id, waiting(20))

    assert [sequence(reader.log_id, limit=15), sequence(reader.log_id, limit=15)] == [15, 5]


@pytest.mark.parametrize(
    ("added", "dummies"), [(0, 0), (1, 63), (64, 0), (65, 63), (129, 127), (60_000, 5_536)]
)
def test_an_epoch_is_padded_to_the_next_rung(added: int, dummies: int) -> None:
    from svitlo.store.log.sequencing import padding

    assert padding(added, 65_536) == dummies


def test_nothing_is_appended_outside_a_unit(reader: LogReader) -> None:
    from svitlo.store.log.appending import append_control, append_rows

    with pytest.raises(StorageError):
        append_rows(reader.log_id, waiting(1))
    with pytest.raises(StorageError):
        append_control(reader.log_id, spine.GENESIS)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE store_entry SET entry = x'01'",
        "DELETE FROM store_entry",
        "DELETE FROM store_statement",
        "UPDATE store_statement SET text = 'other'",
    ],
)
def test_the_database_itself_refuses_to_change_evidence(reader: LogReader, change: str) -> None:
    from django.db import DatabaseError, connection

    from svitlo.store.writing import unit

    with (
        pytest.raises(DatabaseError, match=r"append-only|only ever erased"),
        unit(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
