"""Holds: they block disposal for everybody, and only who placed one releases it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from svitlo.errors import AccessDenied, Held, InvalidInput, NotFound
from tests.fakes.office import Office, exhibit_of, make_office, stated

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


@pytest.fixture
def office(node: Node) -> Office:
    return make_office(node)


@pytest.fixture
def ids(office: Office, tmp_path: Path) -> list[str]:
    return office.seal(tmp_path / "in", {"a": b"first", "b": b"second"}, case="substation")


def test_a_hold_is_signed_and_says_why(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.holding import place_holds

    (hold,) = place_holds(office.node, office.alice, ids[:1], reason="the court asked for it")

    assert (hold.subject, hold.placed_by) == (ids[0], office.alice.person)
    assert (hold.reason, hold.released_at) == ("the court asked for it", None)
    statement = stated("hold")[0].value
    assert statement.sig is not None
    assert (statement.basis, statement.actor) == ("led.8", office.alice.person)


@pytest.mark.parametrize("kind", ["exhibit", "intake", "case"])
def test_a_hold_of_any_kind_blocks_disposal_for_everyone(
    office: Office, ids: list[str], kind: str
) -> None:
    from svitlo.node.journeys.disposal import propose
    from svitlo.node.journeys.holding import place_holds

    intake = exhibit_of(ids[0]).intake.ident
    subject = {"exhibit": ids[0], "intake": intake, "case": "case:substation"}[kind]
    (hold,) = place_holds(office.node, office.chiara, [subject], reason="trial")

    for actor in (office.alice, office.bohdan, office.chiara):
        with pytest.raises(Held, match=hold.id):
            propose(office.node, actor, [ids[0]], ground="retention", authority="File plan")

    refused = stated("denied")
    assert [row.value.actor for row in refused] == [
        office.alice.person,
        office.bohdan.person,
        office.chiara.person,
    ]


def test_a_hold_placed_after_the_approval_stops_the_disposal(
    office: Office, ids: list[str]
) -> None:
    from svitlo.node.journeys.disposal import dispose
    from svitlo.node.journeys.holding import place_holds

    office.decided(ids[:1])
    place_holds(office.node, office.chiara, ids[:1], reason="appeal")

    with pytest.raises(Held):
        dispose(office.node, office.alice, ids[:1])

    assert exhibit_of(ids[0]).state == "sealed"


def test_only_who_placed_it_releases_a_hold(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.holding import place_holds, release_holds

    (hold,) = place_holds(office.node, office.alice, ids[:1], reason="trial")

    with pytest.raises(AccessDenied, match=office.alice.person):
        release_holds(office.node, office.bohdan, [hold.id], reason="over")
    (released,) = release_holds(office.node, office.alice, [hold.id], reason="over")

    assert released.released_at
    assert stated("denied")[0].value.body["act"] == "release"
    assert stated("release")[0].value.sig is not None


def test_a_released_hold_blocks_nothing_and_is_released_once(
    office: Office, ids: list[str]
) -> None:
    from svitlo.node.journeys.disposal import propose
    from svitlo.node.journeys.holding import list_holds, place_holds, release_holds

    (hold,) = place_holds(office.node, office.alice, ["case:substation"], reason="trial")
    release_holds(office.node, office.alice, [hold.id], reason="over")

    propose(office.node, office.bohdan, ids[:1], ground="retention", authority="File plan")
    with pytest.raises(InvalidInput, match="released already"):
        release_holds(office.node, office.alice, [hold.id], reason="again")
    assert list_holds(office.node, office.alice) == []
    assert [h.id for h in list_holds(office.node, office.alice, is_all=True)] == [hold.id]


@pytest.mark.parametrize(
    "subject", ["x-01gk1ap2h0000g40r40m30e209", "i-01gk1ap2h0000g40r40m30e209", "case:typo"]
)
def test_a_hold_on_what_is_not_there_is_refused(office: Office, subject: str) -> None:
    from svitlo.node.journeys.holding import place_holds

    with pytest.raises(NotFound, match="protect nothing"):
        place_holds(office.node, office.alice, [subject], reason="trial")


@pytest.mark.parametrize("subject", ["photo.jpg", "h-01gk1ap2h0000g40r40m30e209", ""])
def test_what_is_no_subject_of_a_hold_is_refused(office: Office, subject: str) -> None:
    from svitlo.node.journeys.holding import place_holds

    with pytest.raises(InvalidInput):
        place_holds(office.node, office.alice, [subject], reason="trial")


def test_a_hold_needs_a_reason_and_a_key(office: Office, ids: list[str]) -> None:
    from dataclasses import replace

    from svitlo.node.journeys.holding import place_holds

    with pytest.raises(InvalidInput, match="reason"):
        place_holds(office.node, office.alice, ids, reason=" ")
    with pytest.raises(AccessDenied):
        place_holds(office.node, replace(office.alice, signer=None), ids, reason="trial")


def test_looking_at_holds_is_written_down(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.holding import list_holds, place_holds

    place_holds(office.node, office.alice, ids, reason="trial")
    list_holds(office.node, office.bohdan)

    look = stated("search")[-1].value
    assert (look.actor, list(look.subject)) == (office.bohdan.person, ids)
