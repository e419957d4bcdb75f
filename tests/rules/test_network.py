from __future__ import annotations

import shutil
import socket
import subprocess
import sys

import pytest

from tests.conftest import lacking
from tests.rules import network
from tests.rules.sources import ROOT

CHILDREN = (
    "tests/learn",
    "tests/doors",
    "tests/journeys/test_disclosure.py",
    "tests/rooms/dossier",
    "tests/rooms/node/test_sandbox.py",
)
"""The tests that start other processes."""


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "news.example"])
def test_another_machine_is_refused(host: str) -> None:
    with pytest.raises(network.NetworkDeniedError):
        network.deny("socket.getaddrinfo", (host, 443, 0, 0, 0))


def test_a_connection_is_refused_before_it_is_made() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        pytest.raises(network.NetworkDeniedError),
    ):
        one.connect(("192.0.2.1", 9))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", ""])
def test_this_machine_is_allowed(host: str) -> None:
    network.deny("socket.connect", (None, (host, 80)))


@pytest.mark.slow
def test_processes_that_tests_start_need_no_network() -> None:
    unshare = shutil.which("unshare")
    alone = [unshare or "unshare", "--user", "--map-root-user", "--net"]
    if unshare is None or subprocess.run([*alone, "true"], check=False).returncode != 0:
        lacking("namespaces", "this system lets nobody make a network namespace")
    tests = [part for part in CHILDREN if (ROOT / part).exists()]
    pytest_alone = [sys.executable, str(ROOT / "tests" / "rules" / "alone.py")]

    done = subprocess.run(
        [*alone, *pytest_alone, "-q", "-m", "not slow", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]
