"""What all tests share: the folder of test data, and what a machine may lack."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

KNOWN = frozenset({"shared", "openssl"})
"""What a machine may lack; SVITLO_REQUIRE names those that must be there."""

REQUIRED = frozenset(filter(None, os.environ.get("SVITLO_REQUIRE", "").split(",")))

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    unknown = REQUIRED - KNOWN
    if unknown:
        pytest.exit(f"SVITLO_REQUIRE names {sorted(unknown)}; known are {sorted(KNOWN)}", 2)


def lacking(what: str, why: str) -> NoReturn:
    """Skip the test that needs what this machine lacks, or fail it where it is required."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required here, but {why}")
    pytest.skip(f"{what}: {why}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the repository."""
    if not SHARED.is_dir():
        lacking("shared", "there is no ../shared/data")
    return SHARED


@pytest.fixture(scope="session")
def openssl() -> str:
    """The path of the `openssl` program."""
    path = shutil.which("openssl")
    if path is None:
        lacking("openssl", "there is no such program on the PATH")
    return path
