"""Evidence is append-only: the database itself refuses to change it, also inside a unit."""

import pytest
from django.db import IntegrityError, connection

from svitlo.node.opening import Node
from svitlo.store.models import Statement
from svitlo.store.writing import unit


def attempt(sql: str) -> None:
    first = str(Statement.objects.order_by("seq").values_list("seq", flat=True)[0])
    with unit(), connection.cursor() as cursor:
        cursor.execute(sql.replace("{first}", first))


def rows(table: str) -> list[tuple[object, ...]]:
    statements = {
        "entry": 'SELECT * FROM store_entry ORDER BY log_id, "index"',
        "statement": (
            "SELECT seq, id, log_id, type, at, salt, text, state FROM store_statement ORDER BY seq"
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[table])
        return list(cursor.fetchall())


ENTRY = 'INTO store_entry (log_id, "index", entry) VALUES'
STATEMENT = "INTO store_statement (seq, id, log_id, type, at, salt, text, state) VALUES"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE store_entry SET entry = x'01'",
        'UPDATE store_entry SET "index" = "index" + 1000',
        "UPDATE store_entry SET statement_id = NULL",
        "DELETE FROM store_entry",
        'DELETE FROM store_entry WHERE "index" = 0',
        f"REPLACE {ENTRY} (1, 0, x'02')",
        f"INSERT OR REPLACE {ENTRY} (1, 1, x'02')",
        'UPDATE OR REPLACE store_entry SET "index" = 0 WHERE "index" = 1',
    ],
)
def test_an_entry_is_never_changed_or_deleted(node: Node, sql: str) -> None:
    before = rows("entry")

    with pytest.raises(IntegrityError, match="append-only"):
        attempt(sql)

    assert rows("entry") == before


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM store_statement",
        "UPDATE store_statement SET text = x'7b7d'",
        "UPDATE store_statement SET salt = x'00'",
        "UPDATE store_statement SET at = '2000-01-01T00:00:00Z'",
        "UPDATE store_statement SET type = 'x.y', state = 'restricted'",
        "UPDATE store_statement SET text = x'7b7d', state = 'restricted'",
        "UPDATE store_statement SET text = x'', state = 'erased'",
        "UPDATE store_statement SET text = x'', salt = x'', state = 'active'",
        "UPDATE store_statement SET seq = seq + 1000, state = 'restricted'",
        f"REPLACE {STATEMENT} ({{first}}, 'new', 1, 'x.y', '', x'', x'', 'active')",
    ],
)
def test_a_statement_is_never_changed_or_deleted(node: Node, sql: str) -> None:
    before = rows("statement")

    with pytest.raises(IntegrityError, match=r"append-only|only ever erased"):
        attempt(sql)

    assert rows("statement") == before


def test_erasure_empties_salt_and_text_and_says_so(node: Node) -> None:
    attempt(
        "UPDATE store_statement SET salt = x'', text = x'', state = 'erased' WHERE seq = {first}"
    )

    assert rows("statement")[0][-3:] == (b"", b"", "erased")


def test_what_is_erased_stays_so(node: Node) -> None:
    attempt(
        "UPDATE store_statement SET salt = x'', text = x'', state = 'erased' WHERE seq = {first}"
    )

    with pytest.raises(IntegrityError, match="only ever erased"):
        attempt("UPDATE store_statement SET state = 'restricted' WHERE seq = {first}")


def test_a_statement_may_be_restricted(node: Node) -> None:
    before = rows("statement")[0]

    attempt("UPDATE store_statement SET state = 'restricted' WHERE seq = {first}")

    assert rows("statement")[0] == (*before[:-1], "restricted")
