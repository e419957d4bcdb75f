"""The log: appending durably, verifying in a stream, proving; beside the disk, hashing and others.

Appending and proving go through the tables of a real node. The median of nine rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.case import Case, Figure, Goal, Values, fixed, median
from bench.ground import MIB
from bench.peers import peer_python

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ground import Ground

BATCH = 256
BATCHES, SINGLES, PEER_BATCHES = 160, 1000, 8
LEAVES, PROVEN_LOG, PROOFS, COLD_PROOFS = 1_000_000, 200_000, 20_000, 2_000
PARTS = 16
PEER_PYTHON = (3, 12)
ROUNDS = 9
MICRO = 1e6


def _node(ground: Ground, name: str) -> Path:
    return ground.material(
        name, lambda node: ground.svitlo("init", node, "--state", "DE", "--name", "Contact point A")
    )


def _append(ground: Ground) -> Values:
    count = ground.count(BATCHES, least=2)
    spent = ground.task("appending:batches", count, node=_node(ground, "log"))
    return {"append": spent.wall_s / spent.said, "append_cpu": spent.cpu_s / spent.said}


def _single(ground: Ground) -> Values:
    count = ground.count(SINGLES, least=50)
    spent = ground.task("appending:single", count, node=_node(ground, "log"))
    return {"single": spent.wall_s / spent.said}


def _fdatasync(ground: Ground) -> Values:
    spent = ground.task("disk:fdatasync", ground.folder, ground.count(SINGLES, least=50))
    return {"fdatasync": spent.wall_s / spent.said}


def _aics(ground: Ground) -> Values:
    return _theirs(ground, "aics", "peers:aics_batches")


def _pymerkle(ground: Ground) -> Values:
    return _theirs(ground, "pymerkle", "peers:pymerkle_batches")


def _theirs(ground: Ground, name: str, task: str) -> Values:
    python = peer_python("log", PEER_PYTHON)
    with ground.fresh(name) as folder:
        count = ground.count(PEER_BATCHES, least=1)
        spent = ground.task(task, folder, count, BATCH, python=python)
    return {name: spent.wall_s / spent.said}


def _bundles(ground: Ground, size: int) -> Path:
    return ground.material(
        f"bundles-{size}", lambda folder: ground.task("leaves:write", folder, size)
    )


def _verify(ground: Ground) -> Values:
    size = ground.count(LEAVES)
    spent = ground.task("leaves:verify", _bundles(ground, size), size)
    return {"verify": spent.cpu_s, "peak": spent.peak_bytes / MIB}


def _verify_part(ground: Ground) -> Values:
    size = ground.count(LEAVES) // PARTS
    spent = ground.task("leaves:verify", _bundles(ground, size), size)
    return {"part_peak": spent.peak_bytes / MIB}


def _floor(ground: Ground) -> Values:
    return {"floor": ground.task("leaves:floor", ground.count(LEAVES)).cpu_s}


def _proven(ground: Ground, task: str, full: int) -> float:
    """Seconds a proof."""
    node = _node(ground, "proven")
    size = ground.count(PROVEN_LOG, least=1000)
    ground.material("grown", lambda _: ground.task("proving:grow", size, node=node))
    spent = ground.task(task, ground.count(full, least=100), node=node)
    return spent.wall_s / float(spent.said)


def _warm(ground: Ground) -> Values:
    return {"warm": _proven(ground, "proving:inclusion_warm", PROOFS)}


def _cold(ground: Ground) -> Values:
    return {"cold": _proven(ground, "proving:inclusion_cold", COLD_PROOFS)}


def _check(ground: Ground) -> Values:
    return {"check": _proven(ground, "proving:inclusion_check", PROOFS)}


def _consistency(ground: Ground) -> Values:
    return {"consistency": _proven(ground, "proving:consistency", COLD_PROOFS)}


def _consistency_check(ground: Ground) -> Values:
    return {"consistency_check": _proven(ground, "proving:consistency_check", COLD_PROOFS)}


def _rate(name: str, value: str, what: str, wanted: int) -> Figure:
    """A figure whose goal is so many a second; its ratio is to that number."""
    return Figure(
        name=name,
        what=f"{what} a second; the {wanted:,} asked for",
        ours=lambda v: 1 / v[value],
        peer=fixed(wanted),
        goal=Goal(">=", 1),
    )


def _beaten(name: str, peer: str, said: str) -> Figure:
    return Figure(
        name=name,
        what=f"durable appends a second in batches of {BATCH}, 380 bytes each; {said}",
        ours=lambda v: 1 / v["append"],
        peer=lambda v: 1 / v[peer],
        goal=Goal(">=", 1),
    )


CASES = (
    Case(
        name="log-append",
        measures=(_append, _single, _fdatasync, _aics, _pymerkle),
        rounds=ROUNDS,
        best=median,
        figures=(
            _rate(
                "log-append",
                "append",
                f"durable appends with their index, in batches of {BATCH}, 380 bytes each,",
                15_000,
            ),
            Figure(
                name="log-append-cpu",
                what=f"CPU us of one append with its index, in batches of {BATCH}; the 40 allowed",
                ours=lambda v: v["append_cpu"] * MICRO,
                peer=fixed(40),
                goal=Goal("<=", 1),
            ),
            Figure(
                name="log-append-single",
                what="durable appends a second, one statement each; fdatasyncs of 4 KiB a second",
                ours=lambda v: 1 / v["single"],
                peer=lambda v: 1 / v["fdatasync"],
                goal=Goal(">=", 0.8),
            ),
            _beaten("log-append-aics-tlog", "aics", "aics-tlog 0.2.1, tiles"),
            _beaten("log-append-pymerkle", "pymerkle", "pymerkle 7.0.0, SQLite, no proofs stored"),
        ),
    ),
    Case(
        name="log-verify",
        measures=(_verify, _verify_part, _floor),
        rounds=ROUNDS,
        best=median,
        figures=(
            Figure(
                name="log-verify",
                what="CPU s of verifying 1,000,000 entries from bundles on the disk; "
                "hashing as many leaves and nodes",
                ours=lambda v: v["verify"],
                peer=lambda v: v["floor"],
                goal=Goal("<=", 1.5),
            ),
            Figure(
                name="log-verify-memory",
                what=f"peak MiB of verifying 1,000,000 entries; of a {PARTS}th of them",
                ours=lambda v: v["peak"],
                peer=lambda v: v["part_peak"],
                goal=Goal("<=", 1.1),
            ),
        ),
    ),
    Case(
        name="log-proofs",
        measures=(_warm, _cold, _check, _consistency, _consistency_check),
        rounds=ROUNDS,
        best=median,
        figures=(
            _rate("log-proofs", "warm", "inclusion proofs out of a log of 200,000, warm", 15_000),
            _rate("log-proofs-cold", "cold", "inclusion proofs, each by a new reader", 2_000),
            _rate("log-proofs-check", "check", "inclusion proofs checked", 15_000),
            _rate("log-proofs-consistency", "consistency", "consistency proofs, warm", 3_000),
            _rate(
                "log-proofs-consistency-check",
                "consistency_check",
                "consistency proofs checked",
                15_000,
            ),
        ),
    ),
)
