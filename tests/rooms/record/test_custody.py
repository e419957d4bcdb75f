"""Custody events carry who, why and what came of it, and none may pass for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import StatementError
from svitlo.record.custody import (
    EVENT,
    NAMED,
    READS,
    SIGNED,
    Event,
    event_body,
    subjects_in_parts,
    type_of,
)
from svitlo.record.statement import LogKind, log_of


@pytest.mark.parametrize("event", list(Event))
def test_reads_go_to_the_audit_log_and_the_rest_to_the_spine(event: Event) -> None:
    expected = LogKind.AUDIT if event in READS else LogKind.SPINE

    assert log_of(type_of(event)) is expected


def test_an_export_is_an_event_of_the_spine() -> None:
    assert type_of(Event.EXPORT) == EVENT
    assert log_of(EVENT) is LogKind.SPINE


def test_what_disposes_of_rights_is_signed() -> None:
    assert {Event.HOLD, Event.RELEASE, Event.EXPORT, Event.DISPOSE} == SIGNED


def body(**extra: object) -> dict[str, object]:
    return event_body(
        Event.VERIFY,
        purpose="fixity",
        what="exhibit",
        result="intact",
        version="1.0",
        extra=extra,
    )


def test_every_event_says_what_why_and_with_which_tool() -> None:
    assert body(method="full") == {
        "event": "verify",
        "purpose": "fixity",
        "object": "exhibit",
        "result": "intact",
        "tool": "svitlo",
        "version": "1.0",
        "method": "full",
    }


@pytest.mark.parametrize("member", sorted(NAMED))
def test_no_event_may_pass_for_another(member: str) -> None:
    with pytest.raises(StatementError, match=member):
        body(**{member: "other"})


@given(st.lists(st.text(max_size=3), max_size=30), st.integers(1, 10))
def test_every_exhibit_is_named_in_order(ids: list[str], size: int) -> None:
    parts = subjects_in_parts(ids, size)

    assert [ident for part in parts for ident in part] == ids
    assert all(len(part) <= size for part in parts)
    assert len(parts) == max(1, -(-len(ids) // size))
