"""Rebuilding: what the tables lost is written again from what was stated."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from svitlo.node.acting import Actor, actor_of
from tests.fakes.authority import authorities
from tests.journeys.test_logkeeping import closed
from tests.journeys.test_stamping import stamping

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node

__all__ = ["authorities"]

Snapshot = dict[str, list[tuple[Any, ...]]]

QUERIES = {
    "subject": "SELECT name, statement_id FROM store_subject",
    "person": "SELECT id, name, statement_id FROM store_person",
    "personkey": "SELECT p.id, k.key, k.public, k.statement_id FROM store_personkey k"
    " JOIN store_person p ON p.seq = k.person_id",
    "intake": 'SELECT id, state, "case", actor, offered, receipt FROM store_intake',
    "intakeitem": "SELECT i.id, t.ordinal, t.path, t.state, t.code FROM store_intakeitem t"
    " JOIN store_intake i ON i.seq = t.intake_id",
    "exhibit": 'SELECT x.seq, x.id, x.statement_id, i.id, x.n, x."case", x.path, x.size,'
    " x.sha256, x.blake3, b.name, x.off, x.state FROM store_exhibit x"
    " JOIN store_intake i ON i.seq = x.intake_id JOIN store_blob b ON b.seq = x.blob_id",
    "description": "SELECT x.id, d.statement_id, d.kind, d.skipped FROM store_description d"
    " JOIN store_exhibit x ON x.seq = d.exhibit_id",
    "hold": "SELECT id, subject, placed_by, placed_id, released_id FROM store_hold",
    "disposal": "SELECT x.id, d.proposed_by, d.proposed_id, d.approved_by, d.done_id"
    " FROM store_disposal d JOIN store_exhibit x ON x.seq = d.exhibit_id",
    "stamp": "SELECT c.size, s.authority, s.request, s.response, s.made_at, s.remark"
    " FROM store_stamp s JOIN store_checkpoint c ON c.id = s.checkpoint_id",
    "tile": "SELECT log_id, level, n, hashes FROM store_tile",
}
"""What each index table says, without the numbers that only the database gave."""

WIPED = (
    "disposal",
    "description",
    "hold",
    "stamp",
    "exhibit",
    "intakeitem",
    "intake",
    "personkey",
    "person",
    "subject",
    "tile",
)


def snapshot() -> Snapshot:
    from django.db import connection

    taken: Snapshot = {}
    with connection.cursor() as cursor:
        for table, query in QUERIES.items():
            cursor.execute(query)
            taken[table] = sorted(cursor.fetchall(), key=repr)
    return taken


def wipe(*tables: str) -> None:
    from django.db import connection

    from svitlo.store.writing import unit

    with unit(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM store_{table}")  # noqa: S608  # the names above


@pytest.fixture
def lived(node: Node, actor: Actor, tmp_path: Path, authorities: Any) -> Node:
    """A node in which something happened to every table."""
    from svitlo.node.description import Description
    from svitlo.node.journeys.describing import _state
    from svitlo.node.journeys.disposal import approve, dispose, propose
    from svitlo.node.journeys.holding import place_holds, release_holds
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.node.journeys.vault_keys import add_person
    from svitlo.store.models import Exhibit, Hold

    node = stamping(node, *authorities)
    node = replace(node, settings=replace(node.settings, disposal_days=0))
    offered = tmp_path / "offered"
    offered.mkdir()
    for number in range(5):
        (offered / f"photo {number}").write_bytes(bytes([number]) * 500)
    (offered / "link").symlink_to("nowhere")
    take_in(node, actor, Offer(paths=(os.fsencode(offered),)))
    second = actor_of(node, person=add_person(node, actor, "Second officer"))
    exhibits = list(Exhibit.objects.order_by("seq"))
    described = Description(kind={"mime": "image/png", "extension": "png"}, skipped="too_large")
    _state(node, actor, [(exhibits[0], described)])
    place_holds(node, actor, [exhibits[0].ident, exhibits[1].ident], reason="a case is open")
    release_holds(node, actor, [Hold.objects.order_by("seq")[1].ident], reason="it is over")
    gone = [exhibits[3].ident]
    propose(node, actor, [exhibits[2].ident, *gone], ground="retention", authority="Archive rule 7")
    approve(node, second, gone)
    dispose(node, second, gone)
    closed(node)
    return node


def test_every_table_is_the_same_row_by_row_after_all_are_lost(lived: Node) -> None:
    from svitlo.node.journeys.rebuilding import rebuild

    before = snapshot()
    assert all(before.values()), [table for table, rows in before.items() if not rows]
    wipe(*WIPED)

    rebuild(lived)

    after = snapshot()
    for table, rows in before.items():
        assert after[table] == rows, table


def test_where_all_is_right_nothing_is_written(lived: Node) -> None:
    from svitlo.node.journeys.rebuilding import rebuild

    assert not rebuild(lived).changes


def test_changed_rows_are_changed_back_and_invented_ones_go(lived: Node) -> None:
    from django.db import connection

    from svitlo.node.journeys.rebuilding import rebuild
    from svitlo.store.writing import unit

    before = snapshot()
    with unit(), connection.cursor() as cursor:
        cursor.execute("UPDATE store_exhibit SET path = 'other', n = n + 100")
        cursor.execute("UPDATE store_person SET name = 'Somebody'")
        cursor.execute("UPDATE store_hold SET released_id = NULL")
        cursor.execute("UPDATE store_disposal SET approved_by = ''")
        cursor.execute("UPDATE store_tile SET hashes = zeroblob(length(hashes))")
        cursor.execute(
            "INSERT INTO store_hold (id, subject, placed_by, placed_id)"
            " SELECT 'h-00000000000000000000000000', subject, placed_by, placed_id FROM store_hold"
            " LIMIT 1"
        )

    done = rebuild(lived)

    assert snapshot() == before
    assert done.changes["hold"] == {"added": 0, "changed": 1, "removed": 1}
    assert done.changes["exhibit"]["changed"] == 5


def test_lost_static_files_are_written_again(lived: Node) -> None:
    from svitlo.node.checking import examine_log
    from svitlo.node.journeys.rebuilding import rebuild

    shutil.rmtree(lived.published(lived.spine))
    assert not examine_log(lived, lived.spine).holds

    rebuild(lived)

    assert examine_log(lived, lived.spine).holds


def test_a_body_without_a_row_is_indexed_from_its_header_file(lived: Node) -> None:
    from svitlo.node.journeys.rebuilding import rebuild
    from svitlo.node.unsealing import Vault
    from svitlo.store.models import Exhibit

    wipe("disposal", "description", "exhibit", "blobheader", "blob")

    done = rebuild(lived)

    assert done.changes["blob"]["added"] == 2
    with Vault(lived) as vault:
        for exhibit in Exhibit.objects.filter(state="sealed"):
            content = b"".join(vault.blocks(exhibit))
            assert hashlib.sha256(content).digest() == bytes(exhibit.sha256)
