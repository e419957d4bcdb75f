"""Fixity: damage is found, told for every exhibit it touches, and repaired from a second copy."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from svitlo.errors import InvalidInput
from svitlo.node.acting import Actor
from svitlo.node.journeys.preservation import (
    Findings,
    copy_bodies,
    due_exhibits,
    repair_bodies,
    verify_full,
    verify_sealed,
)
from svitlo.node.opening import Node
from svitlo.record.statement import Statement
from svitlo.store.models import Blob, Exhibit
from svitlo.store.models import Statement as Row
from svitlo.store.writing import unit
from tests.fakes.offers import folder_of, opened, taken

CONTENTS = {b"a": b"a" * 10, b"b": b"b" * 20, b"l": os.urandom(90_000)}


@pytest.fixture
def keeper(node: Node, actor: Actor, tmp_path: Path) -> Node:
    """The node with two exhibits in a segment, one alone, and a second place, still empty."""
    settings = replace(node.settings, segment_member_max=100, second_place=str(tmp_path / "copy"))
    keeper = replace(node, settings=settings)
    folder = folder_of(tmp_path / "in", CONTENTS)
    taken(replace(keeper, settings=replace(settings, second_place="")), actor, folder)
    return keeper


def silent(*_: int) -> None:
    """Nobody watches the progress."""


def exhibits() -> list[Exhibit]:
    return list(Exhibit.objects.select_related("blob").order_by("seq"))


def ident(name: bytes) -> str:
    return next(row.ident for row in exhibits() if bytes(row.path).endswith(name))


def body(folder: Path, name: bytes) -> Path:
    blob = Exhibit.objects.get(ident=ident(name)).blob.name
    path = folder / "objects" / blob[:2] / blob
    path.chmod(0o600)
    return path


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def last() -> Statement:
    return Row.objects.order_by("-seq")[0].value


def check(keeper: Node, actor: Actor, method: str) -> Findings:
    verify = {"full": verify_full, "sealed": verify_sealed}[method]
    return verify(keeper, actor, exhibits(), progress=silent)


METHODS = pytest.mark.parametrize("method", ["full", "sealed"])


@METHODS
def test_what_is_whole_is_found_intact(keeper: Node, actor: Actor, method: str) -> None:
    found = check(keeper, actor, method)

    assert found.is_intact
    assert found.checked == 3
    said = last()
    assert (said.body["event"], said.body["result"]) == ("verify", "intact")
    assert (said.body["method"], said.body["count"]) == (method, 3)
    assert set(said.subject) == {row.ident for row in exhibits()}


@METHODS
def test_damage_is_told_for_the_exhibit_it_touches(keeper: Node, actor: Actor, method: str) -> None:
    damage(body(keeper.folder, b"/l"))

    found = check(keeper, actor, method)

    assert set(found.failed) == {ident(b"/l")}
    assert last().body["failed"] == [ident(b"/l")]
    assert last().body["result"] == "1 failed"


@METHODS
def test_a_lost_segment_is_told_for_each_of_its_members(
    keeper: Node, actor: Actor, method: str
) -> None:
    body(keeper.folder, b"/a").unlink()

    assert set(check(keeper, actor, method).failed) == {ident(b"/a"), ident(b"/b")}


def test_sealed_fixity_needs_no_key(keeper: Node, actor: Actor) -> None:
    (keeper.folder / "keys" / "vault-1").unlink()

    assert check(keeper, actor, "sealed").is_intact


def test_a_body_and_its_name_exchanged_together_are_found_with_the_keys(
    keeper: Node, actor: Actor
) -> None:
    from blake3 import blake3

    content = os.urandom(90_500)
    name = blake3(content).hexdigest()
    path = keeper.folder / "objects" / name[:2] / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with unit():
        Blob.objects.filter(exhibits__ident=ident(b"/l")).update(name=name)

    assert check(keeper, actor, "sealed").is_intact
    assert set(check(keeper, actor, "full").failed) == {ident(b"/l")}


def test_what_was_checked_is_not_due(keeper: Node, actor: Actor) -> None:
    assert len(due_exhibits(keeper)) == 3

    check(keeper, actor, "sealed")

    assert due_exhibits(keeper) == []
    with unit():
        Blob.objects.update(checked_at=keeper.now() - timedelta(days=91))
    assert len(due_exhibits(keeper)) == 3


def test_a_damaged_body_is_remembered_as_such(keeper: Node, actor: Actor) -> None:
    damage(body(keeper.folder, b"/l"))

    check(keeper, actor, "sealed")

    assert sorted(Blob.objects.values_list("state", flat=True)) == ["damaged", "stored"]


def test_a_second_place_gets_every_body_once(keeper: Node, actor: Actor, tmp_path: Path) -> None:
    assert copy_bodies(keeper) == 2
    assert copy_bodies(keeper) == 0

    names = {path.name for path in (tmp_path / "copy" / "objects").glob("*/*")}
    assert names == set(Blob.objects.values_list("name", flat=True))
    assert list((tmp_path / "copy" / "spool").iterdir()) == []


def test_an_intake_fills_the_second_place_too(keeper: Node, actor: Actor, tmp_path: Path) -> None:
    taken(keeper, actor, folder_of(tmp_path / "more", {b"x": b"x"}))

    assert copy_bodies(keeper) == 2
    assert len(list((tmp_path / "copy" / "objects").glob("*/*"))) == 3


def test_a_damaged_copy_is_not_passed_on(keeper: Node, tmp_path: Path) -> None:
    from svitlo.errors import StorageError

    damage(body(keeper.folder, b"/l"))

    with pytest.raises(StorageError, match="other bytes"):
        copy_bodies(keeper)

    assert not any(
        path.name == body(keeper.folder, b"/l").name for path in (tmp_path / "copy").rglob("*")
    )


@pytest.mark.parametrize("is_gone", [False, True])
def test_damage_is_repaired_from_the_second_copy(
    keeper: Node, actor: Actor, *, is_gone: bool
) -> None:
    copy_bodies(keeper)
    path = body(keeper.folder, b"/l")
    damage(path)
    damaged = path.read_bytes()
    if is_gone:
        path.unlink()

    outcome = repair_bodies(keeper, actor)

    assert outcome == {path.name: "repaired"}
    assert check(keeper, actor, "full").is_intact
    kept = [file.read_bytes() for file in (keeper.folder / "spool").glob("*.damaged")]
    assert kept == ([] if is_gone else [damaged])


def test_a_repair_is_stated_for_each_exhibit(keeper: Node, actor: Actor) -> None:
    copy_bodies(keeper)
    damage(body(keeper.folder, b"/a"))

    repair_bodies(keeper, actor)

    assert set(last().subject) == {ident(b"/a"), ident(b"/b")}
    assert (last().body["method"], last().body["result"]) == ("repair", "repaired")
    assert "other bytes" in last().body["fault"]


def test_damage_in_both_places_is_told_and_nothing_is_made_worse(
    keeper: Node, actor: Actor, tmp_path: Path
) -> None:
    copy_bodies(keeper)
    paths = [body(keeper.folder, b"/l"), body(tmp_path / "copy", b"/l")]
    for path in paths:
        damage(path)
    before = [path.read_bytes() for path in paths]

    (result,) = repair_bodies(keeper, actor).values()

    assert result.startswith("not repaired")
    assert [path.read_bytes() for path in paths] == before
    assert Blob.objects.get(name=paths[0].name).state == "damaged"


def test_where_there_is_no_damage_there_is_no_repair(keeper: Node, actor: Actor) -> None:
    assert repair_bodies(keeper, actor) == {}


def test_without_a_second_place_nothing_is_repaired(node: Node, actor: Actor) -> None:
    for attempt in (lambda: repair_bodies(node, actor), lambda: copy_bodies(node)):
        with pytest.raises(InvalidInput, match="second_place"):
            attempt()


def test_many_exhibits_are_named_in_several_statements(
    keeper: Node, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.journeys import preservation

    monkeypatch.setattr(preservation, "MAX_SUBJECTS", 2)
    before = Row.objects.count()

    check(keeper, actor, "sealed")

    said = [row.value for row in Row.objects.order_by("seq")[before:]]
    assert [len(statement.subject) for statement in said] == [2, 1]


def test_whole_exhibits_come_out_after_a_repair(keeper: Node, actor: Actor, tmp_path: Path) -> None:
    receipt = taken(keeper, actor, folder_of(tmp_path / "more", {b"x": b"x" * 5000}))
    damage(body(keeper.folder, b"/x"))

    repair_bodies(keeper, actor)

    assert list(opened(keeper, receipt).values()) == [b"x" * 5000]


def test_a_second_place_that_is_away_stops_no_intake(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    (tmp_path / "away").write_bytes(b"a file where a folder should be")
    (tmp_path / "photo").write_bytes(b"light")
    settings = replace(node.settings, second_place=str(tmp_path / "away"))

    receipt = taken(replace(node, settings=settings), actor, tmp_path / "photo")

    assert receipt.value["sealed"] == 1
    assert "second copy is not complete" in receipt.value["remarks"][0]


def test_the_doctor_tells_of_damage_that_a_check_found(keeper: Node, actor: Actor) -> None:
    from svitlo.node.doctor import Grade, examine_node

    damage(body(keeper.folder, b"/l"))
    verify_full(keeper, actor, exhibits(), progress=silent)

    found = {(one.subject, one.grade): one.text for one in examine_node(keeper)}
    assert "1 bodies were found damaged" in found["fixity", Grade.BAD]
    assert ("intakes", Grade.GOOD) in found
