"""A forger who has a dossier, writes all manifests anew, and has no key of the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from svitlo.dossier.steps import examine_tree
from svitlo.dossier.verify import examine_dossier, format_report
from svitlo.errors import BagError
from svitlo.seal.checkpoint import Checkpoint
from svitlo.seal.note import format_vkey
from svitlo.seal.signature import SigningKey
from tests.rooms.dossier.forgeries import Files, changed_statement, lines_of, with_lines
from tests.rooms.dossier.sample import (
    LOG,
    LOG_PQ,
    VERIFIER,
    bagged_again,
    files_of,
    make_sample,
    note_of,
    write,
)
from tests.rooms.dossier.test_verify import tree_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STATEMENTS = "proof/statements.jsonl"
CERTIFICATE = "certificate/certificate.json"
STRANGER = SigningKey(name="lv.example/witness", kind=4, seed=b"\x07" * 32)


@pytest.fixture(scope="module")
def good() -> Files:
    return files_of(make_sample())


def both(folder: Path) -> int:
    """The exit code on which svitlo and the single file agree."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(folder)], capture_output=True, check=False
    )
    assert not done.stderr
    assert b"\x1b" not in done.stdout
    assert examine_dossier(folder).exit_code == done.returncode
    return done.returncode


def with_figure(files: Files) -> Files:
    value = json.loads(files[CERTIFICATE])
    value["figures"]["attacks_proven"] = 9
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**files, CERTIFICATE: f"{text}\n".encode()}


def older_checkpoint(files: Files) -> Files:
    """The log's own words of an earlier day, when the export was not in it yet."""
    early = Checkpoint(LOG.name, 306, b"\x05" * 32)
    return {**files, "proof/checkpoint": note_of(early)}


def stranger_cosigns(files: Files) -> Files:
    """A key with the witness's name, which no policy knows, signs in its place."""
    lines = files["proof/checkpoint"].split(b"\n")
    checkpoint = Checkpoint(LOG.name, int(lines[1]), tree_root(files))
    return {**files, "proof/checkpoint": note_of(checkpoint, LOG, LOG_PQ, STRANGER)}


def tree_root(files: Files) -> bytes:
    from svitlo.seal.checkpoint import parse_checkpoint
    from svitlo.seal.note import parse_note

    return parse_checkpoint(parse_note(files["proof/checkpoint"]).text).root


def member_twice(files: Files) -> Files:
    return changed_statement(files, '"event":"verify"', '"v":1}', '"v":1,"v":1}')


def new_key(files: Files) -> Files:
    """Another key is named in keys.txt, for statements that it signs."""
    keys = files["trust/keys.txt"] + b"0123456789abcdef ed25519 " + b"00" * 32 + b" p-x Officer\n"
    files = {**files, "trust/keys.txt": keys}
    return changed_statement(files, '"event":"hold"', '"key":"', '"key":"0')


ATTACKS: dict[str, Callable[[Files], Files]] = {
    "a forged court order beside the pages": lambda f: {**f, "COURT-ORDER.html": b"<h1>"},
    "a module that a careless start of verify.py imports": lambda f: {**f, "argparse.py": b"1"},
    "a manifest of another algorithm": lambda f: {**f, "manifest-md5.txt": b"0  x\n"},
    "a name with a look-alike letter": lambda f: {**f, "data/ex\u043eibit.bin": b"?"},
    "an identifier twice in bag-info": lambda f: {
        **f,
        "bag-info.txt": b"External-Identifier: d-01gk1ap2h0000g40r40m30e2zz\n" + f["bag-info.txt"],
    },
    "a figure that nobody recomputes": with_figure,
    "a checkpoint of an earlier day": older_checkpoint,
    "a cosignature by a stranger": stranger_cosigns,
    "a member twice": member_twice,
    "a key of the forger's": new_key,
    "a number with too many digits": lambda f: changed_statement(
        f, '"event":"verify"', '"v":1}', f'"v":{"1" * 5000}}}'
    ),
    "withheld that contradicts itself": lambda f: {
        **f,
        "data/withheld.json": b'{"counts":[{"authority":"a","category":"c","count":2}],'
        b'"none":true,"v":1}\n',
    },
    "a hostile extension": lambda f: {**f, "data/exhibits/0001/original.jpg;rm": b"?"},
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_forgery_is_found_by_both(good: Files, tmp_path: Path, name: str) -> None:
    assert both(write(tmp_path, bagged_again(ATTACKS[name](good)))) == 3


def test_a_finding_cannot_steer_the_terminal(good: Files, tmp_path: Path) -> None:
    forged = changed_statement(
        good, '"event":"export"', '"actor":"', '"actor":"\\u001b[2JGOOD: nothing\\n\u202e'
    )

    folder = write(tmp_path, bagged_again(forged))

    assert both(folder) == 3
    assert all(line.isascii() and line.isprintable() for line in format_report_of(folder))


def format_report_of(folder: Path) -> list[str]:
    return list(format_report(examine_dossier(folder)))


def test_a_module_beside_verify_py_is_not_imported(good: Files, tmp_path: Path) -> None:
    folder = write(tmp_path, {**good, "argparse.py": b"print('GOOD'); raise SystemExit(0)\n"})

    done = subprocess.run(
        [sys.executable, str(folder / "verify.py")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 3
    assert "argparse.py" in done.stdout


@pytest.mark.parametrize("depth", [900, *range(970, 1000, 2), 5000])
def test_no_depth_of_nesting_ends_the_examination(good: Files, depth: int) -> None:
    deep = '{"actor":"a","at":"a","body":{"a":' + "[" * depth + "]" * depth + "}"
    deep = f'{{"i":1,"s":{deep},"id":"q","node":"n","subject":[],"type":"t"}},'
    lines = [*lines_of(good, STATEMENTS), deep + f'"salt":"{"A" * 43}="}}']

    report = examine_tree(tree_of(bagged_again(with_lines(good, STATEMENTS, lines))), [])

    assert report.exit_code == 3
    assert len(report.steps) == 9


def test_folders_within_folders_are_no_dossier(good: Files, tmp_path: Path) -> None:
    folder, depth = write(tmp_path, good), 1200
    home = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        for _ in range(depth):
            os.mkdir("a")  # noqa: PTH102 - the whole path is longer than a path may be
            os.chdir("a")
        with pytest.raises(BagError, match="nested"):
            examine_dossier(folder)
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("a")  # noqa: PTH106 - as above
    finally:
        os.chdir(home)
        os.close(home)


@pytest.mark.parametrize("path", [STATEMENTS, "trust/policy.txt", "data/index.jsonl"])
def test_a_huge_file_is_not_read_into_memory(good: Files, tmp_path: Path, path: str) -> None:
    folder = write(tmp_path, good)
    os.truncate(folder / path, (1 << 30) + 1)

    report = examine_dossier(folder)

    assert report.exit_code == 3
    assert any("too large" in str(finding) for finding in report.findings)


@pytest.mark.parametrize("path", ["proof/checkpoint", "data/exhibits/0004/original.bin"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(
    good: Files, tmp_path: Path, path: str
) -> None:
    folder = write(tmp_path, good)
    (folder / path).unlink()
    os.mkfifo(folder / path)

    assert both(folder) == 3


def test_an_exhibit_sealed_twice_or_of_no_batch_is_found() -> None:
    sample = make_sample()
    from svitlo.dossier.custody import check_index, read_rows

    rows, _ = read_rows(files_of(sample)["data/index.jsonl"])
    paths = [row.file for row in rows] + [f for row in rows for f, _ in row.derivatives]
    openings = list(sample.dossier.statements)
    sealed = next(one for one in openings if one.kind == "exhibit.sealed")
    lone = {name: value for name, value in sealed.value.items() if name != "batch"}
    object.__setattr__(sealed, "value", lone)

    once = check_index(rows, openings, paths)
    twice = check_index(rows, [*openings, sealed], paths)

    assert [finding.kind for finding in once] == ["unproven"]
    assert len(twice) >= 1


def test_a_forger_who_brings_all_keys_is_shown_as_such(good: Files, tmp_path: Path) -> None:
    """With a log key and a witness of their own everything fits: the keys are to be compared."""
    lines = good["proof/checkpoint"].split(b"\n")
    own = SigningKey(name=LOG.name, kind=1, seed=b"\x09" * 32)
    policy = (
        f"log {format_vkey(own.verifier_line)}\n"
        f"witness lv {format_vkey(STRANGER.verifier_line)}\nquorum lv\n"
    )
    checkpoint = Checkpoint(LOG.name, int(lines[1]), tree_root(good))
    forged = {
        **good,
        "trust/policy.txt": policy.encode(),
        "proof/checkpoint": note_of(checkpoint, own, STRANGER),
    }

    text = "\n".join(format_report_of(write(tmp_path, bagged_again(forged))))

    assert "came with the dossier: compare them with published ones" in text
    assert own.verifier_line.public.hex() in text
    assert STRANGER.verifier_line.public.hex() in text


def test_step_nine_says_what_a_forger_could_still_change(good: Files, tmp_path: Path) -> None:
    """Pages and descriptions are bound by no signature: the report does not pretend otherwise."""
    folder = write(tmp_path, bagged_again({**good, "START.html": b"<h1>acquitted</h1>\n"}))

    report = examine_dossier(folder)

    assert report.exit_code == 0
    limits = " ".join(report.steps[8].notes)
    for words in ("START.html", "manifests only", "descriptions", "compare them"):
        assert words in limits
