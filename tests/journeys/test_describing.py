"""Describing: what a file says of itself is stated, and what cannot be read costs only that."""

import io
from pathlib import Path

import pytest
from PIL import Image

from svitlo.node.acting import Actor
from svitlo.node.journeys.describing import Described, describe_exhibits
from svitlo.node.opening import Node
from svitlo.record.statement import Statement
from svitlo.store.models import Description, Exhibit
from svitlo.store.models import Statement as Row
from tests.fakes.offers import folder_of, taken


def picture() -> bytes:
    room = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(room, "PNG")
    return room.getvalue()


@pytest.fixture
def exhibits(node: Node, actor: Actor, tmp_path: Path) -> list[Exhibit]:
    """A picture, a text whose name lies, and bytes that nobody knows."""
    contents = {b"a.png": picture(), b"b.jpg": b"only words\n", b"c\xff": b"\x00\x01\x02" * 9}
    taken(node, actor, folder_of(tmp_path / "in", contents))
    return list(Exhibit.objects.order_by("n"))


def described(node: Node, actor: Actor, exhibits: list[Exhibit]) -> list[Described]:
    return describe_exhibits(node, actor, exhibits, progress=lambda *_: None)


def stated(exhibit: Exhibit) -> Statement:
    return Description.objects.select_related("statement").get(exhibit=exhibit).statement.value


def test_each_description_is_stated_of_its_exhibit(
    node: Node, actor: Actor, exhibits: list[Exhibit]
) -> None:
    done = described(node, actor, exhibits)

    assert [one.exhibit for one in done] == exhibits
    assert done[0].kind == "image/png"
    for exhibit, one in zip(exhibits, done, strict=True):
        said = stated(exhibit)
        assert said.type == "exhibit.described"
        assert said.subject == (exhibit.ident,)
        assert said.body["input"] == bytes(exhibit.sha256).hex()
        assert said.body["kind"]["mime"] == one.kind
        assert said.body["tool"]
        assert said.body["version"]


def test_the_look_is_written_down_before(node: Node, actor: Actor, exhibits: list[Exhibit]) -> None:
    before = Row.objects.count()

    described(node, actor, exhibits)

    types = [row.type for row in Row.objects.order_by("seq")[before:]]
    assert types == ["read.preview", *["exhibit.described"] * 3]


def test_a_damaged_body_costs_the_exhibit_its_description_only(
    node: Node, actor: Actor, exhibits: list[Exhibit]
) -> None:
    name = exhibits[0].blob.name
    (node.folder / "objects" / name[:2] / name).unlink()

    done = described(node, actor, exhibits)

    assert {one.skipped for one in done} == {"crashed"}
    assert stated(exhibits[0]).body["skipped"] == "crashed"
    assert Exhibit.objects.filter(state="sealed").count() == 3


def test_what_is_described_again_is_stated_again(
    node: Node, actor: Actor, exhibits: list[Exhibit]
) -> None:
    described(node, actor, exhibits[:1])
    described(node, actor, exhibits[:1])

    assert Description.objects.filter(exhibit=exhibits[0]).count() == 2


def test_groups_are_stated_one_by_one(
    node: Node, actor: Actor, exhibits: list[Exhibit], monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.journeys import describing

    monkeypatch.setattr(describing, "GROUP", 2)
    steps: list[tuple[int, int, int]] = []

    describe_exhibits(node, actor, exhibits, progress=lambda *step: steps.append(step))

    assert [(done, whole) for done, _, whole in steps] == [(2, 3), (3, 3)]
