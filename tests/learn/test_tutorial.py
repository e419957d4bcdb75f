"""The tutorial is run as it stands: its commands, in its order, against what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "learn"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXHIBIT = re.compile(r"\bx-[0-9a-hjkmnp-tv-z]{26}\b")
PROGRAMS = {"svitlo": ["-m", "svitlo"], "python3": []}
TIMEOUT_S = 300


@dataclass(slots=True)
class Step:
    """One command of a tutorial, what it should print and the exit code that it should have."""

    words: list[str]
    shown: list[str] = field(default_factory=list)
    exit_code: int = 0


def steps_of(page: str) -> list[Step]:
    steps: list[Step] = []
    for line in "\n".join(BLOCK.findall(page)).splitlines():
        if line.startswith("$ "):
            steps.append(Step(shlex.split(line[2:])))
        elif re.fullmatch(r"\[\d+\]", line):
            steps[-1].exit_code = int(line[1:-1])
        elif line:
            steps[-1].shown.append(line)
    return steps


class Reader:
    """Somebody who follows a tutorial in an empty folder, without a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.named: dict[str, str] = {}
        self.seen = ""

    def follow(self, step: Step) -> None:
        name, equals, _ = step.words[0].partition("=")
        if equals:
            found = EXHIBIT.search(self.seen)
            assert found, "no exhibit was listed before one is named"
            self.named[f"${name}"] = found[0]
            return
        words = [self.named.get(word, word) for word in step.words]
        command = [sys.executable, *PROGRAMS[words[0]], *words[1:]]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
        printed = done.stdout.decode()
        self.seen += printed
        told = shlex.join(words)
        assert done.returncode == step.exit_code, f"{told}\n{printed}"
        assert shows(printed, step.shown), f"{told}\nwanted: {step.shown}\nprinted: {printed}"


def shows(printed: str, shown: list[str]) -> bool:
    """Whether the lines of a tutorial occur in what was printed; `...` stands for anything."""
    parts = [part for line in shown for part in line.split("...") if part.strip()]
    return bool(re.search(".*?".join(map(re.escape, parts)), printed, re.DOTALL))


@pytest.mark.parametrize("page", sorted(TUTORIALS.glob("*.md")), ids=lambda page: page.stem)
def test_a_reader_gets_what_the_tutorial_shows(page: Path, tmp_path: Path) -> None:
    steps = steps_of(page.read_text(encoding="utf-8"))
    reader = Reader(tmp_path)

    for step in steps:
        reader.follow(step)

    assert len(steps) > 5


def test_a_line_that_was_not_printed_is_missed() -> None:
    assert shows("16 offered, 16 sealed", ["...16 offered...sealed..."])
    assert not shows("16 offered, 15 sealed", ["...16 sealed..."])
