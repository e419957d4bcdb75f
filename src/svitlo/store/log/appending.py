"""Append: statements become durable with their openings, and wait for their index.

The caller's unit makes them durable, so an acknowledgement needs no index, and journeys do not
queue for the log. Salts are 32 fresh random bytes a statement.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from svitlo.errors import StorageError
from svitlo.record.statement import Statement
from svitlo.seal import commitment
from svitlo.store.bulk import insert_rows
from svitlo.store.log.sequencing import extend, log_size
from svitlo.store.writing import is_unit_open

Row = tuple[str, str, str, bytes, bytes, bytes]


class Opening(NamedTuple):
    """A statement ready to append: its text, its salt and the entry that commits to both."""

    ident: str
    type: str
    at: str
    subject: tuple[str, ...]
    salt: bytes
    text: bytes
    entry: bytes


def opening_of(statement: Statement, *, salt: bytes | None = None) -> Opening:
    """The opening of a statement, under a fresh salt unless one is given.

    Raises:
        StatementError: the statement breaks a rule of the record.
    """
    text = statement.canonical()
    salt = os.urandom(commitment.SALT_BYTES) if salt is None else salt
    return Opening(
        ident=statement.id,
        type=statement.type,
        at=statement.at,
        subject=statement.subject,
        salt=salt,
        text=text,
        entry=commitment.commitment_entry(commitment.commit(salt, text)),
    )


def append(log_id: int, openings: Sequence[Opening]) -> int:
    """The `seq` of the first of the statements; the others follow it one by one.

    Raises:
        StorageError: no unit is open.
    """
    first = append_rows(
        log_id, [(o.ident, o.type, o.at, o.salt, o.text, o.entry) for o in openings]
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO store_subject (name, statement_id) VALUES (%s, %s)",
            [(name, seq) for seq, o in enumerate(openings, first) for name in o.subject],
        )
    return first


def append_rows(log_id: int, rows: Sequence[Row]) -> int:
    """As `append`, for statements in bulk whose subjects are indexed elsewhere, as exhibits are.

    A row is (identifier, type, time, salt, text, entry).

    Raises:
        StorageError: no unit is open.
    """
    with _open_cursor() as cursor:
        first = _insert_statements(cursor, log_id, rows)
        insert_rows(
            cursor,
            "store_pending (seq, log_id, entry, statement_id)",
            "(%s, %s, %s, %s)",
            [(seq, log_id, row[5], seq) for seq, row in enumerate(rows, first)],
        )
    return first


def append_sequenced(log_id: int, rows: Sequence[Row]) -> int:
    """As `append_rows`, and the entries have their indices at once, in the same unit.

    For bulk on SQLite, where the unit keeps every other writer out anyway, so that waiting for the
    sequencer would only write each row twice. Where something waits already, these wait behind it.

    Raises:
        StorageError: no unit is open.
    """
    with _open_cursor() as cursor:
        cursor.execute("SELECT 1 FROM store_pending WHERE log_id = %s LIMIT 1", [log_id])
        if cursor.fetchone() or connection.vendor != "sqlite":
            return append_rows(log_id, rows)
        first = _insert_statements(cursor, log_id, rows)
        entries = [(row[5], seq) for seq, row in enumerate(rows, first)]
        extend(cursor, log_id, log_size(cursor, log_id), entries)
    return first


def append_control(log_id: int, entry: bytes) -> None:
    """A control record waits for its index.

    Raises:
        StorageError: no unit is open.
    """
    with _open_cursor() as cursor:
        cursor.execute(
            "INSERT INTO store_pending (seq, log_id, entry, statement_id)"
            " VALUES (%s, %s, %s, NULL)",
            [_reserved(cursor), log_id, entry],
        )


def _open_cursor() -> CursorWrapper:
    if not is_unit_open():
        raise StorageError("appending to a log needs an open unit")
    return connection.cursor()


def _insert_statements(cursor: CursorWrapper, log_id: int, rows: Sequence[Row]) -> int:
    first = _reserved(cursor)
    insert_rows(
        cursor,
        "store_statement (seq, id, log_id, type, at, salt, text, state)",
        "(%s, %s, %s, %s, %s, %s, %s, 'active')",
        [
            (seq, ident, log_id, kind, at, salt, text)
            for seq, (ident, kind, at, salt, text, _) in enumerate(rows, first)
        ],
    )
    return first


def _reserved(cursor: CursorWrapper) -> int:
    """The first number that no statement and nothing pending has; the unit keeps others out."""
    if connection.vendor == "postgresql":
        cursor.execute("SELECT pg_advisory_xact_lock(7311)")
    cursor.execute(
        "SELECT (SELECT max(seq) FROM store_statement), (SELECT max(seq) FROM store_pending)"
    )
    stated, pending = cursor.fetchone()
    return max(stated or 0, pending or 0) + 1
