"""Nothing is shown before it is written down who looks, why and at what."""

import hashlib

import pytest

from svitlo.errors import AccessDenied, StorageError
from svitlo.node.acting import Actor, actor_of
from svitlo.node.asserting import Happening, custody_statement
from svitlo.node.audit import MAX_NAMED, note_read, note_refusal, record
from svitlo.node.opening import Node
from svitlo.record.custody import Event
from svitlo.record.statement import Statement
from svitlo.store.models import Pending, Subject
from svitlo.store.models import Statement as Row

ULID = "01gk1ap2h0000g40r40m30e209"


def last() -> Statement:
    return Row.objects.order_by("-seq")[0].value


def test_a_read_says_who_why_and_what(node: Node, actor: Actor) -> None:
    note_read(node, actor, Event.VIEW, [f"x-{ULID}"])

    said = last()
    assert (said.type, said.actor, said.basis) == ("read.view", actor.person, "led.8")
    assert said.subject == (f"x-{ULID}",)
    assert said.body["purpose"] == "preservation"
    assert said.body["count"] == 1
    assert said.sig is not None


def test_it_waits_in_the_audit_log_and_is_found_by_its_subject(node: Node, actor: Actor) -> None:
    note_read(node, actor, Event.VIEW, [f"x-{ULID}"])

    row = Row.objects.order_by("-seq")[0]
    assert row.log_id == node.log(node.audit).log_id
    assert Pending.objects.filter(statement=row).count() == 1
    assert Subject.objects.filter(name=f"x-{ULID}", statement=row).exists()


def test_many_are_counted_and_digested(node: Node, actor: Actor) -> None:
    ids = [f"x-{number}" for number in range(MAX_NAMED + 1)]

    note_read(node, actor, Event.SEARCH, ids)

    said = last()
    assert said.subject == ()
    assert said.body["count"] == MAX_NAMED + 1
    assert said.body["list"] == hashlib.sha256("\n".join(ids).encode()).hexdigest()


def test_a_hundred_are_named(node: Node, actor: Actor) -> None:
    note_read(node, actor, Event.SEARCH, ["x"] * MAX_NAMED)

    assert len(last().subject) == MAX_NAMED


def test_a_search_without_hits_is_written_down_too(node: Node, actor: Actor) -> None:
    note_read(node, actor, Event.SEARCH, [], result="listed")

    assert last().body["count"] == 0
    assert "list" not in last().body


def test_a_refusal_says_what_was_asked_and_why_not(node: Node, actor: Actor) -> None:
    error = AccessDenied("no " * 1000)

    note_refusal(node, actor, [f"x-{ULID}"] * 500, act="copy", error=error)

    said = last()
    assert (said.type, said.body["result"], said.body["act"]) == (
        "denied.exhibit",
        "refused",
        "copy",
    )
    assert said.body["count"] == 500
    assert len(said.body["reason"]) <= 500


def test_the_words_of_a_code_that_needs_them_are_kept(node: Node) -> None:
    actor = actor_of(node, purpose="other", note="at the request of the family")

    note_read(node, actor, Event.VIEW, [])

    assert last().body["note"] == "at the request of the family"


def test_statements_of_both_logs_stand_in_one_unit(node: Node, actor: Actor) -> None:
    happenings = [
        Happening(event=event, subject=[], what="exhibit", result="ok")
        for event in (Event.VIEW, Event.COPY, Event.SEARCH)
    ]
    before = Row.objects.count()

    record(node, *(custody_statement(node, actor, happening) for happening in happenings))

    logs = list(Row.objects.order_by("seq").values_list("log__kind", flat=True))[before:]
    assert sorted(logs) == ["audit", "audit", "spine"]


def test_where_it_cannot_be_written_nothing_is_shown(
    node: Node, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node import audit
    from svitlo.node.journeys.reading import list_exhibits

    def full(*_: object) -> None:
        raise StorageError("the database could not be written")

    monkeypatch.setattr(audit, "append_to_log", full)

    with pytest.raises(StorageError):
        list_exhibits(node, actor)


def test_who_has_no_key_here_makes_no_event_that_needs_one(node: Node, actor: Actor) -> None:
    stranger = Actor(person=f"p-{ULID}", purpose=actor.purpose, signer=None)
    hold = Happening(event=Event.HOLD, subject=[], what="exhibit", result="held")
    view = Happening(event=Event.VIEW, subject=[], what="exhibit", result="shown")

    with pytest.raises(AccessDenied, match="needs the key"):
        custody_statement(node, stranger, hold)
    assert custody_statement(node, stranger, view).sig is None
