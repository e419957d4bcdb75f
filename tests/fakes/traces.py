"""What is left of an exhibit on the disk, and whether the log explains every entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from svitlo.seal import commitment
from tests.fakes.office import exhibit_of

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


def secrets_of(ident: str) -> tuple[str, bytes]:
    """The name of the exhibit's body, and the header that opens it."""
    from svitlo.store.models import BlobHeader

    row = BlobHeader.objects.select_related("blob").get(blob=exhibit_of(ident).blob)
    return row.blob.name, bytes(row.header)


def traces(folder: Path, *secrets: bytes) -> list[str]:
    """The files below the folder that hold one of these runs of bytes."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]


def wrapped_key(header: bytes) -> bytes:
    """A piece of the header that stands in no other: the wrapped file key."""
    from svitlo.seal.header import parse_header

    return parse_header(header).stanzas[0].body[:24]


def check_log(node: Node) -> dict[str, int]:
    """How many entries of the spine are of each kind; each is explained, and each proof holds."""
    from svitlo.node.journeys.logkeeping import close_epoch
    from svitlo.seal.tree import leaf_hash, verify_inclusion
    from svitlo.store.models import Entry, Statement

    head = close_epoch(node).checkpoint
    reader = node.log(node.spine)
    proofs = reader.tiles(head.size)
    stones = {
        row.value.body["index"]
        for row in Statement.objects.filter(type="tombstone.statement", state="active")
    }
    key, kinds = node.keyring.dummy_key(node.now().year), dict.fromkeys(("open", "gone"), 0)
    for row in Entry.objects.filter(log__origin=node.spine).select_related("statement"):
        entry, said = bytes(row.entry), row.statement
        verify_inclusion(
            leaf_hash(entry), row.index, head.size, path=proofs.inclusion(row.index), root=head.root
        )
        if said is not None and said.state == "erased":
            assert (bytes(said.salt), bytes(said.text), row.index in stones) == (b"", b"", True)
            kinds["gone"] += 1
        elif said is not None:
            commitment.check_opening(entry, bytes(said.salt), bytes(said.text))
            kinds["open"] += 1
        else:
            assert entry[:1] == b"\x02" or entry == commitment.dummy_entry(key, row.index)
    return kinds
