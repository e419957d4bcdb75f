"""Whoever watches an intake is told how far it is, also within a large file."""

import os
from dataclasses import replace
from pathlib import Path

from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from tests.fakes.offers import folder_of

MIB = 1 << 20


def told(node: Node, actor: Actor, folder: Path) -> list[tuple[int, int, int, int]]:
    from svitlo.node.journeys.intake import Offer, take_in

    steps: list[tuple[int, int, int, int]] = []
    take_in(
        node,
        actor,
        Offer(paths=(bytes(folder),)),
        progress=lambda *step: steps.append(step),
    )
    return steps


def test_a_large_file_moves_the_bar_while_it_is_read(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"film": bytes(40 * MIB), b"note": b"n"})

    steps = told(node, actor, folder)

    sizes = [size for _, size, _, _ in steps]
    assert sizes[:5] == [8 * MIB, 16 * MIB, 24 * MIB, 32 * MIB, 40 * MIB]
    assert [done for done, *_ in steps[:5]] == [0] * 5
    assert steps[-1] == (2, 40 * MIB + 1, 2, 40 * MIB + 1)


def test_small_files_are_told_by_the_group(node: Node, actor: Actor, tmp_path: Path) -> None:
    grouped = replace(node, settings=replace(node.settings, group_items=4))
    folder = folder_of(tmp_path / "in", {b"%d" % n: b"x" for n in range(10)})

    steps = told(grouped, actor, folder)

    assert [done for done, *_ in steps] == [4, 8, 10]
    assert {whole for *_, whole in steps} == {10}


def test_what_has_no_size_yet_leaves_the_bytes_unknown(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    steps: list[tuple[int, int, int, int]] = []
    reading, writing = os.pipe()
    os.write(writing, b"piped")
    os.close(writing)
    kept = os.dup(0)
    try:
        os.dup2(reading, 0)
        take_in(node, actor, Offer(paths=(b"-",)), progress=lambda *step: steps.append(step))
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)

    assert steps == [(1, 5, 1, 0)]
