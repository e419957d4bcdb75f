from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.shell import sealed, svitlo

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node

AT_ONCE = {"SVITLO_DISPOSAL_DAYS": "0"}
GROUND = ("--ground", "retention", "--authority", "File plan, section 4")


def proposed_and_approved(folder: Path, ident: str, ground: str = "retention") -> str:
    """The second person, who approved the disposal."""
    bohdan = svitlo(folder, "keys", "person", "Bohdan").out.strip()
    propose = ("disposal", "propose", ident, "--ground", ground, "--authority", "Section 4")
    assert svitlo(folder, *propose, env=AT_ONCE).code == 0
    approve = ("disposal", "approve", ident, "--person", bohdan)
    assert svitlo(folder, *approve, env=AT_ONCE).code == 0
    return bohdan


def test_two_persons_dispose_of_an_exhibit(node: Node) -> None:
    folder = node.folder
    first, second = sealed(folder, b"first", b"second")
    bohdan = proposed_and_approved(folder, first)

    done = svitlo(folder, "disposal", "run", first, "--person", bohdan, "--json", env=AT_ONCE)

    (item,) = done.value["items"]
    assert (item["exhibit"], item["stage"], item["approved_by"]) == (first, "done", bohdan)
    assert svitlo(folder, "exhibit", "verify", second).code == 0
    shown = svitlo(folder, "exhibit", "show", first, "--json").value["items"][0]
    assert shown["state"] == "disposed"
    assert "tombstone.exhibit" in [s["type"] for s in shown["custody"]]


def test_an_approval_before_its_time_is_refused(node: Node) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")
    bohdan = svitlo(folder, "keys", "person", "Bohdan").out.strip()
    svitlo(folder, "disposal", "propose", ident, *GROUND)

    answer = svitlo(folder, "disposal", "approve", ident, "--person", bohdan)

    assert answer.code == 4
    assert "can be approved from 20" in answer.err


def test_one_person_alone_is_refused_at_every_stage(node: Node) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")
    svitlo(folder, "disposal", "propose", ident, *GROUND, env=AT_ONCE)

    assert svitlo(folder, "disposal", "approve", ident, env=AT_ONCE).code == 4
    assert svitlo(folder, "disposal", "run", ident, env=AT_ONCE).code == 4
    assert svitlo(folder, "exhibit", "verify", ident).code == 0


def test_statements_are_erased_on_request(node: Node) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")
    proposed_and_approved(folder, ident, "erasure")

    done = svitlo(folder, "disposal", "run", ident, "--erase-statement", env=AT_ONCE)

    assert done.code == 0
    shown = svitlo(folder, "exhibit", "show", ident, "--json").value["items"][0]
    assert (shown["name"], shown["sha256"]) == ("", "")


def test_disposals_are_listed(node: Node) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")
    svitlo(folder, "disposal", "propose", ident, *GROUND)

    listed = svitlo(folder, "disposal", "list", "--json").value["items"]

    assert [(item["exhibit"], item["stage"]) for item in listed] == [(ident, "proposed")]
    assert ident in svitlo(folder, "disposal", "list").out


def test_a_proposal_without_ground_is_wrong_input(node: Node) -> None:
    (ident,) = sealed(node.folder, b"first")

    assert svitlo(node.folder, "disposal", "propose", ident).code == 2
    because = ("--ground", "because", "--authority", "me")
    assert svitlo(node.folder, "disposal", "propose", ident, *because).code == 2
    assert svitlo(node.folder, "disposal", "run", ident).code == 2


def test_after_an_erasure_log_and_dossiers_of_the_others_verify(node: Node, tmp_path: Path) -> None:
    folder = node.folder
    first, second, third = sealed(folder, b"first", b"second", b"third")
    bohdan = proposed_and_approved(folder, first, "erasure")
    run = ("disposal", "run", first, "--erase-statement", "--person", bohdan)
    assert svitlo(folder, *run, env=AT_ONCE).code == 0

    for sealed_or_not in ((), ("--sealed",)):
        out = tmp_path / f"dossier{len(sealed_or_not)}"
        made = svitlo(folder, "dossier", "make", str(out), "--all", *sealed_or_not, "--json")
        assert made.value["exhibits"] == 2
        checked = svitlo(folder, "dossier", "verify", made.value["path"])
        assert checked.code == 0, checked.out
    assert svitlo(folder, "log", "verify").code == 0
    rebuilt = svitlo(folder, "log", "rebuild")
    assert rebuilt.code == 0, rebuilt.out
    again = svitlo(folder, "log", "rebuild", "--json")
    assert (again.code, second in again.out, third in again.out) == (0, False, False)
    assert svitlo(folder, "exhibit", "verify", second, third).code == 0
