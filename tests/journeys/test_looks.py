"""Looks that find nothing are written down too."""

import pytest

from svitlo.errors import NotFound
from svitlo.node.acting import Actor
from svitlo.node.opening import Node


def test_a_look_at_what_is_not_there_is_written_down(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.reading import show_exhibits
    from svitlo.store.models import Statement

    with pytest.raises(NotFound):
        show_exhibits(node, actor, ["x-01gk1ap2h0000g40r40m30e209"])

    (refusal,) = Statement.objects.filter(type="denied.exhibit")
    assert refusal.value.subject == ("x-01gk1ap2h0000g40r40m30e209",)
    assert refusal.value.body["act"] == "view"


def test_the_head_of_the_looks_is_stated_though_a_kill_came_between(
    node: Node, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.audit import note_read
    from svitlo.node.journeys import logkeeping
    from svitlo.record.custody import Event
    from svitlo.store.models import Statement

    note_read(node, actor, Event.SEARCH, [])
    with monkeypatch.context() as patched:
        patched.setattr(logkeeping, "_state_audit_head", lambda *_: killed())
        with pytest.raises(KeyboardInterrupt):
            logkeeping.close_epoch(node)
    logkeeping.close_epoch(node)

    heads = [row.value.body for row in Statement.objects.filter(type="audit.head")]
    assert heads[-1]["size"] == node.log(node.audit).size()


def killed() -> None:
    raise KeyboardInterrupt
