"""Who owns the machine changes tables, objects and heads; what was signed finds it out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from svitlo.errors import DigestMismatch
from tests.journeys.test_checking import codes, examined, tampered
from tests.journeys.test_logkeeping import closed

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node

WHERE = {
    "FIRST": "WHERE seq = (SELECT min(seq) FROM store_exhibit)",
    "LAST": "WHERE seq = (SELECT max(seq) FROM store_statement WHERE type = 'custody.event')",
    "ABOUT": "WHERE statement_id = (SELECT max(seq) FROM store_statement"
    " WHERE type = 'custody.event')",
}


@pytest.fixture
def sealed(node: Node, actor: Actor, tmp_path: Path) -> Node:
    from svitlo.node.journeys.holding import place_holds
    from svitlo.node.journeys.intake import Offer, take_in

    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(3):
        (folder / f"f{n}.txt").write_bytes(bytes([n]) * 100)
    take_in(node, actor, Offer(paths=(bytes(folder),)))
    place_holds(node, actor, ["case:general"], reason="trial")
    closed(node)
    return node


ATTACKS = {
    "other digest": "UPDATE store_exhibit SET sha256 = zeroblob(32) FIRST",
    "other size": "UPDATE store_exhibit SET size = size + 1 FIRST",
    "other name": "UPDATE store_exhibit SET path = x'61' FIRST",
    "other case": "UPDATE store_exhibit SET \"case\" = 'cold' FIRST",
    "called disposed of": "UPDATE store_exhibit SET state = 'disposed' FIRST",
    "dropped": "DELETE FROM store_exhibit FIRST",
    "event hidden": "DELETE FROM store_subject ABOUT",
    "event of another type": "UPDATE store_statement SET type = 'x.y' LAST",
    "event at another time": "UPDATE store_statement SET at = '2020-01-01T00:00:00Z' LAST",
    "hold lifted": "DELETE FROM store_hold",
    "another officer's key": "UPDATE store_personkey SET public = zeroblob(32)",
}


def sql(attack: str) -> str:
    first, _, word = attack.rpartition(" ")
    return f"{first} {WHERE[word]}" if word in WHERE else attack


@pytest.mark.parametrize("name", ATTACKS)
def test_a_row_that_differs_from_what_was_stated_is_found(sealed: Node, name: str) -> None:
    assert examined(sealed).holds

    tampered("PRAGMA defer_foreign_keys = ON", sql(ATTACKS[name]))

    assert codes(examined(sealed)) & {"tables", "columns"}


def test_an_object_replaced_together_with_its_digests_is_found(sealed: Node, actor: Actor) -> None:
    """Acceptance 12: the forger has the node's key and seals other bytes under the old name."""
    from svitlo.node.journeys.preservation import verify_full
    from svitlo.node.unsealing import Vault
    from svitlo.store.models import Exhibit

    target, other = Exhibit.objects.select_related("blob").order_by("seq")[:2]
    content = b"\x01" * 100
    with Vault(sealed) as vault:
        assert b"".join(vault.blocks(other)) == content
    sha256, tree = hashlib.sha256(content).hexdigest(), blake3(content).hexdigest()
    places = f"off = {other.off}, blob_id = {other.blob_id}"
    digests = f"sha256 = x'{sha256}', blake3 = x'{tree}'"
    tampered(sql(f"UPDATE store_exhibit SET {places}, {digests} FIRST"))  # noqa: S608 - the attack
    rows = list(Exhibit.objects.select_related("blob", "statement"))
    with Vault(sealed) as vault:
        for row in rows:
            vault.check(row)  # the bytes fit the forged row

    found = verify_full(sealed, actor, rows, progress=lambda *_: None)

    assert list(found.failed) == [target.ident]
    assert "tables" in codes(examined(sealed))


def test_a_forged_row_does_not_go_out(sealed: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    tampered(sql(ATTACKS["other digest"]))

    with pytest.raises(DigestMismatch):
        make_dossier(sealed, actor, Disclosure(is_all=True, target=tmp_path / "out"))


@pytest.mark.parametrize("at", [3, -40])
def test_a_static_checkpoint_with_a_broken_line_is_found(node: Node, at: int) -> None:
    path = node.published(node.spine) / "checkpoint"
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.unlink()
    path.write_bytes(content)

    assert "file" in codes(examined(node))
