"""Keep the logs: close an epoch, sign what is durable, and never sign two histories.

An epoch closes in this order: the audit log is sequenced and signed, its head becomes a statement
of the spine, the spine is sequenced and padded, the new root is proven to continue the old one, the
head is moved durably, and only then is the checkpoint signed and published. A crash between the
last two signs the same checkpoint again, which is no fork.
"""

import base64
from dataclasses import dataclass

from svitlo.errors import ForkError, LogStateError, ProofError
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.keyring import AUDIT, SPINE
from svitlo.node.opening import Node
from svitlo.record.statement import LogKind
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint
from svitlo.seal.note import Note, format_note
from svitlo.seal.signature import sign_checkpoint
from svitlo.seal.tree import EMPTY_ROOT, verify_consistency
from svitlo.store.log.publishing import publish
from svitlo.store.log.reading import LogReader
from svitlo.store.log.sequencing import pad, padding, sequence
from svitlo.store.models import Checkpoint as CheckpointRow
from svitlo.store.models import Log, Pending
from svitlo.store.writing import unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A signed checkpoint of one of the node's logs; `is_new` when this call signed it."""

    checkpoint: Checkpoint
    note: bytes
    is_new: bool


def close_epoch(node: Node) -> Head:
    """Everything that waits stands in the logs, padded, signed and published.

    Raises:
        LogStateError: the tables are behind the head, or the log is frozen: nothing is signed.
        ForkError: the tables hold another history than the one that was signed.
    """
    audit = node.log(node.audit)
    while sequence(audit.log_id):
        pass
    head = sign_log(node, audit, AUDIT)
    if head.is_new:
        _state_audit_head(node, head.checkpoint)
    return _close_spine(node)


def _close_spine(node: Node) -> Head:
    """The spine is signed at its full size, in as many epochs as the cap demands."""
    spine = node.log(node.spine)
    cap = node.settings.log_epoch_cap
    dummy_key = node.keyring.dummy_key(node.now().year)
    while True:
        signed = _signed_size(spine)
        sequence(spine.log_id, limit=max(1, cap - (spine.size() - signed)))
        pad(spine.log_id, dummy_key, padding(spine.size() - signed, cap))
        head = sign_log(node, spine, SPINE)
        if not Pending.objects.filter(log_id=spine.log_id).exists():
            return head


def sign_log(node: Node, reader: LogReader, key_names: tuple[str, ...]) -> Head:
    """The signed checkpoint of a log at its present size; signed now unless it already is.

    Raises:
        LogStateError: the tables are behind the head, or the log is frozen.
        ForkError: the tables do not continue the head.
    """
    found = reader.checkpoint()
    size = reader.size()
    heads, origin = node.heads(), reader.log.origin
    head = heads.read(origin)
    root = reader.tiles(size).root() if size else EMPTY_ROOT
    checkpoint = Checkpoint(origin, size, root)
    check_continues(reader, head, checkpoint)
    if found is not None and found.size == size:
        return Head(checkpoint=checkpoint, note=bytes(found.note), is_new=False)
    if Log.objects.get(pk=reader.log_id).state != "open":
        raise LogStateError(f"the log {origin} is frozen: nothing more is signed")
    heads.cas(origin, head, checkpoint)
    now = node.now()
    keys = node.keyring.signing_keys(key_names)
    lines = tuple(sign_checkpoint(key, checkpoint, int(now.timestamp())) for key in keys)
    note = format_note(Note(format_checkpoint(checkpoint), lines))
    with unit():
        CheckpointRow.objects.create(
            log_id=reader.log_id, size=size, root=root, note=note, signed_at=now
        )
    publish(reader, node.published(origin), size, since=found.size if found else 0, note=note)
    return Head(checkpoint=checkpoint, note=note, is_new=True)


def check_continues(reader: LogReader, head: Checkpoint | None, new: Checkpoint) -> None:
    """Nothing, when the tables continue the history that was signed last.

    Raises:
        LogStateError: they hold fewer entries: a database from a backup.
        ForkError: they hold other entries.
    """
    if head is None:
        return
    if new.size < head.size:
        raise LogStateError(
            f"{head.origin} is behind: {head.size} entries were signed and the database holds"
            f" {new.size}, as after a restore from backup; nothing is signed until it is recovered"
        )
    try:
        verify_consistency(
            head.size,
            new.size,
            head.root,
            new.root,
            path=reader.tiles(new.size).consistency(head.size),
        )
    except ProofError as error:
        raise ForkError(
            f"the database holds another history of {head.origin} than the one signed: {error}",
            format_checkpoint(head),
            format_checkpoint(new),
        ) from None


def _signed_size(reader: LogReader) -> int:
    row = reader.checkpoint()
    return int(row.size) if row else 0


def _state_audit_head(node: Node, audit: Checkpoint) -> None:
    statement = new_statement(
        node,
        "audit.head",
        actor=node.settings.origin,
        subject=[audit.origin],
        body={
            "origin": audit.origin,
            "size": audit.size,
            "root": base64.b64encode(audit.root).decode(),
        },
    )
    openings = openings_of([statement])
    with unit():
        append_to_log(node, LogKind.SPINE, openings)
