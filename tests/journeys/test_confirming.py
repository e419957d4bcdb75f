"""Confirming a log: two persons answer for it, each with their own key."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import AccessDenied, InvalidInput
from tests.fakes.witness import Neighbour, neighbour, settled
from tests.journeys.test_logkeeping import closed

if TYPE_CHECKING:
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node

__all__ = ["neighbour", "settled"]


def test_two_persons_may_confirm_what_no_witness_can(
    node: Node, actor: Actor, neighbour: Neighbour
) -> None:
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.confirming import confirm_log
    from svitlo.node.journeys.logkeeping import close_epoch
    from svitlo.node.journeys.vault_keys import add_person
    from svitlo.store.models import Statement

    second = actor_of(node, person=add_person(node, actor, "Second officer"))
    node = neighbour.witnessing(node)
    with pytest.raises(InvalidInput, match="nothing to confirm"):
        confirm_log(node, actor, second, reason="no need")
    shutil.rmtree(neighbour.folder)
    assert not closed(node).is_signed

    with pytest.raises(AccessDenied, match="two different persons"):
        confirm_log(node, actor, actor, reason="the witness is closed")
    confirm_log(node, actor, second, reason="the witness is closed")
    head = close_epoch(node, is_confirmed=True)

    said = [row.value for row in Statement.objects.filter(type="peer.override")]
    assert head.is_signed
    assert {one.actor for one in said} == {actor.person, second.person}
    assert all(one.sig for one in said)
