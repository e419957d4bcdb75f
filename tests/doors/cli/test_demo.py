"""The demonstration tells a whole story, whatever programs the machine has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def told(folder: Path, path: str | None = None) -> str:
    """What `svitlo demo` says, with this search path where one is given."""
    done = subprocess.run(
        [sys.executable, "-m", "svitlo", "demo", "--into", str(folder)],
        env={"PATH": path} if path else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_verifier_holds_and_then_notices_one_byte(openssl: str, tmp_path: Path) -> None:
    intact, _, changed = told(tmp_path / "demo").partition("== Change one byte")

    assert "16 of 16 sealed, 0 rejected" in intact
    assert "cosigned  1 of 1 witnesses" in intact
    assert intact.count("Verification: OK") >= 2
    assert intact.count("GOOD: nothing was found amiss (integrity and time, not truth)") == 2
    assert "the manifest lists this digest" in intact
    assert changed.count("DOES NOT VERIFY") == 2
    for said in ("is invalid: Bag validation failed", ": FAILED", "lists another digest"):
        assert said in changed
    assert "Each of them noticed." in changed


@pytest.mark.slow
def test_without_openssl_the_demonstration_says_so_and_goes_on(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    sums = shutil.which("sha256sum")
    if sums:
        (programs / "sha256sum").symlink_to(sums)

    story = told(tmp_path / "demo", str(programs))

    assert "No stamps in this run" in story
    assert "there is no openssl on this machine" in story
    assert "Each of them noticed." in story
