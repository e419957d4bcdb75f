"""The whole run is without network as soon as the rules are collected, whatever runs first."""

from __future__ import annotations

import sys

from tests.rules import network


def pytest_configure() -> None:
    sys.addaudithook(network.deny)
