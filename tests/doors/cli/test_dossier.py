from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.shell import sealed, svitlo

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


def test_a_dossier_is_made_and_verified_and_a_changed_byte_is_found(
    node: Node, tmp_path: Path
) -> None:
    first, _ = sealed(node.folder, b"first", b"second")
    out = tmp_path / "court"

    chosen = ("--exhibit", first, "--language", "fr", "--json")
    made = svitlo(node.folder, "dossier", "make", str(out), *chosen)
    good = svitlo(node.folder, "dossier", "verify", str(out))
    exhibit = next((out / "data/exhibits/0001").iterdir())
    exhibit.write_bytes(b"First")
    bad = svitlo(node.folder, "dossier", "verify", str(out), "--json")

    assert made.code == 0
    assert made.value["exhibits"] == 1
    assert '<html lang="fr">' in (out / "START.html").read_text(encoding="utf-8")
    assert good.code == 0
    assert "integrity and time, not truth" in good.out
    assert bad.code == 3
    assert bad.value["exit_code"] == 3
    states = {item["number"]: item["state"] for item in bad.value["items"]}
    assert states[2] == states[7] == "FAILED"


def test_a_folder_that_is_no_dossier_is_wrong_input(node: Node, tmp_path: Path) -> None:
    empty = svitlo(node.folder, "dossier", "verify", str(tmp_path / "node" / "keys"))
    nowhere = svitlo(node.folder, "dossier", "verify", str(tmp_path / "nowhere"))

    assert (empty.code, nowhere.code) == (2, 2)
    assert "NOT A DOSSIER" in empty.out
    assert "not a dossier" in nowhere.err


def test_nothing_chosen_or_a_place_that_is_taken_is_wrong_input(node: Node, tmp_path: Path) -> None:
    sealed(node.folder, b"first")
    (tmp_path / "taken").write_bytes(b"")

    nothing = svitlo(node.folder, "dossier", "make", str(tmp_path / "out"))
    taken = svitlo(node.folder, "dossier", "make", str(tmp_path / "taken"), "--all")
    foreign = svitlo(node.folder, "dossier", "make", str(tmp_path / "out"), "--language", "xx")

    assert (nothing.code, taken.code, foreign.code) == (2, 2, 2)
    assert "there already" in taken.err


def test_a_receipt_is_checked_by_the_keys_of_a_dossier(node: Node, tmp_path: Path) -> None:
    sealed(node.folder, b"first")
    out = tmp_path / "court"
    svitlo(node.folder, "dossier", "make", str(out), "--all", "--sealed")
    receipt = next((node.folder / "receipts").glob("*/receipt.json"))

    good = svitlo(node.folder, "dossier", "verify", str(out), "--receipt", str(receipt))
    unkeyed = svitlo(node.folder, "dossier", "verify", str(tmp_path), "--receipt", str(receipt))
    listing = receipt.with_name("intake.jsonl")
    listing.write_bytes(listing.read_bytes().replace(b'"size":', b'"size":1'))
    bad = svitlo(node.folder, "dossier", "verify", str(out), "--receipt", str(receipt))

    assert (good.code, unkeyed.code, bad.code) == (0, 2, 3)
    assert "1 offered, 1 sealed" in good.out


def test_several_identifiers_may_follow_one_option(node: Node, tmp_path: Path) -> None:
    ids = sealed(node.folder, b"one", b"two", b"three")

    made = svitlo(
        node.folder, "dossier", "make", str(tmp_path / "out"), "--exhibit", *ids[:2], "--json"
    )
    stray = svitlo(node.folder, "dossier", "make", str(tmp_path / "two"), ids[0], "--all")

    assert (made.code, made.value["exhibits"]) == (0, 2)
    assert stray.code == 2
    assert "--exhibit" in stray.err
