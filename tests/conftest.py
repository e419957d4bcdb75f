"""What all tests share: the folder of test data, and what a machine may lack."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import settings

from svitlo.node.acting import Actor, actor_of
from svitlo.node.opening import Node, open_node

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("svitlo", deadline=None)
settings.load_profile("svitlo")

KNOWN = frozenset(
    {"shared", "openssl", "namespaces", "landlock", "calls", "pdftotext", "python39", "coreutils"}
)
"""What a machine may lack; SVITLO_REQUIRE names those that must be there."""

REQUIRED = frozenset(filter(None, os.environ.get("SVITLO_REQUIRE", "").split(",")))

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    unknown = REQUIRED - KNOWN
    if unknown:
        pytest.exit(f"SVITLO_REQUIRE names {sorted(unknown)}; known are {sorted(KNOWN)}", 2)


def lacking(what: str, why: str) -> NoReturn:
    """Skip the test that needs what this machine lacks, or fail it where it is required."""
    assert what in KNOWN, f"{what} cannot be required: it is not in KNOWN"
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


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """A node's folder, founded once; tests work on copies of it."""
    from svitlo.node.opening import point_django_at

    folder = tmp_path_factory.mktemp("founded") / "node"
    with django_db_blocker.unblock():
        point_django_at(folder)
        from svitlo.node.journeys.founding import Founding, found_node
        from svitlo.node.journeys.logkeeping import close_epoch

        founding = Founding(state="DE", name="Contact point A", origin="a.example")
        close_epoch(found_node(folder, founding))
        release()
    return folder


@pytest.fixture
def node(founded: Path, tmp_path: Path, django_db_blocker: Any) -> Iterator[Node]:
    """A node of its own for the test, in `tmp_path / "node"`."""
    with django_db_blocker.unblock():
        shutil.copytree(founded, tmp_path / "node")
        yield open_node(tmp_path / "node")
        release()


@pytest.fixture
def actor(node: Node) -> Actor:
    """The first person of the node, with its default purpose and basis."""
    return actor_of(node)


def release() -> None:
    """No connection to a node's database is open any more."""
    from django.db import connections

    connections.close_all()
