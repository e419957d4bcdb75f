"""Checking a log: whatever is changed in tables or files is found and named."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from svitlo.node.acting import Actor, actor_of
from svitlo.node.opening import Node, open_node
from tests.conftest import release
from tests.journeys.test_logkeeping import closed, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from svitlo.node.checking import Examined


@pytest.fixture(scope="module")
def grown(founded: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """A node whose spine has several full tiles, openings and checkpoints; made once."""
    folder = tmp_path_factory.mktemp("grown") / "node"
    with django_db_blocker.unblock():
        shutil.copytree(founded, folder)
        node = open_node(folder)
        for count in (12, 300, 5):
            state(node, actor_of(node), count)
            closed(node)
        release()
    return folder


@pytest.fixture
def lived(grown: Path, tmp_path: Path, django_db_blocker: Any) -> Iterator[Node]:
    with django_db_blocker.unblock():
        shutil.copytree(grown, tmp_path / "node")
        yield open_node(tmp_path / "node")
        release()


@pytest.fixture
def actor(lived: Node) -> Actor:
    return actor_of(lived)


def examined(node: Node, kept: bytes | None = None) -> Examined:
    from svitlo.node.checking import examine_log

    return examine_log(node, node.spine, kept=kept)


def codes(done: Examined) -> set[str]:
    return {finding.code for finding in done.findings}


def tampered(*changes: str) -> None:
    """Somebody who owns the database removes its guards and changes it."""
    from django.db import connection

    from svitlo.store.writing import unit

    with unit(), connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')
        for change in changes:
            cursor.execute(change)


def test_a_log_that_nobody_touched_holds(lived: Node) -> None:
    done = examined(lived)

    assert done.holds
    assert done.entries == done.checkpoint.size if done.checkpoint else 0
    assert done.openings > 317


def test_the_audit_log_holds_too(lived: Node, actor: Actor) -> None:
    from svitlo.node.audit import note_read
    from svitlo.node.checking import examine_log
    from svitlo.record.custody import Event

    note_read(lived, actor, Event.SEARCH, [])
    closed(lived)

    done = examine_log(lived, lived.audit)

    assert done.holds
    assert done.openings == 1


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (["UPDATE store_entry SET entry = x'01' || zeroblob(32) WHERE \"index\" = 65"], "root"),
        (["UPDATE store_statement SET text = '{}' WHERE seq = 4"], "opening"),
        (["UPDATE store_statement SET salt = zeroblob(32) WHERE seq = 4"], "opening"),
        (['DELETE FROM store_entry WHERE "index" = 67'], "missing"),
        (['UPDATE store_entry SET statement_id = NULL WHERE "index" = 67'], "unexplained"),
        (
            [
                'UPDATE store_entry SET "index" = 100000 WHERE "index" = 65',
                'UPDATE store_entry SET "index" = 65 WHERE "index" = 66',
                'UPDATE store_entry SET "index" = 66 WHERE "index" = 100000',
            ],
            "root",
        ),
        (["UPDATE store_tile SET hashes = zeroblob(length(hashes)) WHERE level = 0"], "tile"),
        (["UPDATE store_log SET size = size - 64 WHERE kind = 'spine'"], "behind"),
        (["UPDATE store_checkpoint SET root = zeroblob(32) WHERE log_id = 1"], "signature"),
        (["UPDATE store_checkpoint SET note = replace(note, 'A', 'B')"], "signature"),
        (
            [
                'UPDATE store_entry SET statement_id = NULL WHERE "index" = 65',
                "DELETE FROM store_subject",
            ],
            "lost",
        ),
    ],
)
def test_a_change_of_the_tables_is_found(lived: Node, changes: list[str], found: str) -> None:
    tampered(*changes)

    assert found in codes(examined(lived))


@pytest.mark.parametrize("name", ["tile/0/000", "tile/1/000.p/2", "tile/entries/001", "checkpoint"])
def test_a_flipped_byte_of_a_static_file_is_found(lived: Node, name: str) -> None:
    path = lived.published(lived.spine) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if name != "checkpoint" else 20] ^= 1
    path.write_bytes(bytes(content))

    assert codes(examined(lived)) == {"file"}


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/001", "checkpoint"])
def test_a_static_file_that_is_gone_is_found(lived: Node, name: str) -> None:
    (lived.published(lived.spine) / name).unlink()

    assert codes(examined(lived)) == {"file"}


def test_whoever_signs_a_new_history_is_found_by_an_old_checkpoint(
    lived: Node, actor: Actor
) -> None:
    """Who owns keys, tables and head file can lay a whole new log; only what others kept tells."""
    from svitlo.node.journeys.logkeeping import published_size
    from svitlo.node.journeys.rebuilding import rebuild

    kept = (lived.published(lived.spine) / "checkpoint").read_bytes()
    tampered(
        "UPDATE store_entry SET entry = x'01' || zeroblob(32), statement_id = NULL"
        " WHERE \"index\" = 65 AND log_id = (SELECT id FROM store_log WHERE kind = 'spine')",
        "DELETE FROM store_checkpoint",
    )
    for path in (lived.folder / "heads").iterdir():
        path.unlink()
    rebuild(lived)
    state(lived, actor, 1)
    closed(lived)

    done = examined(lived, kept)

    assert published_size(lived.published(lived.spine)) > 0
    assert "kept" in codes(done)


def test_an_old_checkpoint_of_the_same_history_holds(lived: Node, actor: Actor) -> None:
    kept = (lived.published(lived.spine) / "checkpoint").read_bytes()
    state(lived, actor, 70)
    closed(lived)

    assert examined(lived, kept).holds
    assert examined(lived, kept.split(b"\n\n")[0] + b"\n").holds


def test_a_checkpoint_of_another_log_does_not_count(lived: Node) -> None:
    from tests.fakes import spine

    assert codes(examined(lived, spine.NOTE)) == {"kept"}


def test_every_entry_is_explained_and_a_hidden_one_is_an_alarm(lived: Node) -> None:
    from svitlo.node.inspection import show_log

    before = show_log(lived, lived.spine).completeness
    tampered('UPDATE store_entry SET statement_id = NULL WHERE "index" = 69')

    after = show_log(lived, lived.spine).completeness

    assert before.is_complete
    assert before.kinds["control"] == 1
    assert before.kinds.total() == lived.log(lived.spine).size()
    assert (after.kinds["unexplained"], after.unexplained) == (1, [69])


def test_an_erased_statement_is_explained_by_its_tombstone_alone(lived: Node, actor: Actor) -> None:
    from svitlo.node.asserting import new_statement
    from svitlo.node.audit import record
    from svitlo.node.inspection import show_log
    from svitlo.store.erasing import empty_openings
    from svitlo.store.models import Entry
    from svitlo.store.writing import unit

    entry = Entry.objects.get(log__origin=lived.spine, index=69)
    with unit():
        empty_openings([entry.statement_id or 0])
    assert show_log(lived, lived.spine).completeness.unexplained == [69]

    body = {"log": lived.spine, "index": 69, "ground": "erasure", "authority": "A court"}
    record(
        lived,
        new_statement(
            lived, "tombstone.statement", actor=actor.person, subject=[lived.spine], body=body
        ),
    )
    closed(lived)

    view = show_log(lived, lived.spine)
    assert view.completeness.is_complete
    assert view.completeness.kinds["tombstoned"] == 1
    assert examined(lived).holds


def test_a_proof_of_a_statement_leads_to_the_signed_root(lived: Node) -> None:
    from svitlo.node.inspection import proof_file
    from svitlo.node.journeys.rotation import log_verifiers
    from svitlo.node.keyring import SPINE
    from svitlo.seal.proof import check_tlog_proof, parse_tlog_proof
    from svitlo.store.models import Entry

    entry = Entry.objects.select_related("statement").get(log__origin=lived.spine, index=69)
    assert entry.statement is not None

    proof = parse_tlog_proof(proof_file(lived, entry.statement.ident))

    checked = check_tlog_proof(proof, bytes(entry.entry), log_verifiers(lived, SPINE))
    assert checked.size == lived.log(lived.spine).size()


def test_what_waits_for_its_place_has_no_proof_yet(
    lived: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.errors import NotFound
    from svitlo.node.inspection import proof_file
    from svitlo.store.models import Statement

    state(lived, actor, 1)
    newest = Statement.objects.order_by("-seq").first()
    assert newest is not None

    with pytest.raises(NotFound, match="waits"):
        proof_file(lived, newest.ident)
    with pytest.raises(NotFound, match="no exhibit"):
        proof_file(lived, "x-" + "0" * 26)
