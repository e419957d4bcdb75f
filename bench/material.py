"""What is measured with: small files and large ones, made once.

The content decides nothing about speed, so every file is the same block behind a counter.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench.ground import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ground import Ground

SMALL_FILES, SMALL_BYTES, SMALL_FOLDERS = 20_000, 4096, 20
LARGE_FILES, LARGE_MIB = 4, 256
COUNTER_BYTES = 8


def small_files(ground: Ground) -> Path:
    """20,000 files of 4 KiB in 20 folders; the first 8 bytes of each are a counter."""
    return ground.material("small", lambda folder: _write_small(folder, ground.count(SMALL_FILES)))


def large_files(ground: Ground) -> Path:
    """4 files of 256 MiB."""
    return ground.material(
        "large", lambda folder: _write_large(folder, ground.count(LARGE_MIB, least=2))
    )


def one_file(ground: Ground) -> Path:
    """A folder with one file of 4 KiB."""
    return ground.material("one", lambda folder: _write_small(folder, 1))


def _write_small(folder: Path, count: int) -> None:
    block = random.Random(1).randbytes(SMALL_BYTES - COUNTER_BYTES)  # noqa: S311 - not a secret
    for n in range(count):
        place = folder / f"{n % SMALL_FOLDERS:02d}"
        if n < SMALL_FOLDERS:
            place.mkdir(parents=True)
        (place / f"{n:05d}.bin").write_bytes(n.to_bytes(COUNTER_BYTES, "big") + block)


def _write_large(folder: Path, size_mib: int) -> None:
    folder.mkdir()
    block = random.Random(2).randbytes(MIB - COUNTER_BYTES)  # noqa: S311 - not a secret
    for n in range(LARGE_FILES):
        with (folder / f"{n}.bin").open("xb") as file:
            for mib in range(size_mib):
                file.write((n * size_mib + mib).to_bytes(COUNTER_BYTES, "big") + block)
