"""Asking a witness: whatever its process does, the answer is one, or it is unreachable."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import SettingsError, Unreachable
from svitlo.node import witnesses
from svitlo.node.settings import Settings, WitnessSetting
from svitlo.node.witnesses import Witness, Witnesses
from tests.fakes import spine

if TYPE_CHECKING:
    from pathlib import Path


def witness_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Witness:
    """A witness whose program is this Python code, run for each process."""
    program = folder / "program"
    program.write_text(f"#!{sys.executable}\nimport sys, os, time, json\n{does}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return Witness(WitnessSetting(vkey=spine.WITNESS_VKEY, node="."), folder)


def test_answers_come_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = witness_that(
        "for line in sys.stdin:\n"
        "    word = 'note' if 'get' in json.loads(line) else 'body'\n"
        "    print(json.dumps({word: 'QUJD', 'status': 200}), flush=True)",
        tmp_path,
        monkeypatch,
    )

    answers = [asked.last("a"), asked.add(b"body"), asked.last("b")]
    asked.close()

    assert answers == [b"ABC", (200, b"ABC"), b"ABC"]


@pytest.mark.parametrize(
    "does",
    [
        "",
        "sys.exit(2)",
        "print('nonsense', flush=True)",
        "print('[]', flush=True)",
        'print(\'{"note": "?"}\', flush=True)',
        "print('{\"note\": 5}', flush=True)",
        "print('x' * (2 << 20), flush=True)",
        "sys.stdout.buffer.write(b'\\xff\\n'); sys.stdout.flush()",
    ],
)
def test_anything_but_an_answer_is_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    asked = witness_that(does, tmp_path, monkeypatch)

    with pytest.raises(Unreachable):
        asked.last("a.example/spine/1")
    asked.close()


def test_one_that_stalls_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = witness_that("time.sleep(60)", tmp_path, monkeypatch)
    monkeypatch.setattr(witnesses, "ANSWER_S", 0.2)

    for _ in range(2):
        with pytest.raises(Unreachable):
            asked.last("a.example/spine/1")


def test_an_answer_without_a_status_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = witness_that('print(\'{"body": ""}\', flush=True)', tmp_path, monkeypatch)

    with pytest.raises(Unreachable, match="without a status"):
        asked.add(b"")
    asked.close()


def test_its_process_knows_none_of_our_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVITLO_NODE", "/secret")
    asked = witness_that(
        "seen = [key for key in os.environ if key.startswith('SVITLO_')]\n"
        "print(json.dumps({'status': len(seen), 'body': ''}), flush=True)",
        tmp_path,
        monkeypatch,
    )

    assert asked.add(b"")[0] == 0
    asked.close()


def test_a_malformed_key_line_is_a_wrong_setting(tmp_path: Path) -> None:
    settings = Settings(witnesses=(WitnessSetting(vkey="nonsense", node="."),))

    with pytest.raises(SettingsError):
        Witnesses(settings, tmp_path)
