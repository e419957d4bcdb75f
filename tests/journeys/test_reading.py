"""Reading: nothing is listed, shown or copied before it is written down who looks."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from svitlo.errors import AgeError, DigestMismatch, InvalidInput, NotFound
from svitlo.node.acting import Actor
from svitlo.node.journeys.logkeeping import close_epoch
from svitlo.node.journeys.reading import (
    chosen,
    copy_exhibits,
    custody_of,
    list_exhibits,
    proof_of,
    show_exhibits,
)
from svitlo.node.opening import Node
from svitlo.record.statement import Statement
from svitlo.store.models import Exhibit
from svitlo.store.models import Statement as Row
from tests.fakes.offers import folder_of, taken

NOWHERE = "x-01gk1ap2h0000g40r40m30e209"


@pytest.fixture
def ids(node: Node, actor: Actor, tmp_path: Path) -> list[str]:
    """Five exhibits, in the order of their arrival."""
    taken(node, actor, folder_of(tmp_path / "in", {b"f%d" % n: b"%d" % n * 40 for n in range(5)}))
    return list(Exhibit.objects.order_by("seq").values_list("ident", flat=True))


def last() -> Statement:
    return Row.objects.order_by("-seq")[0].value


def test_pages_go_from_the_newest_to_the_oldest(node: Node, actor: Actor, ids: list[str]) -> None:
    first = list_exhibits(node, actor, limit=2)
    second = list_exhibits(node, actor, limit=2, after=first.after)
    third = list_exhibits(node, actor, limit=2, after=second.after)

    pages = [first, second, third]
    assert [row.ident for page in pages for row in page.exhibits] == ids[::-1]
    assert [page.after is None for page in pages] == [False, False, True]


def test_a_full_last_page_has_none_after_it(node: Node, actor: Actor, ids: list[str]) -> None:
    assert list_exhibits(node, actor, limit=5).after is None


def test_a_list_is_written_down(node: Node, actor: Actor, ids: list[str]) -> None:
    list_exhibits(node, actor, limit=2)

    assert (last().type, list(last().subject)) == ("search.exhibits", ids[:-3:-1])


def test_a_list_takes_few_queries(node: Node, actor: Actor, ids: list[str]) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        for exhibit in list_exhibits(node, actor).exhibits:
            assert exhibit.intake.ident

    assert len(queries) <= 12


def test_a_look_is_written_down(node: Node, actor: Actor, ids: list[str]) -> None:
    assert [row.ident for row in show_exhibits(node, actor, ids[:2])] == ids[:2]
    assert (last().type, list(last().subject)) == ("read.view", ids[:2])


def test_a_look_at_what_is_not_there_is_written_down_as_refused(node: Node, actor: Actor) -> None:
    with pytest.raises(NotFound, match="no exhibit"):
        show_exhibits(node, actor, [NOWHERE])

    assert last().type == "denied.exhibit"
    assert last().subject == (NOWHERE,)


def test_exhibits_come_as_they_were_asked_for_each_once(node: Node, ids: list[str]) -> None:
    asked = [ids[3], ids[0], ids[3]]

    assert [row.ident for row in chosen(asked, is_all=False)] == [ids[3], ids[0]]
    assert [row.ident for row in chosen([], is_all=True)] == ids


@pytest.mark.parametrize(("words", "is_all"), [([], False), ([NOWHERE], True)])
def test_either_some_or_all_are_named(node: Node, words: list[str], *, is_all: bool) -> None:
    with pytest.raises(InvalidInput, match="--all"):
        chosen(words, is_all=is_all)


@pytest.mark.parametrize("word", ["", "x-1", NOWHERE.upper(), NOWHERE[2:], f"i-{NOWHERE[2:]}"])
def test_what_is_no_identifier_is_refused(node: Node, word: str) -> None:
    with pytest.raises(InvalidInput, match="identifier"):
        chosen([word], is_all=False)


def test_custody_holds_every_event_in_order(node: Node, actor: Actor, ids: list[str]) -> None:
    show_exhibits(node, actor, [ids[0]])
    list(copy_exhibits(node, actor, [ids[0]], node.folder.parent / "work"))

    told = [
        statement.body.get("event", statement.type)
        for statement in custody_of(Exhibit.objects.get(ident=ids[0]))
    ]

    assert told == ["receive", "exhibit.sealed", "seal", "intake.batch", "view", "copy"]


def test_an_exhibit_says_where_it_stands_in_the_log(
    node: Node, actor: Actor, ids: list[str]
) -> None:
    (exhibit,) = chosen(ids[:1], is_all=False)

    proof = proof_of(exhibit)

    assert proof["state"] == "signed"
    assert proof["log"] == node.spine
    assert proof["index"] < proof["size"]
    assert proof["signatures"] == 2
    assert proof["note"] == "integrity and time, not truth"
    close_epoch(node)
    assert proof_of(exhibit)["size"] == proof["size"], "the first checkpoint that has it is named"


CONTENTS = {b"small": b"s" * 10, b"empty": b"", b"large": os.urandom(150_000)}


@pytest.fixture
def sizes(node: Node, actor: Actor, tmp_path: Path) -> dict[str, bytes]:
    """The bytes of a small, an empty and a large exhibit, by identifier."""
    limited = replace(node, settings=replace(node.settings, segment_member_max=100))
    taken(limited, actor, folder_of(tmp_path / "in", CONTENTS))
    return {
        row.ident: CONTENTS[bytes(row.path).rpartition(b"/")[2]] for row in Exhibit.objects.all()
    }


def test_working_copies_are_the_bytes_that_were_sealed(
    node: Node, actor: Actor, sizes: dict[str, bytes]
) -> None:
    target = node.folder.parent / "new" / "work"

    paths = list(copy_exhibits(node, actor, list(sizes), target))

    assert [path.name for path in paths] == list(sizes)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == sizes
    assert (last().body["event"], set(last().subject)) == ("copy", set(sizes))


def test_nothing_is_overwritten_by_a_copy(
    node: Node, actor: Actor, sizes: dict[str, bytes]
) -> None:
    target = node.folder.parent / "work"
    target.mkdir()
    ident = next(iter(sizes))
    (target / ident).write_bytes(b"notes")

    with pytest.raises(InvalidInput, match="there already"):
        list(copy_exhibits(node, actor, [ident], target))

    assert (target / ident).read_bytes() == b"notes"
    assert "copy" not in [row.value.body.get("event") for row in Row.objects.all()]


def test_a_copy_of_damaged_bytes_does_not_stay(
    node: Node, actor: Actor, sizes: dict[str, bytes]
) -> None:
    target = node.folder.parent / "work"
    large = next(ident for ident, content in sizes.items() if len(content) > 100_000)
    name = Exhibit.objects.get(ident=large).blob.name
    path = node.folder / "objects" / name[:2] / name
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises((AgeError, DigestMismatch)):
        list(copy_exhibits(node, actor, [large], target))

    assert list(target.iterdir()) == []
