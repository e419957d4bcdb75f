"""What is offered to a node, and what came of it, in few words for tests."""

import json
import os
from pathlib import Path
from typing import Any

from svitlo.node.acting import Actor
from svitlo.node.journeys.receipts import Receipt
from svitlo.node.opening import Node


def taken(node: Node, actor: Actor, *paths: Path, **said: Any) -> Receipt:
    """The receipt of an intake of these paths; a receipt always closes."""
    from svitlo.node.journeys.intake import Offer, take_in

    receipt = take_in(node, actor, Offer(paths=tuple(map(bytes, paths)), **said))
    value, rows = receipt.value, receipt.rows()
    assert value["offered"] == value["sealed"] + value["rejected"] == len(rows)
    assert value["rejected"] == sum(value["rejected_by_code"].values())
    assert json.loads((receipt.folder / "receipt.json").read_bytes()) == value
    return receipt


def codes(receipt: Receipt) -> dict[bytes, str]:
    """Why each rejected thing was rejected, by the last part of its name."""
    return {row.path.rpartition(b"/")[2]: row.code for row in receipt.rows() if row.code}


def sealed(receipt: Receipt) -> list[bytes]:
    """The last part of the name of each sealed thing, in order."""
    return [row.path.rpartition(b"/")[2] for row in receipt.rows() if row.ident]


def opened(node: Node, receipt: Receipt) -> dict[bytes, bytes]:
    """The bytes of every exhibit of an intake, by its whole name, as they come out of the vault."""
    from svitlo.node.unsealing import Vault
    from svitlo.store.models import Exhibit

    with Vault(node) as vault:
        return {
            bytes(exhibit.path): b"".join(vault.blocks(exhibit))
            for exhibit in Exhibit.objects.filter(intake__ident=receipt.value["intake"])
        }


def folder_of(path: Path, contents: dict[bytes, bytes]) -> Path:
    """A new folder with these files; names are bytes."""
    path.mkdir()
    for name, content in contents.items():
        Path(os.fsdecode(bytes(path) + b"/" + name)).write_bytes(content)
    return path
