from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import bagit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svitlo.dossier.contents import Withheld
from svitlo.dossier.folder import Tree
from svitlo.dossier.steps import examine_tree
from svitlo.dossier.verify import examine_dossier, format_report, verify_dossier
from svitlo.errors import DossierError
from tests.fakes.pythons import OLD_PYTHON
from tests.rooms.dossier.forgeries import (
    DAMAGES,
    FORGERIES,
    Files,
    flipped,
    lines_of,
    with_lines,
)
from tests.rooms.dossier.sample import (
    VERIFIER,
    bagged_again,
    files_of,
    make_sample,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PYTHONS = [sys.executable, *([OLD_PYTHON] if OLD_PYTHON else [])]


@pytest.fixture(scope="module")
def good() -> Files:
    return files_of(make_sample(withheld=(Withheld(category="victim", authority="JIT", count=3),)))


def tree_of(files: Files) -> Tree:
    def digest(path: str, algorithms: Sequence[str]) -> tuple[tuple[str, ...], int]:
        found = tuple(hashlib.new(name, files[path]).hexdigest() for name in algorithms)
        return found, len(files[path])

    return Tree(tuple(files), (), files.__getitem__, digest)


def run(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The single-file verifier, in a bare environment."""
    return subprocess.run(
        [python, "-I", *arguments], capture_output=True, text=True, check=False, env={}
    )


def agree(folder: Path, pythons: Sequence[str] = PYTHONS) -> int:
    """The exit code on which our own examination and the single file agree under each Python."""
    code = examine_dossier(folder).exit_code
    for python in pythons:
        done = run(python, str(VERIFIER), str(folder))
        assert not done.stderr
        assert done.returncode == code
    return code


def test_a_good_dossier_verifies_everywhere(good: Files, tmp_path: Path) -> None:
    write(tmp_path, good)

    assert agree(tmp_path) == 0
    assert verify_dossier(tmp_path).exit_code == 0
    assert bagit.Bag(str(tmp_path)).is_valid()
    for python in PYTHONS:
        inside = run(python, str(tmp_path / "verify.py"))
        assert inside.returncode == 0
        assert "integrity and time, not truth" in inside.stdout


def test_steps_are_numbered_and_say_what_was_not_checked(good: Files, tmp_path: Path) -> None:
    lines = list(format_report(examine_dossier(write(tmp_path, good))))

    numbered = [line for line in lines if re.match(r"\d ", line)]
    assert [line[0] for line in numbered] == list("123456789")
    assert any("ML-DSA" in line or "present, not checked here" in line for line in lines)
    assert any("no time stamp is claimed" in line for line in lines)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_with_new_manifests_is_found(good: Files, tmp_path: Path, name: str) -> None:
    files = FORGERIES[name](good)
    assert files != good, "the forgery changes nothing"

    folder = write(tmp_path, bagged_again(files))

    assert agree(folder, [PYTHONS[len(name) % len(PYTHONS)]]) == 3


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_to_the_bag_is_found(good: Files, tmp_path: Path, name: str) -> None:
    assert agree(write(tmp_path, DAMAGES[name](good)), PYTHONS[:1]) == 3


def test_a_flipped_byte_in_any_file_is_found(good: Files, tmp_path: Path) -> None:
    for path, content in good.items():
        if content:
            folder = write(tmp_path, flipped(path)(good))

            assert examine_dossier(folder).exit_code == 3, path

            write(tmp_path, {path: content})


def test_a_link_is_found_and_not_followed(good: Files, tmp_path: Path) -> None:
    folder = write(tmp_path / "d", good)
    outside = tmp_path / "outside"
    exhibit = folder / "data/exhibits/0004/original.bin"
    exhibit.rename(outside)
    exhibit.symlink_to(outside)

    assert agree(folder) == 3


def test_all_faults_are_reported_at_once(good: Files, tmp_path: Path) -> None:
    files = good
    for name in ("other bytes of an exhibit", "a certificate's number", "a tile flipped"):
        files = FORGERIES[name](files)

    report = examine_dossier(write(tmp_path, bagged_again(files)))

    failed = {step.number for step in report.steps if step.findings}
    assert {5, 7, 8} <= failed


def test_a_folder_that_is_no_dossier_is_told_from_a_bad_one(tmp_path: Path) -> None:
    assert agree(tmp_path) == 2
    for python in PYTHONS:
        assert run(python, str(VERIFIER), str(tmp_path / "nowhere")).returncode == 2
    with pytest.raises(DossierError, match="NOT A DOSSIER"):
        verify_dossier(tmp_path)


def test_another_verifier_in_the_dossier_is_named(good: Files, tmp_path: Path) -> None:
    files = bagged_again({**good, "verify.py": b"print('GOOD')\n"})

    report = examine_dossier(write(tmp_path, files))

    assert any("another one" in note for note in report.steps[0].notes)


def test_a_policy_that_asks_for_less_than_the_node_is_named(good: Files, tmp_path: Path) -> None:
    policy = good["trust/policy.txt"].replace(b"quorum lv", b"quorum none")

    report = examine_dossier(write(tmp_path, bagged_again({**good, "trust/policy.txt": policy})))

    assert any("asks for 1 cosignatures" in note for note in report.steps[8].notes)


def test_a_sealed_dossier_is_held_to_the_exported_digests(tmp_path: Path) -> None:
    files = files_of(make_sample(is_sealed=True))
    path = "data/exhibits/0001/original.jpg.age"

    assert agree(write(tmp_path / "good", files)) == 0
    assert agree(write(tmp_path / "bad", bagged_again({**files, path: b"age other"}))) == 3


def test_a_signature_of_an_unknown_kind_is_not_checked_whole(tmp_path: Path) -> None:
    sample = make_sample()
    event = next(o for o in sample.dossier.statements if o.body.get("event") == "hold")
    value = {**event.value, "sig": {**event.value["sig"], "alg": "webauthn"}}
    statements = tuple(
        replace(o, value=value, text=o.text.replace(b'"ed25519","key"', b'"webauthn","key"'))
        if o is event
        else o
        for o in sample.dossier.statements
    )
    files = files_of(replace(sample, dossier=replace(sample.dossier, statements=statements)))

    report = examine_dossier(write(tmp_path, files))

    assert report.steps[3].state == "NOT CHECKED"


def test_a_dossier_of_one_empty_exhibit_verifies(tmp_path: Path) -> None:
    files = files_of(make_sample(files={b"empty": b"", b"second": b"2"}))

    assert agree(write(tmp_path, files)) == 0


def test_control_characters_never_reach_the_terminal(good: Files, tmp_path: Path) -> None:
    files = bagged_again({**good, "data/exhibits/0001/original.\x1b[31m": b"?"})
    (tmp_path / "d").mkdir()

    text = "\n".join(format_report(examine_dossier(write(tmp_path / "d", files))))

    assert "\x1b" not in text


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_mutation_makes_the_verifier_fall_over(
    good: Files, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    paths = [
        path for path in sorted(good) if path.startswith(("proof/", "data/i", "trust/", "cert"))
    ]
    path = data.draw(st.sampled_from([p for p in paths if good[p]]))
    content = bytearray(good[path])
    at = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.binary(max_size=6))
    content[at : at + data.draw(st.integers(0, 6))] = noise
    folder = tmp_path_factory.mktemp("mutated")

    report = examine_dossier(write(folder, bagged_again({**good, path: bytes(content)})))

    assert report.exit_code in {0, 3}
    if bytes(content) == good[path]:
        assert report.exit_code == 0


WEIRD = ["0", "-1", "1152921504606846976", "1.5", "null", "true", '""', '"x"', "[]", "{}"]
WEIRD += ["[[]]", "[{}]", '{"id":1}', "[1]", "[null]"]


def weird_in(value: object, data: st.DataObject) -> object:
    """The value with something of another type somewhere in it."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        return {**value, name: weird_in(value[name], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], weird_in(value[at], data), *value[at + 1 :]]
    weird: object = json.loads(data.draw(st.sampled_from(WEIRD)))
    return weird


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_value_of_another_type_makes_the_verifier_fall_over(
    good: Files, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(p for p in good if p.endswith((".jsonl", ".json")))))
    lines = lines_of(good, path)
    at = data.draw(st.integers(0, len(lines) - 1))
    value = weird_in(json.loads(lines[at]), data)
    lines[at] = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    files = bagged_again(with_lines(good, path, lines))

    report = examine_tree(tree_of(files), [])

    assert report.exit_code in {0, 3}


def test_the_verifier_writes_nothing_and_needs_no_environment(good: Files, tmp_path: Path) -> None:
    folder = write(tmp_path, good)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    run(sys.executable, str(folder / "verify.py"))

    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert os.access(folder, os.R_OK)
