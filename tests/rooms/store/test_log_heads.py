"""Heads: moved forward by whoever knows where they stand, and never to a second root."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import CheckpointError, ForkError, LogStateError
from svitlo.seal.checkpoint import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.store.log.heads import HeadStore

FIRST = Checkpoint("a.example/spine/1", 64, b"\x01" * 32)
SECOND = Checkpoint("a.example/spine/1", 128, b"\x02" * 32)


@pytest.fixture
def heads(tmp_path: Path) -> HeadStore:
    from svitlo.store.log.heads import HeadStore

    return HeadStore(tmp_path)


def test_a_head_moves_forward(heads: HeadStore) -> None:
    assert heads.read(FIRST.origin) is None

    heads.cas(FIRST.origin, None, FIRST)
    heads.cas(FIRST.origin, FIRST, SECOND)

    assert heads.read(FIRST.origin) == SECOND


def test_who_does_not_know_the_head_does_not_move_it(heads: HeadStore) -> None:
    heads.cas(FIRST.origin, None, FIRST)

    with pytest.raises(LogStateError, match="moved by another process"):
        heads.cas(FIRST.origin, None, SECOND)

    assert heads.read(FIRST.origin) == FIRST


def test_a_head_never_goes_back(heads: HeadStore) -> None:
    heads.cas(FIRST.origin, None, SECOND)

    with pytest.raises(LogStateError):
        heads.cas(FIRST.origin, SECOND, FIRST)


def test_one_size_never_has_two_roots(heads: HeadStore) -> None:
    heads.cas(FIRST.origin, None, FIRST)

    with pytest.raises(ForkError):
        heads.cas(FIRST.origin, FIRST, replace(FIRST, root=bytes(32)))


def test_logs_have_heads_of_their_own(heads: HeadStore) -> None:
    other = replace(SECOND, origin="a.example/audit/1")

    heads.cas(FIRST.origin, None, FIRST)
    heads.cas(other.origin, None, other)

    assert [heads.read(FIRST.origin), heads.read(other.origin)] == [FIRST, other]


def test_a_damaged_head_is_not_taken_for_none(heads: HeadStore, tmp_path: Path) -> None:
    heads.cas(FIRST.origin, None, FIRST)
    (path,) = [path for path in tmp_path.iterdir() if path.name != "lock"]
    path.write_bytes(b"nonsense")

    with pytest.raises(CheckpointError):
        heads.read(FIRST.origin)
