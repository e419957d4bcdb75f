"""Killed by SIGKILL at any write, a disposal, rewrap or reseal is finished by the same command."""

from __future__ import annotations

import base64
import os
import random
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from svitlo.node.acting import actor_of
from svitlo.node.opening import Node, open_node
from svitlo.node.settings import load_settings, write_settings
from tests.conftest import release
from tests.fakes.crashing import Moment, Say, Trap, live
from tests.fakes.office import content_of, exhibit_of, headers_in_files, make_office
from tests.fakes.traces import check_log, secrets_of, traces, wrapped_key

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENTS: tuple[Moment, ...] = ("before", "half", "after")
RUNS = 12
COMMANDS = ("dispose", "rewrap", "reseal")


@dataclass(frozen=True)
class Prepared:
    """A node that is copied for each run: what is sealed in it, and what must not open again."""

    folder: Path
    person: str
    contents: dict[str, bytes]
    going: list[str]
    secrets: dict[str, tuple[bytes, ...]]


@pytest.fixture
def prepared(founded: Path, django_db_blocker: Any) -> Iterator[Prepared]:
    """Two members of a segment and one of two equal large bodies are to go."""
    from svitlo.node.journeys.logkeeping import close_epoch
    from svitlo.node.journeys.vault_keys import rotate

    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder below it
    place = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="svitlo-erasure-", dir=place))
    with django_db_blocker.unblock():
        shutil.copytree(founded, folder / "node")
        write_settings(
            folder / "node",
            replace(
                load_settings(folder / "node"),
                segment_member_max=2000,
                second_place=str(folder / "node" / "second"),
                disposal_days=0,
            ),
        )
        office = make_office(open_node(folder / "node"))
        twin = os.urandom(5000)
        sealed = {f"f{n}": os.urandom(500) for n in range(4)} | {"g0": twin, "g1": twin}
        ids = office.seal(folder / "in", sealed)
        shutil.rmtree(folder / "in")
        rotate(office.node, office.alice)
        office.decided([*ids[:2], ids[4]], ground="erasure")
        close_epoch(office.node)
        yield Prepared(
            folder=folder / "node",
            person=office.alice.person,
            contents=dict(zip(ids, sealed.values(), strict=True)),
            going=[*ids[:2], ids[4]],
            secrets={
                ident: (wrapped_key(header), base64.b64encode(header))
                for ident in ids
                for _, header in [secrets_of(ident)]
            },
        )
        release()
    shutil.rmtree(folder)


def copied(prepared: Prepared, number: int) -> Path:
    """A node of its own for the run, with its second place inside."""
    folder = prepared.folder.parent / f"run-{number}"
    shutil.copytree(prepared.folder, folder)
    write_settings(folder, replace(load_settings(folder), second_place=str(folder / "second")))
    return folder


def carry_out(node: Node, prepared: Prepared, command: str) -> None:
    """The command, unless it was done to the end."""
    from svitlo.node.journeys import vault_keys
    from svitlo.node.journeys.disposal import dispose
    from svitlo.store.models import Disposal

    actor = actor_of(node, person=prepared.person)
    if command == "dispose":
        open_ones = Disposal.objects.filter(done__isnull=True).select_related("exhibit")
        ids = [disposal.exhibit.ident for disposal in open_ones]
        if ids:
            dispose(node, actor, ids, is_statement_erased=True)
    else:
        exhibits = [exhibit_of(ident) for ident in prepared.contents]
        getattr(vault_keys, command)(node, actor, exhibits)


def check(node: Node, prepared: Prepared, command: str) -> None:
    """Nothing is lost, nothing that should be gone opens, and the log explains everything."""
    going = prepared.going if command == "dispose" else []
    gone = prepared.secrets if command != "dispose" else {i: prepared.secrets[i] for i in going[:2]}
    staying = {i: content for i, content in prepared.contents.items() if i not in going}

    assert {ident: content_of(node, ident) for ident in staying} == staying
    assert traces(node.folder, *(secret for group in gone.values() for secret in group)) == []
    rows = {exhibit_of(ident).blob.name: secrets_of(ident)[1] for ident in staying}
    filed = {name: base64.b64decode(header) for name, header in headers_in_files(node.folder)}
    assert {name: filed[name] for name in rows} == rows
    assert check_log(node)["gone"] == len(going)


def killed_and_finished(prepared: Prepared, command: str, runs: int) -> None:
    draw = random.Random(11)  # noqa: S311 - a run that failed must come again

    def work(folder: Path) -> Any:
        def body(_: Say) -> None:
            carry_out(open_node(folder), prepared, command)

        return body

    release()
    whole = copied(prepared, 0)
    points = len(live(work(whole)).points)
    traps = [Trap(at, moment) for at in range(points) for moment in MOMENTS]
    killed = 0
    for number, trap in enumerate(draw.sample(traps, min(runs, len(traps))), 1):
        folder = copied(prepared, number)
        killed += live(work(folder), trap=trap).was_killed
        node = open_node(folder)
        carry_out(node, prepared, command)
        check(node, prepared, command)
        release()
        shutil.rmtree(folder)
    assert 2 * killed > min(runs, len(traps))  # the last points may not come: names are random


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_some_writes_it_is_finished(prepared: Prepared, command: str) -> None:
    killed_and_finished(prepared, command, RUNS)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_at_any_write_it_is_finished(prepared: Prepared, command: str) -> None:
    killed_and_finished(prepared, command, 10_000)
