from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.shell import sealed, svitlo

if TYPE_CHECKING:
    from svitlo.node.opening import Node


def test_a_hold_is_placed_listed_and_released(node: Node) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")

    placed = svitlo(folder, "hold", "place", ident, "case:general", "--reason", "trial", "--json")
    hold = placed.value["items"][0]["id"]
    listed = svitlo(folder, "hold", "list", "--json").value["items"]
    released = svitlo(folder, "hold", "release", hold, "--reason", "trial over")
    left = svitlo(folder, "hold", "list", "--json").value["items"]

    assert [item["subject"] for item in listed] == [ident, "case:general"]
    assert (placed.code, released.code) == (0, 0)
    assert hold in released.out
    assert [item["subject"] for item in left] == ["case:general"]


def test_what_is_held_is_refused_with_exit_code_4(node: Node) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")
    svitlo(folder, "hold", "place", ident, "--reason", "trial")

    answer = svitlo(
        folder, "disposal", "propose", ident, "--ground", "court", "--authority", "Court A"
    )

    assert answer.code == 4
    assert f"{ident} is held by h-" in answer.err
    assert answer.out == ""


def test_somebody_else_cannot_release_and_the_attempt_is_signed_into_the_log(node: Node) -> None:
    from svitlo.store.models import Pending, Statement

    folder = node.folder
    (ident,) = sealed(folder, b"first")
    bohdan = svitlo(folder, "keys", "person", "Bohdan").out.strip()
    placed = svitlo(folder, "hold", "place", ident, "--reason", "trial", "--json").value

    answer = svitlo(
        folder,
        *("hold", "release", placed["items"][0]["id"]),
        *("--reason", "I say so", "--person", bohdan),
    )

    assert answer.code == 4
    assert Statement.objects.filter(type="denied.exhibit").count() == 1
    assert not Pending.objects.exists()


def test_a_hold_without_a_reason_or_on_nothing_is_wrong_input(node: Node) -> None:
    assert svitlo(node.folder, "hold", "place", "case:general").code == 2
    assert svitlo(node.folder, "hold", "place", "case:typo", "--reason", "x").code == 2
    assert svitlo(node.folder, "hold", "place", "photo.jpg", "--reason", "x").code == 2


def test_a_reason_cannot_move_the_cursor(node: Node) -> None:
    (ident,) = sealed(node.folder, b"first")

    answer = svitlo(node.folder, "hold", "place", ident, "--reason", "a\x1b[2Jb\u202e")

    assert answer.code == 0
    assert "\x1b" not in answer.out
    assert "\u202e" not in answer.out
