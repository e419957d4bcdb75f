"""Sequence: pending entries get their index, their leaf and their tiles.

Units of 256 rows; the compare-and-set of the log's size is what keeps two sequencers apart. Padding
fills an epoch with dummies to the next rung of 64, 128, 256, ... entries, so that the spine tells
an observer its activity within a factor of two and no better.
"""

from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from svitlo.errors import LogStateError
from svitlo.seal.commitment import dummy_entries
from svitlo.seal.tiles import TileEdge
from svitlo.seal.tree import leaf_hashes
from svitlo.store.bulk import insert_rows
from svitlo.store.writing import MAX_ROWS, unit

SMALLEST_RUNG = 64

Row = tuple[bytes, int | None]


def sequence(log_id: int, limit: int = 8192) -> int:
    """How many pending entries got an index, at most `limit`.

    Raises:
        LogStateError: another process sequenced the log at the same time.
    """
    done = 0
    while done < limit:
        with unit(), connection.cursor() as cursor:
            wanted = min(MAX_ROWS, limit - done)
            count = _sequence_some(cursor, log_id, wanted)
        done += count
        if count < wanted:
            break
    return done


def pad(log_id: int, dummy_key: bytes, count: int) -> None:
    """`count` dummies stand at the end of the log."""
    while count:
        part = min(count, MAX_ROWS)
        with unit(), connection.cursor() as cursor:
            size = log_size(cursor, log_id)
            rows = [(entry, None) for entry in dummy_entries(dummy_key, size, part)]
            extend(cursor, log_id, size, rows)
        count -= part


def padding(added: int, cap: int) -> int:
    """How many dummies bring `added` entries of one epoch to the next rung; none for none.

    Beyond the cap the rungs are its multiples.
    """
    if added > cap:
        return -added % cap
    rung = SMALLEST_RUNG
    while rung < added:
        rung *= 2
    return min(rung, cap) - added if added else 0


def log_size(cursor: CursorWrapper, log_id: int) -> int:
    """How many entries of the log have an index."""
    cursor.execute("SELECT size FROM store_log WHERE id = %s", [log_id])
    return int(cursor.fetchone()[0])


def stored_tile(cursor: CursorWrapper, log_id: int, place: tuple[int, int], width: int) -> bytes:
    """The first `width` hashes of a tile at `place` (level, n).

    Raises:
        LogStateError: the tables do not hold so many.
    """
    cursor.execute(
        "SELECT hashes FROM store_tile WHERE log_id = %s AND level = %s AND n = %s",
        [log_id, *place],
    )
    row = cursor.fetchone()
    hashes = bytes(row[0]) if row else b""
    if len(hashes) < 32 * width:
        raise LogStateError(f"tile {place} of log {log_id} is not in the tables")
    return hashes[: 32 * width]


def _sequence_some(cursor: CursorWrapper, log_id: int, wanted: int) -> int:
    cursor.execute(
        "SELECT seq, entry, statement_id FROM store_pending WHERE log_id = %s"
        " ORDER BY seq LIMIT %s",
        [log_id, wanted],
    )
    pending = cursor.fetchall()
    if not pending:
        return 0
    rows = [(bytes(entry), statement) for _, entry, statement in pending]
    extend(cursor, log_id, log_size(cursor, log_id), rows)
    marks = ",".join(["%s"] * len(pending))
    cursor.execute(
        f"DELETE FROM store_pending WHERE seq IN ({marks})",  # noqa: S608 - only marks
        [row[0] for row in pending],
    )
    return len(pending)


def extend(cursor: CursorWrapper, log_id: int, size: int, rows: Sequence[Row]) -> None:
    """The rows stand in the log from index `size` on, with their tiles; in the caller's unit.

    Raises:
        LogStateError: the log has another size by now.
    """
    insert_rows(
        cursor,
        'store_entry (log_id, "index", entry, statement_id)',
        "(%s, %s, %s, %s)",
        [(log_id, index, entry, statement) for index, (entry, statement) in enumerate(rows, size)],
    )
    edge = TileEdge(size, lambda level, n, w: stored_tile(cursor, log_id, (level, n), w))
    full = edge.extend(leaf_hashes([entry for entry, _ in rows]))
    cursor.executemany(
        "INSERT INTO store_tile (log_id, level, n, hashes) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (log_id, level, n) DO UPDATE SET hashes = excluded.hashes",
        [(log_id, level, n, hashes) for level, n, hashes in [*full, *edge.partials()]],
    )
    cursor.execute(
        "UPDATE store_log SET size = %s WHERE id = %s AND size = %s", [edge.size, log_id, size]
    )
    if cursor.rowcount != 1:
        raise LogStateError("the log grew under the sequencer: two sequencers ran")
