"""Close an intake: the signed batch, and a receipt that accounts for everything offered.

The batch statement carries the RFC 6962 root over the entries of the intake's exhibits in order, so
one signature of a person covers all of them and each can be shown alone. The list, a canonical line
an item, is digested into it. The receipt says `offered = sealed + rejected`, always.
"""

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from svitlo.errors import StorageError
from svitlo.node.acting import Actor
from svitlo.node.asserting import (
    Happening,
    append_to_log,
    custody_statement,
    new_statement,
    openings_of,
)
from svitlo.node.journeys.batches import Batch
from svitlo.node.journeys.logkeeping import close_epoch
from svitlo.node.journeys.preservation import copy_bodies
from svitlo.node.opening import Node
from svitlo.record.custody import Event
from svitlo.record.exhibit import BATCH, written_name
from svitlo.record.statement import LogKind
from svitlo.seal import canonical
from svitlo.seal.commitment import commit, commitment_entry
from svitlo.store.intaking import ResultRow, results
from svitlo.store.log.heads import sync_folder, write_durably
from svitlo.store.models import Entry, Intake
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import in_units, unit

FOLDER = "receipts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an intake: the JSON of the receipt, and where its files lie."""

    value: Mapping[str, Any]
    folder: Path
    row: int

    def rows(self) -> list[ResultRow]:
        """What became of each item, in the order of the census."""
        return list(results(self.row))

    @property
    def is_complete(self) -> bool:
        """Whether nothing was rejected."""
        return not self.value["rejected"]


@dataclass(slots=True)
class _Sums:
    """Counts of an intake while its list is written."""

    sealed: int = 0
    size: int = 0
    codes: Counter[str] = field(default_factory=Counter)


def close_intake(
    node: Node,
    actor: Actor,
    intake: Intake,
    *,
    batch: Batch | None,
    source: str | None,
    notes: Mapping[str, object],
) -> Receipt:
    """The receipt, after the batch is signed, the logs are signed and the list is on disk.

    `batch` is what the sealing of a whole intake left; None after one that was broken off, whose
    statements are then read back. `notes` are further members of the receipt.

    Raises:
        StorageError: an item is neither sealed nor rejected, so the receipt would not close.
    """
    folder = _folder_of(node, intake)
    sums = _Sums()
    digest = hashlib.sha256()
    with (folder / "intake.jsonl").open("wb") as file:
        for lines in in_units(_lines(intake, sums), 1024):
            block = b"".join(lines)
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if sums.sealed + sums.codes.total() != intake.offered:
        raise StorageError(
            f"{intake.offered} were offered, but {sums.sealed} are sealed and"
            f" {sums.codes.total()} rejected: the intake does not close"
        )
    batch = batch or batch_of(intake)
    root = base64.b64encode(batch.range.root()).decode()
    summary = {
        "offered": intake.offered,
        "sealed": sums.sealed,
        "rejected": sums.codes.total(),
        "bytes": sums.size,
        "list": digest.hexdigest(),
    }
    said = {"source": source} if source else {}
    _state_batch(node, actor, intake, {**summary, **said, "root": root})
    head = close_epoch(node)
    value = {
        "intake": intake.ident,
        **summary,
        "rejected_by_code": dict(sorted(sums.codes.items())),
        "batch": intake.ident.removeprefix("i-"),
        "batch_root": root,
        "index_range": _index_range(batch),
        "checkpoint": head.note.decode(),
        "case": intake.case,
        **notes,
    }
    remarks = [*head.remarks, *_copied(node, intake)]
    if remarks:
        value["remarks"] = remarks
    text = canonical.dumps(value)
    write_durably(folder / "receipt.json", text)
    intake.state, intake.receipt = "closed", text
    with unit():
        intake.save(update_fields=["state", "receipt"])
    return Receipt(value=value, folder=folder, row=intake.pk)


def _copied(node: Node, intake: Intake) -> list[str]:
    """What is to be said of the second place, which gets the bodies too and stops no intake."""
    if not node.settings.second_place:
        return []
    try:
        copy_bodies(node, intake=intake)
    except (StorageError, OSError) as error:
        return [f"the second copy is not complete ({error}): `svitlo vault copy` makes it so"]
    return []


def _folder_of(node: Node, intake: Intake) -> Path:
    """The folder of the intake's receipt, which is there durably."""
    folder = node.folder / FOLDER / intake.ident
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        sync_folder(folder.parent)
        sync_folder(node.folder)
    return folder


def _lines(intake: Intake, sums: _Sums) -> Iterator[bytes]:
    """The list of the intake, a canonical line an item, counted on the way."""
    for n, path, code, _, ident, size, sha256, _ in results(intake.pk):
        name = written_name(path)
        if ident is not None and sha256 is not None:
            sums.sealed += 1
            sums.size += size or 0
            text = f'{{"id":"{ident}","n":{n},{name},"sha256":"{sha256.hex()}","size":{size}}}\n'
        elif code:
            sums.codes[code] += 1
            text = f'{{"code":"{code}","n":{n},{name}}}\n'
        else:
            continue
        yield text.encode()


def batch_of(intake: Intake) -> Batch:
    """The batch of an intake, from its statements as they are kept."""
    batch = Batch()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.seq, s.salt, s.text FROM store_exhibit x"
            " JOIN store_statement s ON s.seq = x.statement_id WHERE x.intake_id = %s ORDER BY x.n",
            [intake.pk],
        )
        for rows in in_units(cursor, 1024):
            entries = [commitment_entry(commit(bytes(salt), bytes(text))) for _, salt, text in rows]
            batch.extend(rows[0][0], entries)
    return batch


def _state_batch(node: Node, actor: Actor, intake: Intake, summary: Mapping[str, Any]) -> None:
    """The batch and the seal event are stated, once."""
    batch = intake.ident.removeprefix("i-")
    if StatementRow.objects.filter(ident=batch).exists():
        return
    sealed = custody_statement(
        node,
        actor,
        Happening(
            event=Event.SEAL,
            subject=[intake.ident],
            what="intake",
            result="sealed",
            extra={"sealed": summary["sealed"], "rejected": summary["rejected"], "batch": batch},
        ),
    )
    statement = new_statement(
        node,
        BATCH,
        actor=actor.person,
        subject=[intake.ident],
        body={**summary, "count": summary["sealed"], "channel": "command"},
        basis=actor.purpose.basis,
        ident=batch,
    )
    openings = openings_of([sealed, actor.needed_signer("an intake").signed(statement)])
    with unit():
        append_to_log(node, LogKind.SPINE, openings)


def _index_range(batch: Batch) -> list[int]:
    """The log indices of the first and the last exhibit of the batch; empty when there is none."""
    rows = Entry.objects.filter(statement__in=[batch.first, batch.last]).order_by("index")
    indices = [int(index) for index in rows.values_list("index", flat=True)]
    return [indices[0], indices[-1]] if indices else []
