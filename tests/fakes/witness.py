"""A second node that witnesses the first: a folder of its own, asked through a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from svitlo.node.settings import WitnessSetting

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


@dataclass(frozen=True)
class Neighbour:
    """A node that witnesses: its folder, and the key line of its witness."""

    folder: Path
    vkey: str

    def setting(self) -> WitnessSetting:
        return WitnessSetting(vkey=self.vkey, node=str(self.folder))

    def witnessing(self, node: Node) -> Node:
        """The node, set to ask this witness."""
        return replace(node, settings=replace(node.settings, witnesses=(self.setting(),)))


def run(folder: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """A command of the program on a node, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "svitlo", "--node", str(folder), *words],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={key: said for key, said in os.environ.items() if not key.startswith("SVITLO_")},
        timeout=120,
    )


@pytest.fixture(scope="session")
def settled(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Neighbour:
    """A neighbour that trusts the founded node, made once; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("neighbour") / "other"
    words = ["init", str(folder), "--state", "LV", "--name", "Neighbour", "--origin", "b.example"]
    subprocess.run(
        [sys.executable, "-m", "svitlo", *words], check=True, capture_output=True, timeout=120
    )
    lines = run(founded, "log", "vkeys").stdout.split()
    done = run(folder, "log", "trust", *lines[:2])
    assert done.returncode == 0, done.stderr
    return Neighbour(folder, run(folder, "log", "vkeys").stdout.split()[-1])


@pytest.fixture
def neighbour(settled: Neighbour, tmp_path: Path) -> Neighbour:
    """A neighbour of the test's own."""
    folder = tmp_path / "other"
    shutil.copytree(settled.folder, folder)
    return replace(settled, folder=folder)
