"""Other people's logs in Python, in an environment of their own (requirements/peers-log.txt)."""

import os
from collections.abc import Callable
from pathlib import Path

from aics_tlog import (  # type: ignore[import-not-found]  # in .venv-peers only
    DirectoryTileStore,
    IncrementalTileWriter,
)
from pymerkle import SqliteTree  # type: ignore[import-not-found]  # in .venv-peers only

ENTRY_BYTES = 380


def aics_batches(folder: str, count: int, width: int) -> Callable[[], int]:
    """How many entries aics-tlog wrote as tiles, durably, so many at a time."""
    parts = _parts(count, width)

    def work() -> int:
        writer = IncrementalTileWriter(DirectoryTileStore(folder), size=0)
        for part in parts:
            writer.append(part)
        return count * width

    return work


def pymerkle_batches(folder: str, count: int, width: int) -> Callable[[], int]:
    """How many entries pymerkle kept in SQLite, so many at a time."""
    parts = _parts(count, width)
    Path(folder).mkdir()

    def work() -> int:
        with SqliteTree(str(Path(folder, "tree.db"))) as tree:
            for part in parts:
                tree.append_entries(part)
        return count * width

    return work


def _parts(count: int, width: int) -> list[list[bytes]]:
    return [[os.urandom(ENTRY_BYTES) for _ in range(width)] for _ in range(count)]
