from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.shell import sealed, svitlo

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


def test_a_second_person_is_added_and_listed(node: Node) -> None:
    added = svitlo(node.folder, "keys", "person", "Bohdan")
    listed = svitlo(node.folder, "keys", "list", "--json").value

    assert added.code == 0
    assert added.out.startswith("p-")
    names = [item["name"] for item in listed["items"] if item["kind"] == "person"]
    assert names[-1] == f"{added.out.strip()} (Bohdan)"
    assert (listed["passphrase"], listed["last_drill"]) == (False, None)


def test_no_command_prints_a_secret(node: Node, tmp_path: Path) -> None:
    sealed(node.folder, b"first")
    said = [
        svitlo(node.folder, *words)
        for words in (
            ("keys", "list"),
            ("keys", "list", "--json"),
            ("keys", "rotate"),
            ("keys", "person", "Bohdan"),
            ("keys", "shares", str(tmp_path / "shares")),
            ("keys", "rewrap", "--all"),
        )
    ]

    assert [answer.code for answer in said] == [0] * 6
    text = "".join(answer.out + answer.err for answer in said)
    assert "SECRET" not in text
    assert "PRIVATE" not in text
    assert "SHARE-1" not in text


def test_a_drill_opens_what_was_rewrapped_to_the_shares(node: Node, tmp_path: Path) -> None:
    folder = node.folder
    (ident,) = sealed(folder, b"first")
    svitlo(folder, "keys", "shares", str(tmp_path / "shares"))
    two = [f"--share={tmp_path / 'shares' / name}" for name in ("share-1.txt", "share-3.txt")]

    before = svitlo(folder, "keys", "drill", *two)
    svitlo(folder, "keys", "rewrap", "--all")
    after = svitlo(folder, "keys", "drill", *two, "--json")

    assert before.code == 3
    assert "rewrap" in before.err
    assert (after.code, after.value) == (0, {"exhibit": ident, "opened": True})
    assert svitlo(folder, "keys", "list", "--json").value["last_drill"]
    assert svitlo(folder, "keys", "drill", two[0]).code == 3


def test_rotation_rewrap_and_reseal_keep_everything_readable(node: Node) -> None:
    folder = node.folder
    ids = sealed(folder, b"first", b"second")

    rotated = svitlo(folder, "keys", "rotate")
    rewrapped = svitlo(folder, "keys", "rewrap", *ids)
    resealed = svitlo(folder, "keys", "reseal", "--all")

    assert [a.code for a in (rotated, rewrapped, resealed)] == [0, 0, 0]
    assert rotated.out == "vault-2\n"
    assert rewrapped.out.startswith("1 ")
    assert resealed.out.startswith("1 ")
    assert svitlo(folder, "exhibit", "verify", "--all").code == 0
    assert svitlo(folder, "exhibit", "verify", "--all", "--keyless").code == 0


def test_naming_nothing_to_rewrap_is_wrong_input(node: Node) -> None:
    assert svitlo(node.folder, "keys", "rewrap").code == 2
    assert svitlo(node.folder, "keys", "reseal", "x-1").code == 2
