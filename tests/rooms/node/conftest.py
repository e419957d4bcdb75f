"""Fixtures for the tests of the node."""

from tests.fakes.authority import authorities

__all__ = ["authorities"]
