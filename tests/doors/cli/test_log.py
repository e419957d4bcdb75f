"""`svitlo log` at the door: words, JSON and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from svitlo.seal.note import parse_note, parse_vkey
from svitlo.seal.proof import parse_tlog_proof
from tests.conftest import release
from tests.fakes.witness import Neighbour, neighbour, run, settled

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node

__all__ = ["neighbour", "settled"]


def with_exhibit(node: Node, tmp_path: Path) -> str:
    release()
    (tmp_path / "photo").write_bytes(b"a photo")
    done = run(node.folder, "exhibit", "add", str(tmp_path / "photo"), "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["exhibits"][0]["id"])


def test_show_says_what_the_log_holds(node: Node) -> None:
    release()

    words = run(node.folder, "log", "show")
    value = json.loads(run(node.folder, "log", "show", "--json").stdout)

    assert words.returncode == 0
    assert words.stdout.startswith("a.example/spine/1\n")
    assert "integrity and time, not truth" in words.stdout
    assert value["state"] == "ok"
    assert value["size"] == value["signed_size"] == sum(value["completeness"].values())
    assert value["cosigned"] == {"k": 0, "n": 0, "by": [], "missing": [], "quorum": 0}


def test_verify_holds_and_numbers_what_does_not(node: Node) -> None:
    release()
    good = run(node.folder, "log", "verify")
    (node.published(node.spine) / "checkpoint").write_bytes(b"nonsense")

    bad = run(node.folder, "log", "verify")
    value = json.loads(run(node.folder, "log", "verify", "--json").stdout)

    assert good.returncode == 0
    assert "holds" in good.stdout
    assert bad.returncode == 3
    assert bad.stdout.startswith("1. checkpoint: ")
    assert not value["holds"]
    assert value["findings"][0] | {"words": ""} == {
        "n": 1,
        "code": "file",
        "about": "checkpoint",
        "words": "",
    }


def test_verify_of_the_log_of_reads(node: Node) -> None:
    release()
    run(node.folder, "exhibit", "list")

    done = run(node.folder, "log", "verify", "--audit", "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["openings"] == 1


def test_a_proof_goes_to_standard_output_or_a_file(node: Node, tmp_path: Path) -> None:
    ident = with_exhibit(node, tmp_path)

    shown = run(node.folder, "log", "proof", ident)
    written = run(node.folder, "log", "proof", ident, "-o", str(tmp_path / "photo.tlog-proof"))

    assert shown.returncode == written.returncode == 0
    content = (tmp_path / "photo.tlog-proof").read_bytes()
    assert content == shown.stdout.encode()
    assert parse_note(parse_tlog_proof(content).note).text.startswith(b"a.example/spine/1\n")


def test_a_proof_of_nothing_is_wrong_input(node: Node) -> None:
    release()

    assert run(node.folder, "log", "proof", "x-01gk1ap2h0000g40r40m30e209").returncode == 2
    assert run(node.folder, "log", "proof", "nonsense").returncode == 2


def test_keys_are_those_of_spine_audit_and_witness(node: Node) -> None:
    release()

    lines = run(node.folder, "log", "vkeys").stdout.split()

    names = [(key.name, key.kind) for key in map(parse_vkey, lines)]
    assert names == [
        ("a.example/spine/1", 1),
        ("a.example/spine/1", 6),
        ("a.example/audit/1", 1),
        ("a.example/witness", 4),
    ]


def test_a_second_process_cosigns(node: Node, neighbour: Neighbour, tmp_path: Path) -> None:
    with (node.folder / "svitlo.toml").open("a") as file:
        file.write(f'\n[[witnesses]]\nvkey = "{neighbour.vkey}"\nnode = "{neighbour.folder}"\n')
    with_exhibit(node, tmp_path)

    value = json.loads(run(node.folder, "log", "show", "--json").stdout)

    assert value["cosigned"]["by"] == ["b.example/witness"]
    assert "— b.example/witness " in value["checkpoint"]


def test_rebuild_and_rotate_leave_a_log_that_verifies(node: Node, tmp_path: Path) -> None:
    with_exhibit(node, tmp_path)

    rebuilt = run(node.folder, "log", "rebuild", "--json")
    rotated = run(node.folder, "log", "rotate")

    assert json.loads(rebuilt.stdout) == {"changes": {}}
    assert rotated.returncode == 0
    assert len(rotated.stdout.split()) == 3
    assert run(node.folder, "log", "verify").returncode == 0


def test_nothing_is_confirmed_that_is_not_in_doubt(node: Node) -> None:
    release()
    words = ["log", "confirm", "--override", "--second", node.settings.person, "--note", "why"]

    done = run(node.folder, *words)

    assert done.returncode == 2
    assert "nothing to confirm" in done.stderr
