"""Keep the logs: close an epoch, sign what is durable, and never sign two histories.

An epoch closes in this order: the tables are compared with the heads and with what witnesses last
saw; the audit log is sequenced and signed, its head becomes a statement of the spine; the spine is
sequenced and padded, the new root is proven to continue the old one, the head is moved durably, and
only then is the checkpoint signed and published; witnesses cosign it and authorities stamp it. A
crash between moving the head and publishing signs the same checkpoint again, which is no fork.

Where no witness confirms the log, entries are kept and numbered and nothing is signed. Where two
histories show, both notes are kept in a `fork.evidence` statement, and the log is frozen for good.
"""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from svitlo.errors import ForkError, LogStateError, ProofError, SealError
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.journeys.cosigning import Standing, cosign, has_line, stand_before
from svitlo.node.journeys.rotation import log_verifiers, signing_keys
from svitlo.node.journeys.witnessing import fork_evidence
from svitlo.node.keyring import AUDIT, SPINE
from svitlo.node.opening import Node
from svitlo.node.witnesses import Witnesses
from svitlo.record.statement import LogKind
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from svitlo.seal.note import Note, format_note, parse_note
from svitlo.seal.signature import sign_checkpoint
from svitlo.seal.tree import EMPTY_ROOT, verify_consistency
from svitlo.store.log.publishing import publish, publish_note
from svitlo.store.log.reading import LogReader
from svitlo.store.log.sequencing import pad, padding, sequence
from svitlo.store.models import Checkpoint as CheckpointRow
from svitlo.store.models import Log, Pending, Subject
from svitlo.store.writing import unit

_HEADLESS = (
    "the log was signed, and its head in heads/ is gone: nobody can tell whether the database is"
    " the newest; nothing is signed until a witness or two officers confirm it (svitlo log confirm)"
)


class LogState(Enum):
    """What stands in the way of signing a log."""

    OPEN = "open"
    UNCONFIRMED = "unconfirmed"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A checkpoint of one of the node's logs; `is_new` when this call signed it.

    `note` is empty where nothing could be signed; `remarks` are words on what is missing:
    confirmation, cosignatures, stamps.
    """

    checkpoint: Checkpoint
    note: bytes
    is_new: bool
    remarks: tuple[str, ...] = ()

    @property
    def is_signed(self) -> bool:
        """Whether the log is signed at this size."""
        return bool(self.note)


def close_epoch(node: Node, *, is_confirmed: bool = False) -> Head:
    """Everything that waits stands in the logs, padded, signed, published, cosigned and stamped.

    Witnesses and authorities that are away cost words in `remarks`, never the work. `is_confirmed`
    says that two officers confirmed the log where no witness can.

    Raises:
        LogStateError: the tables are behind the head or a witness, or a log is frozen: nothing is
            signed.
        ForkError: another history was signed than the tables hold; both notes are kept, the log
            is frozen.
    """
    with (
        _epoch_lock(node),
        Witnesses(node.settings, node.folder) as witnesses,
    ):
        try:
            head = _close(node, witnesses, is_confirmed=is_confirmed)
        except ForkError as error:
            _freeze(node, error)
            raise
    if node.settings.authorities:
        from svitlo.node.journeys.stamping import stamp_newest  # noqa: PLC0415 - loads HTTP

        head = replace(head, remarks=(*head.remarks, *stamp_newest(node)))
    return head


def _close(node: Node, witnesses: Witnesses, *, is_confirmed: bool) -> Head:
    audit, spine = node.log(node.audit), node.log(node.spine)
    for reader in (audit, spine):
        _check_open(reader)
        check_not_behind(node, reader)
    is_waiting = _is_waiting(audit) or _is_waiting(spine) or not _is_stated(_present(audit))
    row = None if is_waiting else spine.checkpoint()
    if row is not None and all(has_line(bytes(row.note), one) for one in witnesses):
        return _head_of(node, spine, row)
    standing = Standing()
    if len(witnesses):
        standing = stand_before(spine, witnesses, log_verifiers(node, SPINE))
    elif any(_has_lost_head(node, reader) for reader in (audit, spine)):
        standing = Standing(is_confirmed=False, remarks=[_HEADLESS])
    if not (standing.is_confirmed or is_confirmed):
        if row is not None:
            return replace(_head_of(node, spine, row), remarks=tuple(standing.remarks))
        return _number_only(spine, audit, standing)
    _mark(spine, LogState.OPEN)
    head = _sign_both(node, audit, spine)
    note, remarks = cosign(spine, witnesses, standing, head.note)
    if note != head.note:
        _keep_note(node, spine, head.checkpoint.size, note)
    return replace(head, note=note, remarks=(*standing.remarks, *remarks))


def _has_lost_head(node: Node, reader: LogReader) -> bool:
    """Whether the log was signed, and nothing outside the database says how far."""
    return reader.checkpoint() is not None and node.heads().read(reader.log.origin) is None


def _check_open(reader: LogReader) -> None:
    if reader.log.state == LogState.FROZEN.value:
        raise LogStateError(
            f"ALARM: {reader.log.origin} is frozen: two histories of it were signed, and both"
            " are kept in a fork.evidence statement; nothing more is signed"
        )


def _sign_both(node: Node, audit: LogReader, spine: LogReader) -> Head:
    while sequence(audit.log_id):
        pass
    audited = sign_log(node, audit, AUDIT)
    if audited.is_signed and not _is_stated(audited.checkpoint):
        _state_audit_head(node, audited.checkpoint)
    return _close_spine(node, spine)


def _is_waiting(reader: LogReader) -> bool:
    """Whether there is something to number, or to sign."""
    return (
        Pending.objects.filter(log_id=reader.log_id).exists()
        or _signed_size(reader) != reader.size()
    )


def _number_only(spine: LogReader, audit: LogReader, standing: Standing) -> Head:
    """Entries get their index; nothing is signed."""
    for reader in (audit, spine):
        while sequence(reader.log_id):
            pass
    _mark(spine, LogState.UNCONFIRMED)
    return Head(checkpoint=_present(spine), note=b"", is_new=False, remarks=tuple(standing.remarks))


def _mark(reader: LogReader, state: LogState) -> None:
    if reader.log.state != state.value:
        with unit():
            Log.objects.filter(pk=reader.log_id).update(state=state.value)
        reader.log.state = state.value


def _close_spine(node: Node, spine: LogReader) -> Head:
    """The spine is signed at its full size, in as many epochs as the cap demands."""
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
        LogStateError: the tables are behind the head, or another process moved the head.
        ForkError: the tables do not continue the head.
    """
    heads, origin = node.heads(), reader.log.origin
    head = heads.read(origin)
    found, checkpoint = reader.checkpoint(), _present(reader)
    check_continues(reader, head, checkpoint)
    if found is not None and found.size == checkpoint.size:
        return _head_of(node, reader, found)
    heads.cas(origin, head, checkpoint)
    now = node.now()
    keys = signing_keys(node, key_names)
    lines = tuple(sign_checkpoint(key, checkpoint, int(now.timestamp())) for key in keys)
    note = format_note(Note(format_checkpoint(checkpoint), lines))
    with unit():
        CheckpointRow.objects.create(
            log_id=reader.log_id,
            size=checkpoint.size,
            root=checkpoint.root,
            note=note,
            signed_at=now,
        )
    _publish(node, reader, checkpoint.size, note)
    return Head(checkpoint=checkpoint, note=note, is_new=True)


def _present(reader: LogReader) -> Checkpoint:
    size = reader.size()
    root = reader.tiles(size).root() if size else EMPTY_ROOT
    return Checkpoint(reader.log.origin, size, root)


def _head_of(node: Node, reader: LogReader, row: CheckpointRow) -> Head:
    """The head of a row, published if a crash left that out."""
    note = bytes(row.note)
    if published_size(node.published(reader.log.origin)) != row.size:
        _publish(node, reader, row.size, note)
    checkpoint = Checkpoint(reader.log.origin, row.size, bytes(row.root))
    return Head(checkpoint=checkpoint, note=note, is_new=False)


def _publish(node: Node, reader: LogReader, size: int, note: bytes) -> None:
    folder = node.published(reader.log.origin)
    publish(reader, folder, size, since=min(size, published_size(folder)), note=note)


def published_size(folder: Path) -> int:
    """The size of the log that the static files serve, 0 where they serve none."""
    try:
        return parse_checkpoint(parse_note((folder / "checkpoint").read_bytes()).text).size
    except (FileNotFoundError, SealError):
        return 0


def _keep_note(node: Node, reader: LogReader, size: int, note: bytes) -> None:
    """The checkpoint of that size has gained lines; size and root are as they were."""
    with unit():
        CheckpointRow.objects.filter(log_id=reader.log_id, size=size).update(note=note)
    publish_note(node.published(reader.log.origin), note)


def check_not_behind(node: Node, reader: LogReader) -> None:
    """Nothing, when the tables hold at least what was signed.

    Raises:
        LogStateError: they hold fewer entries: a database from a backup.
    """
    head = node.heads().read(reader.log.origin)
    size = reader.size()
    if head is not None and size < head.size:
        raise LogStateError(
            f"{head.origin} is behind: {head.size} entries were signed and the database holds"
            f" {size}, as after a restore from backup; nothing is signed until it is recovered"
        )


def check_continues(reader: LogReader, head: Checkpoint | None, new: Checkpoint) -> None:
    """Nothing, when the tables continue the history that was signed last.

    Raises:
        LogStateError: they hold fewer entries.
        ForkError: they hold other entries.
    """
    if head is None:
        return
    if new.size < head.size:
        raise LogStateError(
            f"{head.origin} is behind: {head.size} entries were signed and the database holds"
            f" {new.size}; nothing is signed until it is recovered"
        )
    path = reader.tiles(new.size).consistency(head.size)
    try:
        verify_consistency(head.size, new.size, head.root, new.root, path=path)
    except ProofError as error:
        row = CheckpointRow.objects.filter(log_id=reader.log_id, size=head.size).first()
        raise ForkError(
            f"the database holds another history of {head.origin} than the one signed: {error}",
            bytes(row.note) if row else format_checkpoint(head),
            format_checkpoint(new),
        ) from None


def _freeze(node: Node, error: ForkError) -> None:
    """Both notes are stated, and the log whose they are signs nothing any more."""
    origin = (error.ours or error.theirs).split(b"\n", 1)[0].decode("utf-8", "replace")
    reader = node.log(origin)
    openings = openings_of([fork_evidence(node, origin, error.ours, error.theirs)])
    with unit():
        append_to_log(node, LogKind.SPINE, openings)
    _mark(reader, LogState.FROZEN)


def _signed_size(reader: LogReader) -> int:
    row = reader.checkpoint()
    return int(row.size) if row else 0


def _is_stated(audit: Checkpoint) -> bool:
    """Whether the spine has this head of the audit log; a kill may have come between the two."""
    last = (
        Subject.objects.filter(name=audit.origin, statement__type="audit.head")
        .order_by("-statement")
        .first()
    )
    return last is not None and last.statement.value.body["size"] == audit.size


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


@contextmanager
def _epoch_lock(node: Node) -> Iterator[None]:
    """No other process of this node closes an epoch meanwhile; it waits for the one that does."""
    path = node.folder / "run" / "epoch.lock"
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
