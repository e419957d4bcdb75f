"""What was disposed of is named by a check, never counted and never called failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.office import exhibit_of, make_office, stated
from tests.fakes.shell import sealed, svitlo

if TYPE_CHECKING:
    from svitlo.node.opening import Node


def with_one_disposed(node: Node) -> tuple[str, str]:
    """The exhibit that was disposed of, and one that was not."""
    from svitlo.node.journeys.disposal import dispose

    gone, kept = sealed(node.folder, b"gone" * 5_000_000, b"kept")
    office = make_office(node)
    office.decided([gone])
    dispose(office.node, office.bohdan, [gone])
    return gone, kept


@pytest.mark.parametrize("how", [[], ["--keyless"]])
def test_a_disposed_exhibit_is_said_to_be_that(node: Node, how: list[str]) -> None:
    gone, kept = with_one_disposed(node)

    answer = svitlo(node.folder, "exhibit", "verify", gone, kept, *how)
    value = svitlo(node.folder, "exhibit", "verify", gone, kept, "--json", *how).value

    assert answer.code == 0
    assert f"{gone} was disposed of" in answer.out
    assert "FAILED" not in answer.out
    assert "1 of 1 intact" in answer.out
    assert (value["checked"], value["failed"], value["disposed"]) == (1, 0, [gone])
    assert value["items"] == [{"id": kept, "intact": True}]
    assert exhibit_of(gone).blob.state == "erased"


def test_a_check_of_nothing_but_disposed_exhibits_is_not_stated(node: Node) -> None:
    gone, _ = with_one_disposed(node)

    assert svitlo(node.folder, "exhibit", "verify", gone).code == 0

    assert stated("verify") == []


def test_a_disposed_exhibit_is_not_copied_and_no_copy_is_stated(node: Node) -> None:
    gone, kept = with_one_disposed(node)
    work = node.folder.parent / "work"

    answer = svitlo(node.folder, "exhibit", "copy", kept, gone, "-o", str(work))

    assert answer.code == 2
    assert f"{gone} was disposed of" in answer.err
    assert not work.exists()
    assert stated("copy") == []


def test_a_check_of_all_passes_over_what_was_disposed_of(node: Node) -> None:
    with_one_disposed(node)

    for how in (["--all"], ["--all", "--keyless"], ["--due"]):
        answer = svitlo(node.folder, "exhibit", "verify", *how)
        assert answer.code == 0
        assert "disposed" not in answer.out


def test_a_body_erased_while_it_was_checked_stays_erased(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.preservation import verify_sealed
    from svitlo.store.models import Blob
    from svitlo.store.writing import unit

    (ident,) = sealed(node.folder, b"1")
    exhibit = exhibit_of(ident)

    def erased(*_: int) -> None:
        with unit():
            Blob.objects.filter(pk=exhibit.blob_id).update(state="erased")

    verify_sealed(node, actor_of(node), [exhibit], progress=erased)

    assert Blob.objects.get(pk=exhibit.blob_id).state == "erased"
