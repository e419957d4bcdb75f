"""Rotating keys: the log stays the same log, and both generations vouch for it for a while."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import SettingsError
from svitlo.seal.note import open_note, parse_note, parse_vkey
from svitlo.seal.signature import verifier
from tests.fakes.witness import Neighbour, neighbour, settled
from tests.journeys.test_logkeeping import closed, state

if TYPE_CHECKING:
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node

__all__ = ["neighbour", "settled"]


def spine_vkeys(node: Node) -> list[str]:
    from svitlo.node.journeys.rotation import vkeys_of

    return [line for line in vkeys_of(node) if line.startswith(f"{node.spine}+")]


def test_old_and_new_keys_sign_in_the_overlap(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.rotation import rotate

    old = spine_vkeys(node)
    rotated = rotate(node, actor)

    head = closed(node)

    assert len(parse_note(head.note).signatures) == 4
    for line in (*old, *rotated[0].vkeys):
        open_note(head.note, [verifier(parse_vkey(line))])


def test_the_log_itself_names_the_new_keys(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.rotation import rotate
    from svitlo.store.models import Entry

    rotated = rotate(node, actor)
    closed(node)

    entries = Entry.objects.filter(log__origin=node.spine, statement__isnull=True)
    controls = [json.loads(bytes(e.entry)[1:]) for e in entries if bytes(e.entry)[:1] == b"\x02"]
    assert [record["type"] for record in controls] == ["control.genesis", "control.key"]
    assert controls[1]["keys"] == list(rotated[0].vkeys)


def test_after_the_overlap_only_the_new_keys_sign_and_old_checkpoints_still_verify(
    node: Node, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.checking import examine_log
    from svitlo.node.journeys.rotation import rotate
    from svitlo.node.opening import Node as Opened

    old = {parse_vkey(line).key_id for line in spine_vkeys(node)}
    rotate(node, actor)
    closed(node)
    later = node.now() + timedelta(days=31)
    monkeypatch.setattr(Opened, "now", lambda _: later)
    state(node, actor, 1)

    head = closed(node)

    assert not old & {line.key_id for line in parse_note(head.note).signatures}
    assert examine_log(node, node.spine).holds


def test_a_witness_that_knows_the_old_key_cosigns_in_the_overlap(
    node: Node, actor: Actor, neighbour: Neighbour
) -> None:
    from svitlo.node.journeys.rotation import rotate

    node = neighbour.witnessing(node)
    closed(node)
    rotate(node, actor)

    head = closed(node)

    assert not head.remarks
    open_note(head.note, [verifier(parse_vkey(neighbour.vkey))])


def test_a_second_rotation_makes_a_third_generation(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.rotation import rotate

    rotate(node, actor)
    rotate(node, actor)

    head = closed(node)

    assert len(parse_note(head.note).signatures) == 6
    assert (node.folder / "keys" / "spine-3.ed25519").exists()


def test_a_damaged_list_of_generations_signs_nothing(node: Node, actor: Actor) -> None:
    (node.folder / "keys" / "rotation.json").write_bytes(b'{"spine": [1]}')
    state(node, actor, 1)

    with pytest.raises(SettingsError, match="damaged"):
        closed(node)
