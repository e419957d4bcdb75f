"""What comes into a folder after the census is not sealed, and the receipt says so."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from tests.fakes.offers import folder_of, sealed, taken
from tests.fakes.promises import check_receipt


def while_sealing(patch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    from svitlo.node.journeys import intake, intake_groups

    def seal_items(*given: Any, **named: Any) -> object:
        batch = intake_groups.seal_items(*given, **named)
        happens()
        return batch

    patch.setattr(intake, "seal_items", seal_items)


def aged(folder: Path) -> Path:
    """The folder, as if nothing had been changed in it for long."""
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        os.utime(path, ns=(1, 1))
    return folder


@pytest.fixture(params=["old", "new"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with another in it, changed long ago or a moment ago."""
    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    (folder / "quiet").mkdir()
    (folder / "quiet" / "b").write_bytes(b"2")
    return aged(folder) if request.param == "old" else folder


def test_what_comes_later_is_counted_and_named(
    node: Node, actor: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def happens() -> None:
        (folder / "late").write_bytes(b"3")
        (folder / "new").mkdir()
        (folder / "new" / "deep").write_bytes(b"4")
        (folder / "a").unlink()

    while_sealing(monkeypatch, happens)

    receipt = taken(node, actor, folder)

    assert sealed(receipt) == [b"a", b"b"]
    names = [{"name": str(folder / name)} for name in ("late", "new/deep")]
    assert receipt.value["after_census"] == {"count": 2, "names": names}
    check_receipt(node, receipt.value["intake"], offered=2, rejected={})


def test_where_nothing_came_no_folder_is_listed_again(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.journeys import intake_notes

    folder = aged(folder_of(tmp_path / "in", {b"a": b"1"}))

    def listed(*_: object) -> list[bytes]:
        raise AssertionError("a folder was listed again")

    monkeypatch.setattr(intake_notes, "entries_now", listed)

    assert taken(node, actor, folder).value["after_census"] == {"count": 0, "names": []}


def test_a_long_list_is_cut_and_counted_whole(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "in", {})

    def happens() -> None:
        for number in range(120):
            (folder / f"{number:03}").touch()

    while_sealing(monkeypatch, happens)

    noted = taken(node, actor, folder).value["after_census"]

    assert (noted["count"], len(noted["names"])) == (120, 100)


def test_an_intake_that_was_broken_off_notes_it_too(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    folder = folder_of(tmp_path / "in", {b"a": b"1", b"b": b"2"})

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(node, actor, Offer(paths=(bytes(folder),)), progress=stop)
    (folder / "late").write_bytes(b"3")

    receipt = taken(node, actor, folder)

    assert sealed(receipt) == [b"a", b"b"]
    assert receipt.value["after_census"]["names"] == [{"name": str(folder / "late")}]


def test_a_folder_that_went_away_did_not_come_later(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    (folder / "gone").mkdir()
    while_sealing(monkeypatch, lambda: shutil.rmtree(folder / "gone"))

    assert taken(node, actor, folder).value["after_census"]["count"] == 0
