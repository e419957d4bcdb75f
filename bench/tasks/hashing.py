"""The peers in the standard library: hashlib over files, and a copy that hashes."""

import hashlib
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

BLOCK_BYTES = 1 << 20


def small(folder: str) -> Callable[[], int]:
    """How many files below a folder were found, read whole and hashed."""

    def work() -> int:
        count = 0
        for place, _, names in os.walk(folder):
            for name in names:
                with FileIO(f"{place}/{name}") as file:
                    hashlib.sha256(file.readall()).hexdigest()
                count += 1
        return count

    return work


def large(folder: str) -> Callable[[], int]:
    """How many bytes of the files in a folder were hashed, 1 MiB at a time."""
    paths = sorted(Path(folder).iterdir())

    def work() -> int:
        return sum(_hash(path) for path in paths)

    return work


def _hash(path: Path) -> int:
    state, room = hashlib.sha256(), memoryview(bytearray(BLOCK_BYTES))
    with FileIO(path) as file:
        while got := file.readinto(room):
            state.update(room[:got])
        state.hexdigest()
        return file.tell()


def copy(folder: str, into: str) -> Callable[[], int]:
    """How many bytes of the files in a folder were hashed and copied, 1 MiB at a time, durably."""
    paths = sorted(Path(folder).iterdir())
    Path(into).mkdir()

    def work() -> int:
        return sum(_copy(path, Path(into, path.name)) for path in paths)

    return work


def _copy(path: Path, to: Path) -> int:
    state, room = hashlib.sha256(), memoryview(bytearray(BLOCK_BYTES))
    with FileIO(path) as file, FileIO(to, "xb") as copied:
        while got := file.readinto(room):
            state.update(room[:got])
            copied.write(room[:got])
        state.hexdigest()
        os.fsync(copied.fileno())
        return file.tell()
