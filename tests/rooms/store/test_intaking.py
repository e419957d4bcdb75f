"""Rows of an intake: what waits, what is sealed, what was rejected, each once and in order."""

import pytest
from django.db import IntegrityError

from svitlo.errors import StorageError
from svitlo.node.opening import Node
from svitlo.store.intaking import (
    ItemRow,
    add_blob,
    add_items,
    forget_census,
    mark_items,
    results,
    waiting_items,
)
from svitlo.store.models import Blob, BlobHeader, Intake, IntakeItem
from svitlo.store.writing import unit


def item(ordinal: int, code: str = "", reason: str = "") -> ItemRow:
    return ItemRow(ordinal, b"\xff%d" % ordinal, 7, -1, code, reason, b"", -1)


@pytest.fixture
def intake(node: Node) -> int:
    with unit():
        row = Intake.objects.create(
            ident="i-1", request="r", case="c", actor="p", started_at="2022-11-29T09:15:00Z"
        )
    return int(row.pk)


def census(intake: int, *rows: ItemRow) -> None:
    with unit():
        add_items(intake, rows)


def ordinals(rows: list[ItemRow]) -> list[int]:
    return [row.ordinal for row in rows]


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 256])
def test_as_many_rows_stand_in_the_census_as_were_offered(intake: int, count: int) -> None:
    rows = [item(number) for number in range(count)]

    census(intake, *rows)

    assert waiting_items(intake, -1, 1000) == rows


def test_items_wait_page_by_page(intake: int) -> None:
    census(intake, *map(item, range(10)))

    assert ordinals(waiting_items(intake, -1, 4)) == [0, 1, 2, 3]
    assert ordinals(waiting_items(intake, 3, 4)) == [4, 5, 6, 7]
    assert ordinals(waiting_items(intake, 9, 4)) == []


def test_what_the_census_rejected_does_not_wait(intake: int) -> None:
    census(intake, item(0), item(1, "symlink", "a link"), item(2))

    assert ordinals(waiting_items(intake, -1, 10)) == [0, 2]
    assert [(row.code, row.reason) for row in results(intake)] == [
        ("", ""),
        ("symlink", "a link"),
        ("", ""),
    ]


def test_items_are_marked_up_to_the_last_and_not_beyond(intake: int) -> None:
    census(intake, *map(item, range(5)))

    with unit():
        mark_items(intake, 0, 2, [(1, "vanished", "it is gone")])

    states = IntakeItem.objects.order_by("ordinal").values_list("state", flat=True)
    assert list(states) == ["sealed", "rejected", "sealed", "offered", "offered"]
    assert ordinals(waiting_items(intake, -1, 10)) == [3, 4]


def test_what_was_rejected_stays_so(intake: int) -> None:
    census(intake, item(0, "symlink", "a link"), item(1))

    with unit():
        mark_items(intake, 0, 1, [])

    assert [row.code for row in results(intake)] == ["symlink", ""]


def test_a_long_reason_is_cut(intake: int) -> None:
    census(intake, item(0, "unreadable", "x" * 1000), item(1))
    with unit():
        mark_items(intake, 1, 1, [(1, "unreadable", "y" * 1000)])

    assert [len(row.reason) for row in results(intake)] == [300, 300]


@pytest.mark.parametrize(
    ("state", "code"),
    [("sealed", "vanished"), ("offered", "vanished"), ("rejected", ""), ("x", "")],
)
def test_an_item_has_a_code_when_it_was_rejected_and_only_then(
    intake: int, state: str, code: str
) -> None:
    census(intake, item(0))

    with pytest.raises(IntegrityError, match="intake_item_state"), unit():
        IntakeItem.objects.filter(intake=intake).update(state=state, code=code)


def test_an_item_stands_once_in_the_census(intake: int) -> None:
    census(intake, item(0))

    with pytest.raises(IntegrityError):
        census(intake, item(0))


def test_a_census_can_be_taken_again(intake: int) -> None:
    census(intake, item(0), item(1))

    with unit():
        forget_census(intake)
    census(intake, item(0))

    assert ordinals(waiting_items(intake, -1, 10)) == [0]


def test_a_body_has_its_header_beside_it(node: Node) -> None:
    with unit():
        number = add_blob("a" * 64, 7, b"header", is_segment=True, case="c", to="t")

    assert Blob.objects.get(pk=number).is_segment
    assert bytes(BlobHeader.objects.get(blob_id=number).header) == b"header"


def test_two_bodies_never_share_a_name(node: Node) -> None:
    with unit():
        add_blob("a" * 64, 7, b"h", is_segment=True, case="c", to="t")

    with pytest.raises(IntegrityError), unit():
        add_blob("a" * 64, 7, b"h", is_segment=False, case="c", to="t")


def test_rows_are_written_in_units_only(intake: int) -> None:
    with pytest.raises(StorageError, match="outside a unit"):
        add_items(intake, [item(0)])
    with pytest.raises(StorageError, match="outside a unit"):
        mark_items(intake, 0, 0, [])
    with pytest.raises(StorageError, match="outside a unit"):
        forget_census(intake)
