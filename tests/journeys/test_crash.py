"""A node that is killed at any moment loses nothing that it acknowledged, and never forks."""

import hashlib
import os
import random
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from svitlo.node.acting import actor_of
from svitlo.node.opening import open_node
from svitlo.node.settings import load_settings, write_settings
from tests.conftest import release
from tests.fakes.crashing import Life, Moment, Say, Trap, live
from tests.fakes.power import cut_power, inodes_in, recording
from tests.fakes.promises import Promises, check_receipt

RUNS = 300
MANY_RUNS = 1000
POWER_CUTS = 40
KILLS = 3
MOMENTS: tuple[Moment, ...] = ("before", "half", "after")
OFFERED = 18
REJECTED = {"broken_archive": 1, "symlink": 1}
Work = Callable[[Say], None]


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder whose fsync costs nothing, where there is one: a killed process needs no more."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder below it
    place = memory if os.access(memory, os.W_OK) else tmp_path
    folder = Path(tempfile.mkdtemp(prefix="svitlo-crash-", dir=place))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def small_groups(founded: Path, quick: Path, django_db_blocker: Any) -> Iterator[Path]:
    """The folder of a node that makes few items durable together, to be copied."""
    shutil.copytree(founded, quick / "founded")
    settings = load_settings(quick / "founded")
    write_settings(
        quick / "founded",
        replace(settings, segment_member_max=2000, group_items=4, log_epoch_cap=96),
    )
    with django_db_blocker.unblock():
        yield quick / "founded"
        release()


def drawing(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a run that failed must come again


def offer_in(folder: Path) -> dict[str, bytes]:
    """Small and large files, an empty one, the same bytes twice, an archive, things refused."""
    folder.mkdir()
    draw = drawing(7)
    contents = [draw.randbytes(size) for size in (0, 1, 700, 1999, 300, 50, 40, 9)]
    contents += [draw.randbytes(70_000), draw.randbytes(2001)]
    contents.append(contents[-1])
    for number, content in enumerate(contents):
        (folder / f"f{number:02}").write_bytes(content)
    members = [draw.randbytes(size) for size in (10, 5000, 0)]
    with zipfile.ZipFile(folder / "g.zip", "w") as archive:
        for number, content in enumerate(members):
            archive.writestr(f"member-{number}", content)
    (folder / "h.zip").write_bytes((folder / "g.zip").read_bytes()[:-30])
    (folder / "i").symlink_to("f01")
    everything = [*contents, *members, *(path.read_bytes() for path in folder.glob("[gh].*"))]
    return {hashlib.sha256(content).hexdigest(): content for content in everything}


def taking_in(node_folder: Path, offered: Path) -> Work:
    """An intake that says of every exhibit that its statement is durable, and then its receipt."""

    def work(say: Say) -> None:
        from django.db.transaction import Atomic

        from svitlo.node.journeys.intake import Offer, take_in
        from svitlo.store.models import Exhibit

        node = open_node(node_folder)
        leave = Atomic.__exit__
        seen: set[str] = set()

        def leave_and_say(self: Atomic, *exception: Any) -> None:
            leave(self, *exception)
            new = {
                ident: bytes(sha256).hex()
                for ident, sha256 in Exhibit.objects.values_list("ident", "sha256")
                if ident not in seen
            }
            if new:
                seen.update(new)
                say({"exhibits": new})

        setattr(Atomic, "__exit__", leave_and_say)  # noqa: B010 - a method of the library, in a child
        offer = Offer(paths=(bytes(offered),), has_members=True)
        receipt = take_in(node, actor_of(node), offer)
        say({"receipt": receipt.value["intake"], "notes": [receipt.value["checkpoint"]]})

    return work


def logging(node_folder: Path) -> Work:
    """Reads and holds that are written down, and epochs that are closed, again and again."""

    def work(say: Say) -> None:
        from svitlo.node.asserting import Happening, custody_statement
        from svitlo.node.audit import record
        from svitlo.node.journeys.logkeeping import close_epoch
        from svitlo.record.custody import Event

        node = open_node(node_folder)
        actor = actor_of(node)
        for count in (1, 70, 3):
            for event in (Event.VIEW, Event.VERIFY):
                happening = Happening(event=event, subject=[], what="exhibit", result="intact")
                said = [custody_statement(node, actor, happening) for _ in range(count)]
                record(node, *said)
                say({"statements": [statement.id for statement in said]})
            say({"notes": [close_epoch(node).note.decode()]})

    return work


def finish_intake(promises: Promises, offered: int) -> None:
    """The same offer closes: by a receipt that was given already, or now."""
    from svitlo.store.models import Intake

    open_node(promises.folder)
    if not Intake.objects.filter(state="closed").exists():
        release()
        life = live(taking_in(promises.folder, promises.folder.parent / "offered"))
        list(map(promises.hear, life.said))
    node = promises.check()
    intake = Intake.objects.get()
    check_receipt(node, intake.ident, offered=offered, rejected=REJECTED)
    assert list((node.folder / "spool").iterdir()) == [], "a dead part was left"


def kill_often(
    template: Path, work_on: Callable[[Path], Work], draw: random.Random, runs: int
) -> Iterator[tuple[Promises, int]]:
    """Nodes whose work was killed up to three times, checked after each death; and how many."""
    from svitlo.store.models import Intake

    whole = _rehearse(template, work_on)
    points = len(whole.points)
    while runs > 0:
        folder = template.parent / "node"
        shutil.copytree(template, folder)
        promises = Promises(folder, CONTENTS)
        for _ in range(KILLS):
            life = _killed_life(work_on(folder), draw, points, whole.lasted_s)
            runs -= 1
            list(map(promises.hear, life.said))
            promises.check()
            is_over = Intake.objects.filter(state="closed").exists()
            release()
            if is_over or not life.was_killed:
                break
        yield promises, runs
        release()
        shutil.rmtree(folder)


CONTENTS: dict[str, bytes] = {}


def _rehearse(template: Path, work_on: Callable[[Path], Work]) -> Life:
    folder = template.parent / "rehearsal"
    shutil.copytree(template, folder)
    life = live(work_on(folder))
    shutil.rmtree(folder)
    return life


def _killed_life(work: Work, draw: random.Random, points: int, lasted_s: float) -> Life:
    """One child: two of three die at a write point, one at any moment."""
    if draw.random() < 1 / 3:
        return live(work, kill_after_s=draw.uniform(0, lasted_s))
    return live(work, trap=Trap(draw.randrange(points), draw.choice(MOMENTS)))


def crash_intakes(template: Path, seed: int, runs: int) -> None:
    CONTENTS.update(offer_in(template.parent / "offered"))
    offered = template.parent / "offered"

    def work_on(folder: Path) -> Work:
        return taking_in(folder, offered)

    for promises, _ in kill_often(template, work_on, drawing(seed), runs):
        finish_intake(promises, OFFERED)


def crash_logs(template: Path, seed: int, runs: int) -> None:
    for promises, _ in kill_often(template, logging, drawing(seed), runs):
        life = live(logging(promises.folder))
        list(map(promises.hear, life.said))
        promises.check()


def test_no_acknowledged_exhibit_is_lost_when_sealing_is_killed(small_groups: Path) -> None:
    crash_intakes(small_groups, seed=1, runs=RUNS // 2)


def test_the_log_never_forks_when_appending_and_signing_are_killed(small_groups: Path) -> None:
    crash_logs(small_groups, seed=2, runs=RUNS // 2)


def test_no_acknowledged_exhibit_is_lost_when_the_power_is_cut(small_groups: Path) -> None:
    draw, lost, receipts = drawing(5), 0, 0
    CONTENTS.update(offer_in(small_groups.parent / "offered"))
    work_on = partial(taking_in, offered=small_groups.parent / "offered")
    points = len(_rehearse(small_groups, work_on).points)
    for _ in range(POWER_CUTS):
        folder = small_groups.parent / "node"
        shutil.copytree(small_groups, folder)
        promises, before = Promises(folder, CONTENTS), inodes_in(folder)
        trap = Trap(draw.randrange(points // 4, points * 5 // 4), draw.choice(MOMENTS))

        life = live(recording(work_on(folder)), trap=trap)
        lost += cut_power(folder, before, life.said)

        list(map(promises.hear, life.said))
        node = promises.check(is_published=False)
        for intake in (said["receipt"] for said in life.said if "receipt" in said):
            check_receipt(node, intake, offered=OFFERED, rejected=REJECTED)
            receipts += 1
        release()
        shutil.rmtree(folder)
    assert lost
    assert receipts


@pytest.mark.slow
def test_a_thousand_deaths_change_nothing(small_groups: Path) -> None:
    crash_intakes(small_groups, seed=3, runs=MANY_RUNS // 2)
    crash_logs(small_groups, seed=4, runs=MANY_RUNS // 2)
