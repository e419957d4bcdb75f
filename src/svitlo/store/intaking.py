"""Rows of an intake in bulk: items of the census, sealed exhibits, what became of each.

Plain SQL, many rows a statement, inside the caller's unit: 20,000 saves through the ORM alone
would cost more than sealing does.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db import connection

from svitlo.store.bulk import insert_rows
from svitlo.store.models import Blob, BlobHeader
from svitlo.store.writing import MAX_ROWS

STATES = ("rejected", "offered")


class ItemRow(NamedTuple):
    """One item of the census; a code says why it is rejected already."""

    ordinal: int
    path: bytes
    size: int
    mtime_ns: int
    code: str
    reason: str
    container: bytes
    place: int


class ExhibitRow(NamedTuple):
    """One sealed exhibit as its table has it; `seq` is its statement's, digests are 32 bytes."""

    seq: int
    ident: str
    statement: int
    intake: int
    n: int
    case: str
    path: bytes
    size: int
    sha256: bytes
    blake3: bytes
    blob: int
    off: int | None


class ResultRow(NamedTuple):
    """What became of an item: `ident`, digests and size when sealed, else code and reason."""

    ordinal: int
    path: bytes
    code: str
    reason: str
    ident: str | None
    size: int | None
    sha256: bytes | None
    blake3: bytes | None


def add_items(intake: int, rows: Sequence[ItemRow]) -> None:
    """The items stand in the census of the intake."""
    with connection.cursor() as cursor:
        insert_rows(
            cursor,
            "store_intakeitem (intake_id, ordinal, path, size, mtime_ns, code, reason, container,"
            " place, state)",
            "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    intake,
                    n,
                    path,
                    size,
                    mtime,
                    code,
                    reason[:300],
                    container,
                    place,
                    STATES[not code],
                )
                for n, path, size, mtime, code, reason, container, place in rows
            ],
        )


def waiting_items(intake: int, after: int, count: int) -> list[ItemRow]:
    """The first `count` items beyond `after` that are neither sealed nor rejected, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ordinal, path, size, mtime_ns, code, reason, container, place"
            " FROM store_intakeitem WHERE intake_id = %s AND ordinal > %s"
            " AND state = 'offered' ORDER BY ordinal LIMIT %s",
            [intake, after, count],
        )
        return [ItemRow._make(row) for row in cursor.fetchall()]


def waiting_bytes(intake: int) -> int:
    """The size of all items that are neither sealed nor rejected; 0 when one is not known."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(SUM(size), 0), COALESCE(MIN(size), 0) FROM store_intakeitem"
            " WHERE intake_id = %s AND state = 'offered'",
            [intake],
        )
        whole, least = cursor.fetchone()
    return 0 if least < 0 else int(whole)


def add_blob(name: str, size: int, header: bytes, *, is_segment: bool, case: str, to: str) -> int:
    """The number of a new body's row, with its header beside it."""
    blob = Blob.objects.create(
        name=name, size=size, is_segment=is_segment, case=case, recipients=to
    )
    BlobHeader.objects.create(blob=blob, header=header)
    return int(blob.pk)


def add_exhibits(rows: Sequence[ExhibitRow]) -> None:
    """The exhibits stand in the index."""
    with connection.cursor() as cursor:
        insert_rows(
            cursor,
            'store_exhibit (seq, id, statement_id, intake_id, n, "case", path, size, sha256,'
            " blake3, blob_id, off, state)",
            "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'sealed')",
            rows,
        )


def mark_items(
    intake: int, first: int, last: int, rejected: Sequence[tuple[int, str, str]]
) -> None:
    """Items `first` to `last` are sealed, but for those rejected (ordinal, code, reason)."""
    with connection.cursor() as cursor:
        if rejected:
            cursor.executemany(
                "UPDATE store_intakeitem SET state = 'rejected', code = %s, reason = %s"
                " WHERE intake_id = %s AND ordinal = %s",
                [(code, reason[:300], intake, ordinal) for ordinal, code, reason in rejected],
            )
        cursor.execute(
            "UPDATE store_intakeitem SET state = 'sealed' WHERE intake_id = %s"
            " AND ordinal BETWEEN %s AND %s AND state = 'offered'",
            [intake, first, last],
        )


def results(intake: int) -> Iterator[ResultRow]:
    """What became of every item of the intake, in the order of the census."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.ordinal, i.path, i.code, i.reason, x.id, x.size, x.sha256, x.blake3"
            " FROM store_intakeitem i LEFT JOIN store_exhibit x"
            " ON x.intake_id = i.intake_id AND x.n = i.ordinal"
            " WHERE i.intake_id = %s ORDER BY i.ordinal",
            [intake],
        )
        while rows := cursor.fetchmany(MAX_ROWS):
            yield from map(ResultRow._make, rows)


def files_of(intake: int) -> Iterator[tuple[bytes, str]]:
    """Path and rejection code of every item of the census that is no member of an archive."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT path, code, container FROM store_intakeitem WHERE intake_id = %s"
            " ORDER BY ordinal",
            [intake],
        )
        while rows := cursor.fetchmany(MAX_ROWS):
            yield from ((bytes(path), code) for path, code, container in rows if not container)


def forget_census(intake: int) -> None:
    """The items of a census that was broken off are gone; nothing of them was read yet."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM store_intakeitem WHERE intake_id = %s", [intake])
