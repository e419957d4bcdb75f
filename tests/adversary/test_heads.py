"""Who restores an old database also removes what would give it away."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import LogStateError
from svitlo.node.opening import open_node
from tests.conftest import release
from tests.journeys.test_checking import codes, examined
from tests.journeys.test_logkeeping import closed, state

if TYPE_CHECKING:
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node


def without_heads(node: Node) -> None:
    for path in (node.folder / "heads").iterdir():
        path.unlink()


def restored(node: Node, actor: Actor) -> Node:
    """The node with the database of yesterday, when more was signed today."""
    release()
    for path in node.folder.glob("svitlo.db*"):
        shutil.copy(path, node.folder.parent)
    node = open_node(node.folder)
    state(node, actor, 70)
    closed(node)
    release()
    for path in node.folder.glob("svitlo.db*"):
        path.unlink()
    for path in node.folder.parent.glob("svitlo.db*"):
        shutil.copy(path, node.folder)
    return open_node(node.folder)


def test_an_old_database_signs_nothing(node: Node, actor: Actor) -> None:
    old = restored(node, actor)
    state(old, actor, 3)

    with pytest.raises(LogStateError, match="behind"):
        closed(old)


def test_an_old_database_without_its_head_signs_nothing(node: Node, actor: Actor) -> None:
    old = restored(node, actor)
    without_heads(old)
    state(old, actor, 3)

    head = closed(old)

    assert not head.is_signed
    assert "is gone" in head.remarks[0]
    assert "head" in codes(examined(old))
    assert not list((old.folder / "heads").glob("[0-9a-f]*[0-9a-f]"))


def test_two_officers_let_a_log_without_its_head_go_on(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.logkeeping import close_epoch

    without_heads(node)
    state(node, actor, 3)
    assert not closed(node).is_signed

    head = close_epoch(node, is_confirmed=True)

    assert head.is_signed
    assert closed(node).is_signed
    assert examined(node).holds
