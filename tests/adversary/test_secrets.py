"""Who shares the machine, or takes the disk: no key and no content lies where it should not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = b"MARKED-PLAINTEXT-0123456789-OF-A-WITNESS"


def svitlo(folder: Path, *words: str | Path) -> str:
    """What a command printed, under a umask that lets everybody read."""
    done = subprocess.run(
        [sys.executable, "-m", "svitlo", *map(str, words)],
        cwd=folder,
        capture_output=True,
        check=False,
        umask=0,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a node that has sealed, read and exported, and all that came of it."""
    folder = tmp_path_factory.mktemp("used")
    (folder / "in").mkdir()
    (folder / "in/small.txt").write_bytes(MARK)
    (folder / "in/large.txt").write_bytes(MARK * (17 * 1024 * 1024 // len(MARK)))
    svitlo(folder, "init", "node", "--state", "DE", "--name", "A", "--origin", "a.example")
    for words in (
        ("exhibit", "add", "in"),
        ("exhibit", "read", "--all"),
        ("exhibit", "verify", "--all"),
        ("dossier", "make", "out", "--all", "--sealed"),
    ):
        svitlo(folder, "--node", "node", *words)
    return folder


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_nobody_else_reaches_anything_in_the_folder(used: Path) -> None:
    assert stat.S_IMODE((used / "node").stat().st_mode) == 0o700
    assert stat.S_IMODE((used / "node/keys").stat().st_mode) == 0o700
    for key in files(used / "node/keys"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o400


def test_no_key_is_anywhere_but_in_its_file(used: Path) -> None:
    secrets = [path.read_bytes().strip()[-40:] for path in files(used / "node/keys")]
    assert len(secrets) >= 6
    for path in files(used):
        if path.parent != used / "node/keys":
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path


def test_no_content_is_left_unsealed(used: Path) -> None:
    for path in files(used):
        if used / "in" not in path.parents:
            assert MARK not in path.read_bytes(), path


def test_a_folder_that_others_may_read_is_named(used: Path) -> None:
    (used / "node").chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "svitlo", "--node", "node", "doctor"],
            cwd=used,
            capture_output=True,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
    finally:
        (used / "node").chmod(0o700)

    assert done.returncode != 0
    assert b"make it 0700" in done.stdout
