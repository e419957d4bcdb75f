"""What a node has promised, and whether it keeps it after it was killed.

An exhibit that was acknowledged opens to its bytes; a size that was signed has one root for ever;
a body is never less than its name says; a receipt closes.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from svitlo.node.opening import Node, open_node
from svitlo.seal.checkpoint import Checkpoint, parse_checkpoint
from svitlo.seal.commitment import commit, commitment_entry
from svitlo.seal.note import parse_note
from svitlo.seal.tiles import (
    Tiles,
    decode_bundle,
    encode_bundle,
    entries_path,
    stream_verify,
    tile_path,
)
from svitlo.seal.tree import leaf_hashes, root_of, verify_consistency


@dataclass
class Promises:
    """All that was ever acknowledged, signed or published by the node in `folder`.

    `contents` holds the true bytes of what is offered, by SHA-256 in hex.
    """

    folder: Path
    contents: Mapping[str, bytes] = field(default_factory=dict)
    exhibits: dict[str, str] = field(default_factory=dict)
    statements: set[str] = field(default_factory=set)
    roots: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def hear(self, said: dict[str, Any]) -> None:
        """What a child said is promised from now on."""
        self.exhibits.update(said.get("exhibits", {}))
        self.statements.update(said.get("statements", []))
        for note in said.get("notes", []):
            self.remember(parse_checkpoint(parse_note(note.encode()).text))

    def remember(self, checkpoint: Checkpoint) -> None:
        """The root of that size is known; another one is a fork."""
        place = checkpoint.origin, checkpoint.size
        assert self.roots.setdefault(place, checkpoint.root) == checkpoint.root, f"a fork: {place}"

    def check(self, *, is_published: bool = True) -> Node:
        """Everything promised is kept; returns the node, opened.

        The published files are a cache, which a power cut may take: then they are not asked for.
        """
        node = open_node(self.folder)
        self._check_bodies(node)
        self._check_headers(node)
        self._check_exhibits(node)
        for origin in (node.spine, node.audit):
            self._check_log(node, origin)
            if is_published:
                self._check_published(node, origin)
        return node

    def _check_bodies(self, node: Node) -> None:
        """Every object is whole, whether anybody knows it or not."""
        from svitlo.node.places import main_place
        from svitlo.store.models import Blob

        place = main_place(node)
        sizes = {name: place.check_body(name) for name in place.names()}
        for name, size in Blob.objects.values_list("name", "size"):
            assert sizes[name] == size, name

    def _check_headers(self, node: Node) -> None:
        """The second place of headers has every header that the tables have."""
        from svitlo.node.places import main_place
        from svitlo.store.models import BlobHeader

        kept = {name: header for name, header, _ in main_place(node).headers()}
        for name, header in BlobHeader.objects.values_list("blob__name", "header"):
            assert kept[name] == bytes(header), name

    def _check_exhibits(self, node: Node) -> None:
        from svitlo.node.unsealing import Vault
        from svitlo.store.models import Exhibit, Statement

        rows = {row.ident: row for row in Exhibit.objects.select_related("statement")}
        for ident, sha256 in self.exhibits.items():
            assert bytes(rows[ident].sha256).hex() == sha256, f"{ident} is lost"
        with Vault(node) as vault:
            for row in rows.values():
                content = b"".join(vault.blocks(row))
                assert content == self.contents[bytes(row.sha256).hex()], row.ident
                assert row.statement.value.body["sha256"] == bytes(row.sha256).hex()
        kept = set(Statement.objects.values_list("ident", flat=True))
        assert self.statements <= kept, "an acknowledged statement is lost"

    def _check_log(self, node: Node, origin: str) -> None:
        """The tables are one history, and continue every checkpoint that was ever seen."""
        from svitlo.store.models import Checkpoint as Row
        from svitlo.store.models import Entry, Pending, Statement

        reader = node.log(origin)
        for row in Row.objects.filter(log_id=reader.log_id):
            self.remember(Checkpoint(origin, row.size, bytes(row.root)))
        head = node.heads().read(origin)
        if head is not None:
            self.remember(head)
        size = reader.size()
        tiles = reader.tiles(size)
        root = tiles.root()
        stream_verify(size, reader.bundles(size), root)
        for (name, smaller), known in self.roots.items():
            if name == origin:
                assert smaller <= size, f"{smaller} entries were signed, {size} are left"
                path = tiles.consistency(smaller)
                verify_consistency(smaller, size, known, root, path=path)
        rows = [
            *Entry.objects.filter(log_id=reader.log_id).values_list("statement_id", flat=True),
            *Pending.objects.filter(log_id=reader.log_id).values_list("statement_id", flat=True),
        ]
        stated = sorted(filter(None, rows))
        known_rows = Statement.objects.filter(log_id=reader.log_id).values_list("seq", flat=True)
        assert stated == sorted(known_rows), "a statement stands twice, or nowhere"

    def _check_published(self, node: Node, origin: str) -> None:
        """The files alone are a whole log: whatever the checkpoint promises is there.

        A full tile stands for its partials (C2SP tlog-tiles).
        """
        folder = node.published(origin)
        if not (folder / "checkpoint").exists():
            return
        published = parse_checkpoint(parse_note((folder / "checkpoint").read_bytes()).text)
        self.remember(published)
        size = published.size

        def tile(level: int, n: int, width: int) -> bytes:
            path, full = folder / tile_path(level, n, width), folder / tile_path(level, n)
            return (path if path.exists() else full).read_bytes()[: 32 * width]

        def bundle(n: int, width: int) -> bytes:
            path, full = folder / entries_path(n, width), folder / entries_path(n)
            return encode_bundle(
                decode_bundle((path if path.exists() else full).read_bytes())[:width]
            )

        assert Tiles(size, tile).root() == published.root
        widths = [min(256, size - start) for start in range(0, size, 256)]
        bundles = [bundle(n, width) for n, width in enumerate(widths)]
        stream_verify(size, bundles, published.root)


def check_receipt(node: Node, intake_id: str, *, offered: int, rejected: Mapping[str, int]) -> None:
    """The receipt of a closed intake accounts for everything, and its batch root holds."""
    from svitlo.store.models import Entry, Exhibit, Intake, Statement

    intake = Intake.objects.get(ident=intake_id)
    assert intake.state == "closed"
    folder = node.folder / "receipts" / intake_id
    assert (folder / "receipt.json").read_bytes() == bytes(intake.receipt)
    receipt = json.loads(bytes(intake.receipt))
    assert receipt["offered"] == receipt["sealed"] + receipt["rejected"] == offered
    assert receipt["rejected_by_code"] == dict(rejected)

    lines = (folder / "intake.jsonl").read_bytes()
    assert hashlib.sha256(lines).hexdigest() == receipt["list"]
    items = [json.loads(line) for line in lines.splitlines()]
    assert [item["n"] for item in items] == list(range(offered))

    rows = list(Exhibit.objects.filter(intake=intake).order_by("n"))
    assert [item["id"] for item in items if "id" in item] == [row.ident for row in rows]
    stated = [s.value.body["intake"] for s in Statement.objects.filter(type="exhibit.sealed")]
    assert stated.count(intake_id) == len(rows) == receipt["sealed"], "sealed twice, or never"

    opened = [Statement.objects.get(pk=row.statement_id) for row in rows]
    entries = [commitment_entry(commit(bytes(s.salt), bytes(s.text))) for s in opened]
    assert base64.b64encode(root_of(leaf_hashes(entries))).decode() == receipt["batch_root"]
    logged = {row.statement_id: row for row in Entry.objects.filter(statement__in=opened)}
    assert [bytes(logged[s.pk].entry) for s in opened] == entries
    if rows:
        span = [logged[rows[0].statement_id].index, logged[rows[-1].statement_id].index]
        assert receipt["index_range"] == span
