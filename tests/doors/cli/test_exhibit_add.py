"""`exhibit add --manifest`: exit codes, words and the receipt."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.fakes.shell import Answer, svitlo

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    """A folder of two files, and their manifest in it."""
    folder = tmp_path / "in"
    folder.mkdir()
    lines = []
    for name in ("a", "b"):
        (folder / name).write_text(name, encoding="utf-8")
        lines.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return folder


def added(node: Node, folder: Path, *words: str) -> Answer:
    manifest = str(folder / "SHA256SUMS")
    return svitlo(node.folder, "exhibit", "add", str(folder), "--manifest", manifest, *words)


def test_files_that_keep_their_manifest_are_sealed(node: Node, offered: Path) -> None:
    answer = added(node, offered, "--json")

    assert answer.code == 0
    assert (answer.value["sealed"], answer.value["rejected"]) == (3, 0)
    assert answer.value["manifests"][0]["lines"] == 2


def test_a_file_that_differs_is_rejected_with_exit_code_1(node: Node, offered: Path) -> None:
    (offered / "b").write_text("other", encoding="utf-8")

    answer = added(node, offered)

    assert answer.code == 1
    assert "2 of 3 sealed, 1 rejected" in answer.out
    assert f"digest_mismatch: {offered / 'b'}" in answer.out


def test_a_manifest_that_does_not_fit_is_exit_code_2_and_says_why(
    node: Node, offered: Path
) -> None:
    (offered / "c\x1b").write_text("c", encoding="utf-8")
    (offered / "a").unlink()

    answer = added(node, offered)

    assert answer.code == 2
    assert "line_without_file: 'a'" in answer.err
    assert f"file_without_line: '{offered}/c\\x1b'" in answer.err
    assert answer.out == ""
    assert svitlo(node.folder, "exhibit", "list", "--json").value["items"] == []


def test_partial_lets_through_what_has_no_counterpart(node: Node, offered: Path) -> None:
    (offered / "c").write_text("c", encoding="utf-8")
    (offered / "a").unlink()

    answer = added(node, offered, "--partial")

    assert answer.code == 0
    assert "1 lines of manifests without a file" in answer.out
    assert "1 files without a line in a manifest" in answer.out


def test_the_words_of_show_are_indented_fields(node: Node, offered: Path) -> None:
    ident = added(node, offered, "--json").value["exhibits"][0]["id"]
    svitlo(node.folder, "exhibit", "read", ident)

    shown = svitlo(node.folder, "exhibit", "show", ident).out

    assert "\nproof\n  state       signed\n" in shown
    assert "\ndescribed\n" in shown
    assert "{" not in shown


def test_a_dossier_of_exhibits_with_claims_verifies(
    node: Node, offered: Path, tmp_path: Path
) -> None:
    added(node, offered)
    out = tmp_path / "dossier"
    out.mkdir()

    assert svitlo(node.folder, "dossier", "make", str(out), "--all").code == 0

    (made,) = out.iterdir()
    verified = svitlo(node.folder, "dossier", "verify", str(made))
    assert (verified.code, verified.err) == (0, "")
