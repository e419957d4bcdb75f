"""An office with people and exhibits: what tests of permission need."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from svitlo.node.acting import Actor, actor_of

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node
    from svitlo.store.models import Exhibit, Statement


@dataclass
class Office:
    """A node with Alice, who took the exhibits in, Bohdan and Chiara."""

    node: Node
    alice: Actor
    bohdan: Actor
    chiara: Actor

    def seal(self, folder: Path, contents: dict[str, bytes], case: str | None = None) -> list[str]:
        """The exhibits of these files, in the order of their names."""
        from svitlo.node.journeys.intake import Offer, take_in

        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        receipt = take_in(self.node, self.alice, Offer(paths=(bytes(folder),), case=case))
        rows = [row for row in receipt.rows() if row.ident]
        return [str(row.ident) for row in sorted(rows, key=lambda row: row.path)]

    def at_once(self) -> None:
        """Disposals need no time to think in this office."""
        self.node = replace(self.node, settings=replace(self.node.settings, disposal_days=0))

    def decided(self, ids: list[str], ground: str = "retention") -> None:
        """The disposal is proposed by Alice and approved by Bohdan."""
        from svitlo.node.journeys.disposal import approve, propose

        self.at_once()
        propose(self.node, self.alice, ids, ground=ground, authority="File plan, section 4")
        approve(self.node, self.bohdan, ids)


def make_office(node: Node) -> Office:
    """The office, its people with keys of their own."""
    from svitlo.node.journeys.vault_keys import add_person

    alice = actor_of(node)
    return Office(
        node=node,
        alice=alice,
        bohdan=actor_of(node, person=add_person(node, alice, "Bohdan")),
        chiara=actor_of(node, person=add_person(node, alice, "Chiara")),
    )


def exhibit_of(ident: str) -> Exhibit:
    from svitlo.store.models import Exhibit

    return Exhibit.objects.select_related("blob", "intake", "statement").get(ident=ident)


def content_of(node: Node, ident: str) -> bytes:
    from svitlo.node.unsealing import Vault

    with Vault(node) as vault:
        return b"".join(vault.blocks(exhibit_of(ident)))


def stated(event: str) -> list[Statement]:
    """The statements of that custody event, in order."""
    from svitlo.store.models import Statement

    rows = Statement.objects.filter(state="active").order_by("seq")
    return [row for row in rows if row.value.body.get("event") == event]


def headers_in_files(folder: Path) -> list[tuple[str, str]]:
    """Body name and header of every line of the header files of a place."""
    lines = [
        json.loads(line)
        for path in sorted((folder / "headers").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [(line["blob"], line["header"]) for line in lines]
