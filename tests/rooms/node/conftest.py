"""Fixtures for the tests of the node."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tests.fakes.authority import authorities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["authorities"]


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """The most memory that was taken since the test began to ask (bytes)."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
