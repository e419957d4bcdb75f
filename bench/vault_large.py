"""Sealing and checking 1 GiB in four files, beside hashlib over the same files.

CPU, the least of three rounds, warm cache, same disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.case import Case, Figure, Goal, Values, fixed
from bench.ground import MIB
from bench.material import large_files, one_file
from bench.vault_small import seal

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ground import Ground


def _command(ground: Ground) -> Values:
    spent = seal(ground, large_files(ground))
    return {"all": spent.cpu_s, "peak": spent.peak_bytes / MIB}


def _one(ground: Ground) -> Values:
    return {"one": seal(ground, one_file(ground)).cpu_s}


def _nowhere(ground: Ground) -> Values:
    return {"nowhere": ground.task("sealing:nowhere", large_files(ground)).cpu_s}


def _hashlib(ground: Ground) -> Values:
    return {"hashlib": ground.task("hashing:large", large_files(ground)).cpu_s}


def _copy(ground: Ground) -> Values:
    with ground.fresh("copy") as folder:
        return {"copy": ground.task("hashing:copy", large_files(ground), folder).cpu_s}


def _sealed_node(ground: Ground) -> Path:
    files = large_files(ground)

    def make(node: Path) -> None:
        ground.svitlo("init", node, "--state", "DE", "--name", "Contact point A")
        ground.svitlo("--node", node, "exhibit", "add", files)

    return ground.material("sealed", make)


def _keyless(ground: Ground) -> Values:
    return {"keyless": ground.task("vault:verify_sealed", node=_sealed_node(ground)).cpu_s}


def _full(ground: Ground) -> Values:
    return {"full": ground.task("vault:verify_full", node=_sealed_node(ground)).cpu_s}


CASES = (
    Case(
        name="seal-large",
        measures=(_command, _one, _copy, _nowhere, _hashlib),
        figures=(
            Figure(
                name="seal-large",
                what="CPU s of `exhibit add` of 4 x 256 MiB, less that of one small file; "
                "copy + SHA-256 + fsync",
                ours=lambda v: v["all"] - v["one"],
                peer=lambda v: v["copy"],
                goal=Goal("<=", 1.8),
            ),
            Figure(
                name="seal-large-nowhere",
                what="CPU s of sealing 4 x 256 MiB, three digests, written nowhere; hashlib",
                ours=lambda v: v["nowhere"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 2.3),
            ),
            Figure(
                name="seal-large-memory",
                what="peak MiB of `exhibit add` of 4 x 256 MiB; the 100 MiB allowed",
                ours=lambda v: v["peak"],
                peer=fixed(100),
                goal=Goal("<=", 1),
            ),
        ),
    ),
    Case(
        name="fixity-keyless",
        measures=(_keyless, _full, _hashlib),
        figures=(
            Figure(
                name="fixity-keyless",
                what="CPU s of checking 1 GiB without a key, stated and signed; hashlib",
                ours=lambda v: v["keyless"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 0.6),
            ),
            Figure(
                name="fixity-full",
                what="CPU s of checking 1 GiB with keys and both digests; hashlib",
                ours=lambda v: v["full"],
                peer=lambda v: v["hashlib"],
                goal=Goal("<=", 2.0),
            ),
        ),
    ),
)
