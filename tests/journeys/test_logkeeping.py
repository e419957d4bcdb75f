"""Keeping the logs: whatever happens to disk, backup or process, two histories are never signed."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import ForkError, LogStateError
from svitlo.seal.checkpoint import parse_checkpoint
from svitlo.seal.note import open_note, parse_note, parse_vkey
from svitlo.seal.signature import verifier
from tests.conftest import release
from tests.fakes.witness import Neighbour, neighbour, run, settled

if TYPE_CHECKING:
    from svitlo.node.acting import Actor
    from svitlo.node.journeys.logkeeping import Head
    from svitlo.node.opening import Node
    from svitlo.store.models import Statement

__all__ = ["neighbour", "settled"]

ROOT = Path(__file__).resolve().parents[2]
ADDS = """
import sys
from pathlib import Path
from svitlo.node.opening import open_node
node = open_node(Path(sys.argv[1]))
from svitlo.node.acting import actor_of
from svitlo.node.journeys.logkeeping import close_epoch
from tests.journeys.test_logkeeping import state
for _ in range(4):
    state(node, actor_of(node), 3)
    close_epoch(node)
"""


def state(node: Node, actor: Actor, count: int) -> None:
    """So many statements wait for their place in the spine."""
    from svitlo.node.asserting import Happening, custody_statement
    from svitlo.node.audit import record
    from svitlo.record.custody import Event
    from svitlo.store.writing import in_units

    noted = Happening(event=Event.ANNOTATE, subject=[], what="exhibit", result="noted")
    for part in in_units(range(count), 100):
        record(node, *(custody_statement(node, actor, noted) for _ in part))


def closed(node: Node) -> Head:
    from svitlo.node.journeys.logkeeping import close_epoch

    return close_epoch(node)


def signed_sizes(node: Node) -> list[int]:
    from svitlo.store.models import Checkpoint

    rows = Checkpoint.objects.filter(log__origin=node.spine).order_by("size")
    return list(rows.values_list("size", flat=True))


def evidence() -> list[Statement]:
    from svitlo.store.models import Statement

    return list(Statement.objects.filter(type="fork.evidence"))


def copied_database(node: Node, target: Path) -> Path:
    release()
    return Path(shutil.copy(node.folder / "svitlo.db", target))


def put_back(node: Node, database: Path) -> None:
    release()
    shutil.copy(database, node.folder / "svitlo.db")
    for ending in ("-wal", "-shm"):
        (node.folder / f"svitlo.db{ending}").unlink(missing_ok=True)


def test_an_epoch_is_signed_by_both_keys_and_served(node: Node, actor: Actor) -> None:
    state(node, actor, 3)

    head = closed(node)

    names = [line.name for line in parse_note(head.note).signatures]
    assert head.is_new
    assert names == [node.spine, node.spine]
    assert (node.published(node.spine) / "checkpoint").read_bytes() == head.note
    assert not head.remarks


def test_where_nothing_waits_nothing_is_signed(node: Node, actor: Actor) -> None:
    first = closed(node)

    again = closed(node)

    assert not again.is_new
    assert again.note == first.note


def test_an_old_database_signs_nothing(node: Node, actor: Actor, tmp_path: Path) -> None:
    closed(node)
    backup = copied_database(node, tmp_path / "backup.db")
    state(node, actor, 100)
    closed(node)
    put_back(node, backup)
    state(node, actor, 5)
    before = signed_sizes(node)

    with pytest.raises(LogStateError, match="behind"):
        closed(node)

    assert signed_sizes(node) == before


def test_an_old_database_that_grew_past_the_head_is_a_fork(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.store.log.sequencing import sequence

    closed(node)
    backup = copied_database(node, tmp_path / "backup.db")
    state(node, actor, 3)
    closed(node)
    put_back(node, backup)
    state(node, actor, 200)
    sequence(node.log(node.spine).log_id)

    with pytest.raises(ForkError):
        closed(node)

    assert len(evidence()) == 1
    with pytest.raises(LogStateError, match="ALARM"):
        closed(node)


def test_a_snapshot_of_the_machine_is_told_by_the_witness(
    node: Node, actor: Actor, neighbour: Neighbour, tmp_path: Path
) -> None:
    node = neighbour.witnessing(node)
    closed(node)
    release()
    shutil.copytree(node.folder, tmp_path / "snapshot")
    state(node, actor, 100)
    closed(node)
    release()
    shutil.rmtree(node.folder)
    shutil.copytree(tmp_path / "snapshot", node.folder)
    state(node, actor, 1)
    before = signed_sizes(node)

    with pytest.raises(LogStateError, match=r"b\.example/witness has cosigned"):
        closed(node)

    assert signed_sizes(node) == before


def test_a_snapshot_that_grew_past_the_witness_is_a_fork_with_both_notes(
    node: Node, actor: Actor, neighbour: Neighbour, tmp_path: Path
) -> None:
    from svitlo.store.log.sequencing import sequence

    node = neighbour.witnessing(node)
    closed(node)
    release()
    shutil.copytree(node.folder, tmp_path / "snapshot")
    state(node, actor, 3)
    theirs = closed(node).note
    release()
    shutil.rmtree(node.folder)
    shutil.copytree(tmp_path / "snapshot", node.folder)
    state(node, actor, 200)
    sequence(node.log(node.spine).log_id)

    with pytest.raises(ForkError, match="another history"):
        closed(node)

    body = evidence()[0].value.body
    assert parse_checkpoint(parse_note(body["theirs"].encode()).text) == parse_checkpoint(
        parse_note(theirs).text
    )
    assert body["ours"].startswith(node.spine)
    with pytest.raises(LogStateError, match="ALARM"):
        closed(node)


def test_without_a_witness_to_confirm_it_nothing_is_signed(
    node: Node, actor: Actor, neighbour: Neighbour
) -> None:
    from svitlo.store.models import Log, Pending

    node = neighbour.witnessing(node)
    neighbour.folder.rename(neighbour.folder.with_name("away"))
    state(node, actor, 2)
    before = signed_sizes(node)

    head = closed(node)

    assert not head.is_signed
    assert any("nothing is signed" in remark for remark in head.remarks)
    assert signed_sizes(node) == before
    assert not Pending.objects.exists()
    assert Log.objects.get(origin=node.spine).state == "unconfirmed"

    neighbour.folder.with_name("away").rename(neighbour.folder)
    assert closed(node).is_signed
    assert Log.objects.get(origin=node.spine).state == "open"


def test_the_witness_cosigns_and_the_line_is_served(
    node: Node, actor: Actor, neighbour: Neighbour
) -> None:
    node = neighbour.witnessing(node)
    state(node, actor, 2)

    head = closed(node)

    key = verifier(parse_vkey(neighbour.vkey))
    served = (node.published(node.spine) / "checkpoint").read_bytes()
    assert served == head.note
    assert open_note(served, [key])[1] == (key,)
    assert not head.remarks


def test_a_missing_cosignature_is_asked_for_again(
    node: Node, actor: Actor, neighbour: Neighbour
) -> None:
    state(node, actor, 2)
    alone = closed(node)

    head = closed(neighbour.witnessing(node))

    assert parse_note(head.note).text == parse_note(alone.note).text
    assert len(parse_note(head.note).signatures) == len(parse_note(alone.note).signatures) + 1


def test_a_witness_with_another_key_than_the_one_set_gives_no_line(
    node: Node, actor: Actor, neighbour: Neighbour
) -> None:
    stranger = "lv.example/witness+fd13f4b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
    node = replace(neighbour, vkey=stranger).witnessing(node)
    state(node, actor, 2)

    head = closed(node)

    assert "lv.example/witness" not in head.note.decode()
    assert any("no line of the key" in remark for remark in head.remarks)


def test_a_witness_that_lost_its_memory_confirms_nothing(
    node: Node, actor: Actor, neighbour: Neighbour, settled: Neighbour
) -> None:
    node = neighbour.witnessing(node)
    state(node, actor, 1)
    closed(node)
    shutil.rmtree(neighbour.folder)
    shutil.copytree(settled.folder, neighbour.folder)
    state(node, actor, 1)

    head = closed(node)

    assert not head.is_signed
    assert any("lost its memory" in remark for remark in head.remarks)


def test_a_crash_after_the_head_moved_signs_the_same_checkpoint(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.logkeeping import _present
    from svitlo.store.log.sequencing import pad, sequence

    closed(node)
    state(node, actor, 1)
    spine = node.log(node.spine)
    sequence(spine.log_id)
    pad(spine.log_id, node.keyring.dummy_key(node.now().year), 63)
    planned = _present(spine)
    node.heads().cas(node.spine, node.heads().read(node.spine), planned)

    head = closed(node)

    assert head.checkpoint == planned
    assert head.is_new


def test_static_files_that_a_crash_left_behind_are_written(node: Node, actor: Actor) -> None:
    from svitlo.node.checking import examine_log

    folder = node.published(node.spine)
    old = (folder / "checkpoint").read_bytes()
    state(node, actor, 300)
    head = closed(node)
    shutil.rmtree(folder / "tile" / "entries")
    (folder / "checkpoint").write_bytes(old)

    again = closed(node)

    assert again.note == head.note == (folder / "checkpoint").read_bytes()
    assert examine_log(node, node.spine).holds


def test_two_processes_that_close_epochs_at_once_make_one_history(node: Node) -> None:
    from svitlo.node.checking import examine_log

    release()
    command = [sys.executable, "-c", ADDS, str(node.folder)]

    both = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT) for _ in range(2)]
    errors = [one.communicate(timeout=120)[1] for one in both]

    assert [one.returncode for one in both] == [0, 0], errors
    sizes = signed_sizes(node)
    assert sizes == sorted(set(sizes))
    assert examine_log(node, node.spine).holds


def test_an_observer_cannot_tell_a_busy_epoch_from_a_quiet_one(node: Node, actor: Actor) -> None:
    def seen(count: int) -> tuple[int, list[int]]:
        state(node, actor, count)
        before = signed_sizes(node)[-1]
        head = closed(node)
        bundles = sorted((node.published(node.spine) / "tile" / "entries").glob("*.p/*"))
        return head.checkpoint.size - before, [path.stat().st_size % 35 for path in bundles]

    quiet, busy = seen(1), seen(60)

    assert quiet[0] == busy[0] == 64
    assert len(set(quiet[1] + busy[1])) == 1


def test_more_than_the_cap_is_signed_in_several_epochs(node: Node, actor: Actor) -> None:
    node = replace(node, settings=replace(node.settings, log_epoch_cap=64))
    before = signed_sizes(node)
    state(node, actor, 150)

    head = closed(node)

    sizes = signed_sizes(node)[len(before) - 1 :]
    steps = [after - earlier for earlier, after in itertools.pairwise(sizes)]
    assert max(steps) == 64
    assert head.checkpoint.size == sizes[-1]


def test_the_head_file_is_named_by_the_digest_of_the_origin(node: Node) -> None:
    closed(node)

    name = hashlib.sha256(node.spine.encode()).hexdigest()

    assert (node.folder / "heads" / name).is_file()


def test_the_command_line_tells_what_is_missing(node: Node, neighbour: Neighbour) -> None:
    release()
    with (node.folder / "svitlo.toml").open("a") as file:
        file.write(f'\n[[witnesses]]\nvkey = "{neighbour.vkey}"\nnode = "nowhere"\n')

    done = run(node.folder, "log", "show")

    assert done.returncode == 0
    assert "0 of 1 witnesses" in done.stdout


def test_what_was_signed_stays_signed_while_a_witness_is_away(
    node: Node, neighbour: Neighbour
) -> None:
    alone = closed(node)

    head = closed(replace(neighbour, folder=neighbour.folder / "nowhere").witnessing(node))

    assert head.note == alone.note
    assert any("does not answer" in remark for remark in head.remarks)
