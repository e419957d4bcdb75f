"""Units: one transaction, one lock, and no write to the record outside of them."""

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from svitlo.errors import StorageError
from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from svitlo.store import writing
from svitlo.store.writing import MAX_ROWS, in_units, is_unit_open, unit


def make_intake(ident: str) -> None:
    from svitlo.store.models import Intake

    Intake.objects.create(
        ident=ident, request="r", case="c", actor="p", started_at="2022-11-29T09:15:00Z"
    )


def intakes() -> int:
    from svitlo.store.models import Intake

    return Intake.objects.count()


def test_a_unit_keeps_what_was_written(node: Node) -> None:
    with unit():
        make_intake("i-1")

    assert intakes() == 1


def test_a_unit_that_fails_leaves_nothing(node: Node) -> None:
    with suppress(KeyError), unit():
        make_intake("i-1")
        raise KeyError

    assert intakes() == 0


def test_units_do_not_nest(node: Node) -> None:
    with unit(), pytest.raises(StorageError, match="do not nest"), unit():
        pass


def test_a_unit_may_follow_one_that_failed(node: Node) -> None:
    with pytest.raises(KeyError), unit():
        raise KeyError

    assert not is_unit_open()
    with unit():
        assert is_unit_open()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO store_subject (name, statement_id) VALUES ('x', 1)",
        "INSERT INTO \"store_subject\" (name, statement_id) VALUES ('x', 1)",
        "insert or ignore into store_subject (name, statement_id) VALUES ('x', 1)",
        "REPLACE INTO store_subject (name, statement_id) VALUES ('x', 1)",
        "UPDATE store_intake SET state = 'open'",
        "UPDATE OR IGNORE store_intake SET state = 'open'",
        "DELETE FROM store_pending",
        "  \n DELETE FROM store_pending",
        "WITH old AS (SELECT 1) DELETE FROM store_pending",
        "/* a remark */ DELETE FROM store_pending",
        "-- a remark\nDELETE FROM main.store_pending",
    ],
)
def test_a_write_outside_a_unit_is_refused(node: Node, sql: str) -> None:
    with (
        pytest.raises(StorageError, match="outside a unit"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_the_orm_is_refused_outside_a_unit_too(node: Node) -> None:
    with pytest.raises(StorageError, match="store_intake outside a unit"):
        make_intake("i-1")


def test_many_rows_are_refused_outside_a_unit_too(node: Node) -> None:
    with pytest.raises(StorageError, match="outside a unit"), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO store_subject (name, statement_id) VALUES (%s, %s)", [("x", 1), ("y", 1)]
        )


def test_reading_needs_no_unit(node: Node) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM store_statement WHERE type = 'DELETE FROM store_x'")
        assert cursor.fetchone() == (0,)


def test_logins_write_at_any_time(node: Node) -> None:
    from svitlo.store.models import Account

    Account.objects.create(username="officer")

    assert Account.objects.count() == 1


def test_what_the_database_refuses_is_told_in_words(node: Node) -> None:
    with pytest.raises(StorageError, match="the database could not be written"), unit():
        raise OperationalError("database or disk is full")


def test_a_second_writer_waits_for_the_lock(node: Node) -> None:
    with unit():
        opened = os.open(node.folder / "run" / "write.lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(opened)


def test_rows_come_in_units_of_256_in_order() -> None:
    parts = list(in_units(range(600)))

    assert [len(part) for part in parts] == [256, 256, 88]
    assert [row for part in parts for row in part] == list(range(600))
    assert list(in_units([])) == []


MAX_UNIT_S = 0.1
"""The design's limit; the median of many units is held to it, since a busy machine may pause."""


def test_no_unit_of_an_intake_is_large_or_slow(
    node: Node, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    folder = node.folder.parent / "in"
    folder.mkdir()
    for number in range(600):
        (folder / f"{number}").write_bytes(b"%d" % number)
    units = Units(monkeypatch)

    with connection.execute_wrapper(units.count):
        take_in(node, actor, Offer(paths=(bytes(folder),)))

    assert 0 < max(max(rows.values(), default=0) for rows, _ in units.seen) <= MAX_ROWS
    times = sorted(spent for _, spent in units.seen)
    assert times[len(times) // 2] < MAX_UNIT_S


class Units:
    """Of every unit that follows: how many rows it put in each table, and its seconds."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[Counter[str], float]] = []
        self._rows: Counter[str] = Counter()
        self._lock = writing._write_lock  # noqa: SLF001 - the one place that every unit passes
        patch.setattr(writing, "_write_lock", self._timed)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        with self._lock():
            self._rows = Counter()
            began = time.monotonic()
            yield
            self.seen.append((self._rows, time.monotonic() - began))

    def count(self, execute: Any, sql: str, params: Any, *more: Any) -> Any:
        """Django's execute wrapper: counts the rows that are put in a table."""
        if is_unit_open() and sql.startswith("INSERT INTO store_"):
            is_many = more[0]
            self._rows[sql.split()[2]] += (sql.count("),(") + 1) * (len(params) if is_many else 1)
        return execute(sql, params, *more)
