"""Read a log from its tables: tiles, entries, openings, roots and proofs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from svitlo.errors import NotFound
from svitlo.seal.tiles import FULL_WIDTH, TileCache, Tiles, encode_bundle
from svitlo.store.log.sequencing import log_size, stored_tile
from svitlo.store.models import Checkpoint, Entry, Log


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry with the opening that gives it meaning."""

    index: int
    entry: bytes
    salt: bytes
    text: bytes


class Row(NamedTuple):
    """An entry as the tables hold it, with its statement where it has one.

    `place` is its index; `seq` is None for dummies and control records; `salt` and `text` are
    empty once erased.
    """

    place: int
    entry: bytes
    seq: int | None
    salt: bytes
    text: bytes
    state: str


PAGE = 1024


def plain(value: object) -> bytes:
    """The bytes of a column, also where somebody wrote text into it, which SQLite allows."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return bytes(value) if isinstance(value, bytes | memoryview) else b""


class LogReader:
    """One log as its tables hold it now."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.log_id = int(log.pk)
        self._cache = TileCache()

    def size(self) -> int:
        """How many entries have an index."""
        with connection.cursor() as cursor:
            return log_size(cursor, self.log_id)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first `width` hashes of a tile.

        Raises:
            LogStateError: the tables do not hold so many.
        """
        with connection.cursor() as cursor:
            return stored_tile(cursor, self.log_id, (level, n), width)

    def tiles(self, size: int) -> Tiles:
        """The log at a size: root, leaves and proofs."""
        return Tiles(size, self.tile, self._cache)

    def entries(self, n: int, width: int = FULL_WIDTH) -> list[bytes]:
        """The entries of one bundle."""
        start = n * FULL_WIDTH
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT entry FROM store_entry WHERE log_id = %s AND "index" >= %s'
                ' AND "index" < %s ORDER BY "index"',
                [self.log_id, start, start + width],
            )
            return [bytes(entry) for (entry,) in cursor.fetchall()]

    def bundles(self, size: int) -> Iterator[bytes]:
        """All entry bundles of the log at a size, in order."""
        for n in range((size + FULL_WIDTH - 1) // FULL_WIDTH):
            yield encode_bundle(self.entries(n, min(FULL_WIDTH, size - n * FULL_WIDTH)))

    def rows(self, size: int) -> Iterator[list[Row]]:
        """All entries of the log at a size with their statements, in order, a page at a time."""
        for start in range(0, size, PAGE):
            with connection.cursor() as cursor:
                cursor.execute(
                    'SELECT e."index", e.entry, s.seq, s.salt, s.text, s.state FROM store_entry e'
                    " LEFT JOIN store_statement s ON s.seq = e.statement_id"
                    ' WHERE e.log_id = %s AND e."index" >= %s AND e."index" < %s'
                    ' ORDER BY e."index"',
                    [self.log_id, start, min(start + PAGE, size)],
                )
                yield [
                    Row(r[0], plain(r[1]), r[2], plain(r[3]), plain(r[4]), r[5] or "")
                    for r in cursor.fetchall()
                ]

    def checkpoint(self) -> Checkpoint | None:
        """The last signed checkpoint, or None before the first."""
        return Checkpoint.objects.filter(log_id=self.log_id).order_by("-size").first()

    def opening(self, index: int) -> Opened:
        """The entry at an index and its opening.

        Raises:
            NotFound: there is no such entry, or it has no opening (a dummy, control or erased).
        """
        row = (
            Entry.objects.filter(log_id=self.log_id, index=index)
            .values_list("entry", "statement__salt", "statement__text")
            .first()
        )
        if row is None or not row[1]:
            raise NotFound(f"entry {index} of {self.log.origin} has no opening here")
        return Opened(index, bytes(row[0]), bytes(row[1]), bytes(row[2]))


def log_of_origin(origin: str) -> Log:
    """The log of that origin.

    Raises:
        NotFound: this node has none.
    """
    log = Log.objects.filter(origin=origin).first()
    if log is None:
        raise NotFound(f"this node has no log {origin}")
    return log
