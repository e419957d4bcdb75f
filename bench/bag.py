"""Making and checking a bag of 20,000 small files, beside hashlib and bagit.py.

CPU, the least of three rounds, warm cache.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.case import Case, Figure, Goal, Values
from bench.material import small_files

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ground import Ground


def _payload(ground: Ground, name: str) -> Path:
    files = small_files(ground)
    return ground.material(name, lambda folder: shutil.copytree(files, folder / "data"))


def _bag(ground: Ground) -> Path:
    files = small_files(ground)

    def make(folder: Path) -> None:
        shutil.copytree(files, folder / "data")
        ground.task("bags:make", folder)

    return ground.material("bag", make)


def _hashlib(ground: Ground) -> Values:
    return {"hashlib": ground.task("hashing:small", small_files(ground)).cpu_s}


def _make(ground: Ground) -> Values:
    return {"make": ground.task("bags:make", _payload(ground, "ours")).cpu_s}


def _bagit_make(ground: Ground) -> Values:
    return {"bagit": ground.task("bags:bagit_make", _payload(ground, "theirs")).cpu_s}


def _verify(ground: Ground) -> Values:
    return {"verify": ground.task("bags:verify", _bag(ground)).cpu_s}


def _verify_own(ground: Ground) -> Values:
    return {"own": ground.task("bags:verify_own", _bag(ground)).cpu_s}


def _bagit_verify(ground: Ground) -> Values:
    return {"bagit": ground.task("bags:bagit_verify", _bag(ground)).cpu_s}


CASES = (
    Case(
        name="bag-make",
        measures=(_make, _hashlib, _bagit_make),
        figures=(
            Figure(
                name="bag-make",
                what="CPU s of making a bag of 20,000 x 4 KiB; hashlib",
                ours=lambda v: v["make"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 2.5),
            ),
            Figure(
                name="bag-make-bagit",
                what="CPU s of making a bag of 20,000 x 4 KiB; bagit.py; times less",
                ours=lambda v: v["make"],
                peer=lambda v: v["bagit"],
                goal=Goal(">=", 1),
                is_times_faster=True,
            ),
        ),
    ),
    Case(
        name="bag-verify",
        measures=(_verify, _verify_own, _hashlib, _bagit_verify),
        figures=(
            Figure(
                name="bag-verify",
                what="CPU s of checking any bag, here of 20,000 x 4 KiB; hashlib",
                ours=lambda v: v["verify"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 1.6),
            ),
            Figure(
                name="bag-verify-bagit",
                what="CPU s of checking any bag, here of 20,000 x 4 KiB; bagit.py; times less",
                ours=lambda v: v["verify"],
                peer=lambda v: v["bagit"],
                goal=Goal(">=", 4),
                is_times_faster=True,
            ),
            Figure(
                name="bag-verify-own",
                what="CPU s of checking a dossier's own bag, here of 20,000 x 4 KiB; hashlib",
                ours=lambda v: v["own"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 1.6),
            ),
        ),
    ),
)
