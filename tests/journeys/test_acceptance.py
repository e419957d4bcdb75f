"""What standards ask of the whole way of an exhibit; docs/understand/acceptance.md numbers it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.fakes.offers import folder_of, taken

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node
    from svitlo.record.statement import Statement
    from svitlo.store.models import Exhibit


def picture() -> bytes:
    room = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(room, "JPEG")
    return room.getvalue()


@pytest.fixture
def lived(node: Node, actor: Actor, tmp_path: Path) -> Node:
    """A node that took two files in, looked at them, read, checked, copied and exported them."""
    from svitlo.node.journeys.describing import describe_exhibits
    from svitlo.node.journeys.preservation import verify_full, verify_sealed
    from svitlo.node.journeys.reading import copy_exhibits, list_exhibits, show_exhibits

    offered = folder_of(tmp_path / "in", {b"a.jpg": picture(), b"b.txt": b"words\n"})
    taken(node, actor, offered, source="NGO", collected_by="Olena")
    ids = [row.ident for row in exhibits()]
    list_exhibits(node, actor, limit=10)
    show_exhibits(node, actor, ids)
    describe_exhibits(node, actor, exhibits(), progress=lambda *_: None)
    verify_full(node, actor, exhibits(), progress=lambda *_: None)
    verify_sealed(node, actor, exhibits(), progress=lambda *_: None)
    list(copy_exhibits(node, actor, ids, tmp_path / "copies"))
    return node


def exhibits() -> list[Exhibit]:
    from svitlo.store.models import Exhibit

    return list(Exhibit.objects.select_related("blob", "statement").order_by("n"))


def statements() -> list[Statement]:
    from svitlo.store.models import Statement as Row

    return [row.value for row in Row.objects.order_by("seq")]


def exported(node: Node, actor: Actor, target: Path, *ids: str) -> Path:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    return make_dossier(node, actor, Disclosure(ids=ids, is_all=not ids, target=target)).path


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_every_intake_says_collector_tool_and_clock(lived: Node) -> None:
    (received,) = [one for one in statements() if one.body.get("event") == "receive"]

    assert received.body["collected_by"] == "Olena"
    assert received.body["tool"]
    assert received.body["version"] == lived.version
    clock = received.body["clock"]
    assert isinstance(clock, dict)
    assert clock["source"] == "unknown" or clock.keys() >= {"synchronised", "max_error_us"}


def test_every_event_has_actor_time_purpose_and_basis(lived: Node, actor: Actor) -> None:
    events = [one for one in statements() if "event" in one.body]
    happened = {str(one.body["event"]) for one in events}

    assert happened >= {"receive", "seal", "view", "search", "verify", "copy"}
    assert {one.actor for one in events} == {actor.person}
    assert all(one.at.endswith("Z") for one in events)
    assert {one.body["purpose"] for one in events} == {actor.purpose.purpose}
    assert {one.basis for one in events} == {actor.purpose.basis}


def test_each_item_has_one_custodian_and_a_list_of_who_handled_it(
    lived: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.store.models import Person

    dossier = exported(lived, actor, tmp_path / "out")

    name = Person.objects.get(ident=actor.person).name
    index = rows(dossier / "data" / "index.csv")
    assert [row["custodian"] for row in index] == [f"{name} ({actor.person})"] * 2
    for row in index:
        handled = [
            one for one in rows(dossier / "custody" / "custody.csv") if one["exhibit"] == row["id"]
        ]
        assert {one["actor"] for one in handled} == {actor.person}
        assert [one["event"] for one in handled][:2] == ["receive", "seal"]
        assert [one["event"] for one in handled][-1] == "export"


def test_what_was_derived_says_by_what_from_what_and_comes_out_again(
    lived: Node, actor: Actor
) -> None:
    from svitlo.node.journeys.describing import describe_exhibits

    describe_exhibits(lived, actor, exhibits(), progress=lambda *_: None)

    for exhibit in exhibits():
        first, again = (
            one.body
            for one in statements()
            if one.type == "exhibit.described" and one.subject == (exhibit.ident,)
        )
        assert first == again
        assert first["tool"]
        assert first["version"]
        assert isinstance(first["params"], dict)
        assert first["input"] == bytes(exhibit.sha256).hex()


def test_no_use_of_an_exhibit_writes_its_object(lived: Node, actor: Actor, tmp_path: Path) -> None:
    from blake3 import blake3

    from svitlo.node.journeys.preservation import copy_bodies, repair_bodies

    exported(lived, actor, tmp_path / "out")
    two = replace(lived, settings=replace(lived.settings, second_place=str(tmp_path / "two")))
    copy_bodies(two)
    repair_bodies(two, actor)

    objects = [path for path in (lived.folder / "objects").rglob("*") if path.is_file()]
    assert {path.name for path in objects} == {row.blob.name for row in exhibits()}
    for path in objects:
        assert path.stat().st_mode & 0o777 == 0o400
        assert path.stat().st_nlink == 1
        assert blake3(path.read_bytes()).hexdigest() == path.name


def test_two_exports_of_an_exhibit_have_the_same_proofs(
    lived: Node, actor: Actor, tmp_path: Path
) -> None:
    one, _ = exhibits()

    first = exported(lived, actor, tmp_path / "prosecution", one.ident)
    second = exported(lived, actor, tmp_path / "defence", one.ident)

    shown = [opened(first), opened(second)]
    assert shown[0]
    assert shown[0].items() <= shown[1].items()
    name = next((first / "data/exhibits/0001").iterdir()).name
    originals = [(place / "data/exhibits/0001" / name).read_bytes() for place in (first, second)]
    assert [hashlib.sha256(content).digest() for content in originals] == [bytes(one.sha256)] * 2
    withheld = [(place / "data/withheld.json").read_bytes() for place in (first, second)]
    assert withheld[0] == withheld[1]


def opened(dossier: Path) -> dict[int, str]:
    """The line of each statement that a dossier opens, by its index in the log."""
    lines = (dossier / "proof" / "statements.jsonl").read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["i"]: line for line in lines}
