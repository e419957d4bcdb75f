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
