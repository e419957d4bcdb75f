"""Inspect a log: how large, how old, who vouches for it, and whether every entry is explained.

The completeness audit knows five kinds of entries: opened, tombstoned, dummy, control, or in a gap
that a `log.gap` statement names. Anything else is unexplained, and an alarm: it may be a statement
that somebody hides. Only who holds the dummy keys can make this audit.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from svitlo.errors import NotFound
from svitlo.node.journeys.logkeeping import LogState
from svitlo.node.opening import Node
from svitlo.node.witnesses import Witnesses
from svitlo.record.ulid import check_identifier
from svitlo.seal.commitment import COMMITMENT, CONTROL, dummy_entry
from svitlo.seal.note import NoteSignature, parse_note
from svitlo.seal.proof import format_tlog_proof
from svitlo.store.log.reading import LogReader, Row
from svitlo.store.models import Checkpoint as CheckpointRow
from svitlo.store.models import Entry, Exhibit, Pending, Stamp
from svitlo.store.models import Statement as StatementRow

MAX_SHOWN = 20
"""Unexplained entries that are named one by one."""

_TOMBSTONES = ("tombstone.exhibit", "tombstone.statement", "tombstone")


@dataclass(slots=True)
class Completeness:
    """How many entries of each kind the log has, and the first indices that nothing explains."""

    kinds: Counter[str] = field(default_factory=Counter)
    unexplained: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every entry is explained."""
        return not self.kinds["unexplained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """One log as people see it; `note` and `signed_at` are of the newest checkpoint, if any.

    `root` is 32 bytes. `stamps` are authority and time of those on the newest stamped checkpoint,
    whose size is `stamped_size`. `state` is ok, behind, unconfirmed, frozen or unsigned.
    """

    origin: str
    size: int
    signed_size: int
    root: bytes
    note: bytes
    signed_at: datetime | None
    state: str
    waiting: int
    cosigners: tuple[str, ...]
    missing: tuple[str, ...]
    quorum: int
    stamped_size: int
    stamps: tuple[tuple[str, datetime], ...]
    completeness: Completeness


def show_log(node: Node, origin: str) -> LogView:
    """The log of that origin as it is now; everything is read, and nothing is verified.

    Raises:
        NotFound: this node has no log of that origin.
    """
    reader = node.log(origin)
    row, size = reader.checkpoint(), reader.size()
    note = bytes(row.note) if row else b""
    cosigners, missing = cosigners_of(node, reader, note)
    stamped_size, stamps = _stamps(reader)
    return LogView(
        origin=origin,
        size=size,
        signed_size=row.size if row else 0,
        root=bytes(row.root) if row else b"",
        note=note,
        signed_at=row.signed_at if row else None,
        state=_state(node, reader, row, size),
        waiting=Pending.objects.filter(log_id=reader.log_id).count(),
        cosigners=cosigners,
        missing=missing,
        quorum=node.settings.quorum,
        stamped_size=stamped_size,
        stamps=stamps,
        completeness=examine_completeness(node, reader, size),
    )


def cosigners_of(
    node: Node, reader: LogReader, note: bytes
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The witnesses whose lines the note has, and those that are set and missing."""
    if reader.log.kind != "spine":
        return (), ()
    lines: tuple[NoteSignature, ...] = parse_note(note).signatures if note else ()
    keys = {(line.name, line.key_id) for line in lines}
    with Witnesses(node.settings, node.folder) as witnesses:
        said = {w.name: (w.verifier.name, w.verifier.key_id) in keys for w in witnesses}
    here = tuple(name for name, is_there in said.items() if is_there)
    return here, tuple(name for name, is_there in said.items() if not is_there)


def _state(node: Node, reader: LogReader, row: CheckpointRow | None, size: int) -> str:
    head = node.heads().read(reader.log.origin)
    if reader.log.state != LogState.OPEN.value:
        return str(reader.log.state)
    if head is not None and head.size > size:
        return "behind"
    return "ok" if row is not None and row.size == size else "unsigned"


def _stamps(reader: LogReader) -> tuple[int, tuple[tuple[str, datetime], ...]]:
    rows = Stamp.objects.filter(checkpoint__log_id=reader.log_id).select_related("checkpoint")
    newest = rows.order_by("-checkpoint__size").first()
    if newest is None:
        return 0, ()
    of_it = rows.filter(checkpoint=newest.checkpoint).order_by("authority")
    return newest.checkpoint.size, tuple((stamp.authority, stamp.made_at) for stamp in of_it)


def examine_completeness(node: Node, reader: LogReader, size: int) -> Completeness:
    """What explains each entry of the log at this size."""
    found, explain = Completeness(), Explainer(node, reader)
    for page in reader.rows(size):
        for row in page:
            found.kinds[kind := explain(row)] += 1
            if kind == "unexplained" and len(found.unexplained) < MAX_SHOWN:
                found.unexplained.append(row.place)
    missing = size - found.kinds.total()
    if missing:
        found.kinds["unexplained"] += missing
    return found


class Explainer:
    """Says of each entry of a log what explains it."""

    def __init__(self, node: Node, reader: LogReader) -> None:
        self._keys = tuple(_dummy_keys(node))
        self._tombstoned = set(_tombstoned(reader.log.origin))
        self._gaps = list(_gaps(reader.log.origin))

    def __call__(self, row: Row) -> str:
        if row.seq is not None and row.text:
            return "opened"
        if row.place in self._tombstoned and row.seq is not None:
            return "tombstoned"
        if row.entry[:1] == CONTROL:
            return "control"
        if row.seq is None and row.entry[:1] == COMMITMENT and self._is_dummy(row):
            return "dummy"
        if any(first <= row.place <= last for first, last in self._gaps):
            return "gap"
        return "unexplained"

    def _is_dummy(self, row: Row) -> bool:
        return any(
            hmac.compare_digest(dummy_entry(key, row.place), row.entry) for key in self._keys
        )


def _dummy_keys(node: Node) -> Iterator[bytes]:
    """The dummy keys of all years, the newest first."""
    for path in sorted((node.folder / "keys").glob("dummy-*"), reverse=True):
        yield node.keyring.dummy_key(int(path.name.removeprefix("dummy-")))


def _said(kinds: Iterable[str], origin: str) -> Iterator[dict[str, object]]:
    for row in StatementRow.objects.filter(type__in=list(kinds), state="active"):
        body = dict(row.value.body)
        if body.get("log", body.get("origin")) == origin:
            yield body


def _tombstoned(origin: str) -> Iterator[int]:
    for body in _said(_TOMBSTONES, origin):
        if isinstance(index := body.get("index"), int):
            yield index


def _gaps(origin: str) -> Iterator[tuple[int, int]]:
    for body in _said(("log.gap",), origin):
        first, last = body.get("first"), body.get("last")
        if isinstance(first, int) and isinstance(last, int):
            yield first, last


def proof_file(node: Node, ident: str) -> bytes:
    """The `.tlog-proof` of a statement or an exhibit, up to the newest signed checkpoint.

    Raises:
        InvalidInput: the identifier is malformed.
        NotFound: there is no such statement, or it is not signed yet.
    """
    entry = _entry_of(ident)
    reader = node.log(entry.log.origin)
    row = reader.checkpoint()
    if row is None or row.size <= entry.index:
        raise NotFound(f"{ident} is logged, and not signed yet")
    path = reader.tiles(row.size).inclusion(entry.index)
    return format_tlog_proof(entry.index, path, bytes(row.note))


def _entry_of(ident: str) -> Entry:
    rows = Entry.objects.select_related("log")
    if ident.startswith("x-"):
        exhibit = Exhibit.objects.filter(ident=check_identifier(ident, "x-")).first()
        if exhibit is None:
            raise NotFound(f"there is no exhibit {ident}")
        entry = rows.filter(statement_id=exhibit.statement_id).first()
    else:
        said = StatementRow.objects.filter(ident=check_identifier(ident)).first()
        if said is None:
            raise NotFound(f"there is no statement {ident}")
        entry = rows.filter(statement_id=said.pk).first()
    if entry is None:
        raise NotFound(f"{ident} waits for its place in the log: close the epoch first")
    return entry
