"""Sealing 20,000 files of 4 KiB by the real command, beside hashlib over the same files.

Every step counts: census, reading, two digests, age, segments, statements, commitments, tables,
SQLite with `synchronous=FULL`, sequencing, signing. CPU, the least of three rounds, warm cache.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.case import Case, Figure, Goal, Values
from bench.material import one_file, small_files

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ground import Ground, Spent


def seal(ground: Ground, folder: Path) -> Spent:
    """`exhibit add FOLDER` on a new node; every file must be sealed."""
    with ground.fresh("node") as node:
        ground.svitlo("init", node, "--state", "DE", "--name", "Contact point A")
        spent = ground.svitlo("--node", node, "exhibit", "add", folder)
    count = sum(len(names) for _, _, names in os.walk(folder))
    if not spent.said.startswith(f"{count} of {count} sealed, 0 rejected"):
        raise SystemExit(f"not all of {count} files were sealed: {spent.said}")
    return spent


def _all(ground: Ground) -> Values:
    return {"all": seal(ground, small_files(ground)).cpu_s}


def _one(ground: Ground) -> Values:
    return {"one": seal(ground, one_file(ground)).cpu_s}


def _hashlib(ground: Ground) -> Values:
    return {"hashlib": ground.task("hashing:small", small_files(ground)).cpu_s}


CASES = (
    Case(
        name="seal-small",
        measures=(_all, _one, _hashlib),
        figures=(
            Figure(
                name="seal-small",
                what="CPU s of `exhibit add` of 20,000 x 4 KiB, less that of one file; hashlib",
                ours=lambda v: v["all"] - v["one"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 4.5),
            ),
            Figure(
                name="seal-small-whole",
                what="CPU s of `exhibit add` of 20,000 x 4 KiB, the whole process; hashlib",
                ours=lambda v: v["all"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 6),
            ),
        ),
    ),
)
