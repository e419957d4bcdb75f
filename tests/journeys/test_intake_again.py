"""An intake that was broken off goes on where it was, and nobody else disturbs it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from svitlo.errors import Busy
from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from tests.fakes.offers import folder_of, opened, taken
from tests.fakes.promises import check_receipt

LARGE = bytes(range(256)) * 16


def stop_after(count: int) -> Callable[[int, int, int, int], None]:
    """A progress that breaks the intake off once so many items are durable."""

    def progress(done: int, *_: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return progress


def test_the_same_command_goes_on_where_it_was_broken_off(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.store.models import Exhibit, Intake

    node = replace(node, settings=replace(node.settings, group_items=4))
    folder = folder_of(tmp_path / "in", {b"f%02d" % n: b"%d" % n for n in range(10)})
    offer = Offer(paths=(bytes(folder),))
    with pytest.raises(KeyboardInterrupt):
        take_in(node, actor, offer, progress=stop_after(4))
    before = list(Exhibit.objects.values_list("ident", flat=True))
    (folder / "later").write_bytes(b"after the census")

    receipt = taken(node, actor, folder)

    assert len(before) == 4
    assert set(before) < set(Exhibit.objects.values_list("ident", flat=True))
    assert Intake.objects.count() == 1
    check_receipt(node, receipt.value["intake"], offered=10, rejected={})


def test_after_a_receipt_the_same_command_is_a_new_intake(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    first = taken(node, actor, folder)

    second = taken(node, actor, folder)

    assert first.value["intake"] != second.value["intake"]
    assert second.value["sealed"] == 1
    for receipt in (first, second):
        check_receipt(node, receipt.value["intake"], offered=1, rejected={})


def test_another_offer_does_not_go_on_with_an_unfinished_one(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.store.models import Intake

    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    with pytest.raises(KeyboardInterrupt):
        take_in(node, actor, Offer(paths=(bytes(folder),)), progress=stop_after(0))

    taken(node, actor, folder, source="somebody else")

    assert sorted(Intake.objects.values_list("state", flat=True)) == ["closed", "open"]


def test_two_at_the_same_offer_are_one_too_many(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    offer = Offer(paths=(bytes(folder_of(tmp_path / "in", {b"a": b"1"})),))
    refusals: list[str] = []

    def meanwhile(*_: int) -> None:
        with pytest.raises(Busy, match="another process") as caught:
            take_in(node, actor, offer)
        refusals.append(str(caught.value))

    take_in(node, actor, offer, progress=meanwhile)

    assert refusals


def test_another_offer_meanwhile_disturbs_nobody(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    node = replace(node, settings=replace(node.settings, segment_member_max=1024, group_items=1))
    first = folder_of(tmp_path / "one", {b"a": LARGE, b"b": b"2", b"c": b"3"})
    others: list[dict[bytes, bytes]] = []

    def meanwhile(*_: int) -> None:
        folder = folder_of(tmp_path / f"two-{len(others)}", {b"x": b"x" * 5000})
        others.append(opened(node, taken(node, actor, folder)))

    receipt = take_in(node, actor, Offer(paths=(bytes(first),)), progress=meanwhile)

    assert len(others) == 4
    assert list(opened(node, receipt).values()) == [LARGE, b"2", b"3"]
    check_receipt(node, receipt.value["intake"], offered=3, rejected={})


def test_parts_that_a_kill_left_are_swept(node: Node, actor: Actor, tmp_path: Path) -> None:
    dead = node.folder / "spool" / "01gk1ap2h0000g40r40m30e209.part"
    dead.write_bytes(b"half a body")

    taken(node, actor, folder_of(tmp_path / "in", {b"a": b"1"}))

    assert not dead.exists()
