"""Check a log from end to end, naming every fault and stopping at none.

The entries of the tables are hashed in one pass, in constant memory, and held to the signed root;
tiles, static files, openings, earlier checkpoints, the head file and a checkpoint that somebody
kept elsewhere are held to the same entries. Whoever replaces an entry together with its hash is
found by the signature; whoever could sign again is found by an old head.

RFC 6962 section 2.1; C2SP tlog-tiles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from svitlo.dossier.proofs import plain_value
from svitlo.errors import CheckpointError, ProofError, SvitloError
from svitlo.node.inspection import Explainer
from svitlo.node.journeys.rebuilding import differing_rows
from svitlo.node.journeys.rotation import log_verifiers
from svitlo.node.keyring import AUDIT, SPINE
from svitlo.node.opening import Node
from svitlo.node.witnesses import Witnesses
from svitlo.record.statement import LogKind
from svitlo.seal.checkpoint import Checkpoint, parse_checkpoint
from svitlo.seal.commitment import check_opening
from svitlo.seal.note import Verifier, open_note
from svitlo.seal.tiles import (
    FULL_WIDTH,
    TileEdge,
    bundles_of,
    entries_path,
    stream_verify,
    tile_path,
    tiles_of,
)
from svitlo.seal.tree import EMPTY_ROOT, leaf_hashes
from svitlo.store.log.reading import LogReader, Row, plain
from svitlo.store.models import Checkpoint as CheckpointRow
from svitlo.store.models import Entry, Pending
from svitlo.store.models import Statement as StatementRow


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: a stable code, what it is about, and words."""

    code: str
    about: str
    words: str


@dataclass(slots=True)
class Examined:
    """A log that was checked: its newest checkpoint if it has one, what was read, the faults."""

    origin: str
    checkpoint: Checkpoint | None = None
    entries: int = 0
    openings: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def found(self, code: str, about: str, words: str) -> None:
        """One more fault."""
        self.findings.append(Finding(code, about, words))


def examine_log(node: Node, origin: str, *, kept: bytes | None = None) -> Examined:
    """What is wrong with a log of this node; `kept` is an old checkpoint, from another place.

    Raises:
        NotFound: this node has no log of that origin.
    """
    reader = node.log(origin)
    done = Examined(origin)
    verifiers = log_verifiers(node, SPINE if reader.log.kind == LogKind.SPINE.value else AUDIT)
    _read_checkpoints(node, reader, done, verifiers)
    size = done.checkpoint.size if done.checkpoint else reader.size()
    _check_size(reader, done, size)
    _read_entries(node, reader, done, size)
    _check_roots(reader, done)
    _check_head(node, reader, done)
    _check_files(node, reader, done, verifiers)
    _check_statements(reader, done)
    if origin == node.spine:
        _check_tables(done)
    if kept is not None:
        _check_kept(reader, done, kept, verifiers)
    return done


def _attempt(done: Examined, code: str, about: str, check: Callable[[], object]) -> bool:
    """Whether the check passed; a fault becomes a finding."""
    try:
        check()
    except SvitloError as error:
        done.found(code, about, str(error))
        return False
    except OSError as error:
        done.found(code, about, f"cannot be read: {error.strerror}")
        return False
    return True


def _read_checkpoints(
    node: Node, reader: LogReader, done: Examined, verifiers: tuple[Verifier, ...]
) -> None:
    """Every checkpoint is signed by the log, and says what its row says."""
    with Witnesses(node.settings, node.folder) as witnesses:
        keys = [*verifiers, *(witness.verifier for witness in witnesses)]
    for row in CheckpointRow.objects.filter(log_id=reader.log_id).order_by("size"):
        done.checkpoints += 1
        about = f"checkpoint {row.size}"
        if _attempt(done, "signature", about, lambda: _check_row(reader, row, (keys, verifiers))):  # noqa: B023 - called at once
            done.checkpoint = Checkpoint(reader.log.origin, row.size, plain(row.root))


def _check_row(
    reader: LogReader, row: CheckpointRow, keys: tuple[list[Verifier], tuple[Verifier, ...]]
) -> None:
    note, signers = open_note(plain(row.note), keys[0])
    if not set(signers) & set(keys[1]):
        raise CheckpointError("no key of the log has signed it")
    if parse_checkpoint(note.text) != Checkpoint(reader.log.origin, row.size, plain(row.root)):
        raise CheckpointError("the note says another origin, size or root than its row")


def _check_size(reader: LogReader, done: Examined, size: int) -> None:
    counted = Entry.objects.filter(log_id=reader.log_id).count()
    held = reader.size()
    if counted != held:
        done.found("size", "tables", f"the log says {held} entries and holds {counted}")
    if held < size:
        done.found("behind", "tables", f"{size} entries are signed and {held} are there")
    elif held > size and done.checkpoint is not None:
        done.found("unsigned", "tables", f"{held - size} entries are not signed yet")


def _read_entries(node: Node, reader: LogReader, done: Examined, size: int) -> None:
    """Each entry once: its index, its opening, what explains it, its leaf, the tiles."""
    edge, explain, expected = TileEdge(), Explainer(node, reader), 0
    for page in reader.rows(size):
        for row in page:
            if row.place != expected:
                done.found("missing", f"entry {expected}", f"the next entry is {row.place}")
                return
            expected += 1
            _check_entry(done, row, explain)
        for level, n, tile in edge.extend(leaf_hashes([row.entry for row in page])):
            _compare_tile(reader, done, (level, n, FULL_WIDTH), tile)
    done.entries = expected
    for level, n, tile in edge.partials():
        _compare_tile(reader, done, (level, n, len(tile) // 32), tile)
    if done.checkpoint is not None and edge.root() != done.checkpoint.root:
        done.found("root", f"checkpoint {size}", "the entries do not have the root that was signed")


def _check_entry(done: Examined, row: Row, explain: Explainer) -> None:
    kind = explain(row)
    if kind == "unexplained":
        done.found("unexplained", f"entry {row.place}", "nothing says what stands here")
    if kind == "opened":
        done.openings += 1
        about = f"entry {row.place}"
        _attempt(done, "opening", about, lambda: check_opening(row.entry, row.salt, row.text))


def _compare_tile(
    reader: LogReader, done: Examined, place: tuple[int, int, int], tile: bytes
) -> None:
    def compare() -> None:
        if reader.tile(*place) != tile:
            raise ProofError("the tables hold other hashes than the entries have")

    _attempt(done, "tile", tile_path(*place), compare)


def _check_roots(reader: LogReader, done: Examined) -> None:
    """Every earlier checkpoint has the root that the tiles give for its size."""
    size, head = reader.size(), done.checkpoint
    for row in CheckpointRow.objects.filter(log_id=reader.log_id).order_by("size"):
        if row.size <= size and head is not None:
            about = f"checkpoint {row.size}"
            checkpoint = Checkpoint(reader.log.origin, row.size, plain(row.root))
            _attempt(done, "history", about, lambda: _check_grown(reader, checkpoint))  # noqa: B023 - called at once


def _check_grown(reader: LogReader, old: Checkpoint) -> None:
    root = reader.tiles(old.size).root() if old.size else EMPTY_ROOT
    if root != old.root:
        raise ProofError(f"the log has another root at size {old.size} than was signed")


def _check_head(node: Node, reader: LogReader, done: Examined) -> None:
    """The head file is that of the newest checkpoint."""

    def check() -> None:
        head = node.heads().read(reader.log.origin)
        if head is None and done.checkpoint is not None:
            raise CheckpointError("there is none, and the log was signed")
        if head is not None and head.size > reader.size():
            raise CheckpointError(f"it says {head.size} entries, beyond those in the tables")
        if head is not None:
            _check_grown(reader, head)

    _attempt(done, "head", "head file", check)


def _check_files(
    node: Node, reader: LogReader, done: Examined, verifiers: tuple[Verifier, ...]
) -> None:
    """The static files serve the newest checkpoint, and exactly its entries and tiles."""
    folder, head = node.published(reader.log.origin), done.checkpoint
    if head is None:
        return

    def check_note() -> None:
        note, _ = open_note((folder / "checkpoint").read_bytes(), verifiers)
        served = parse_checkpoint(note.text)
        if served != head:
            raise CheckpointError(f"it serves size {served.size}, and {head.size} is signed")

    _attempt(done, "file", "checkpoint", check_note)
    bundles = _bundles(folder, head.size)
    _attempt(done, "file", "tile/entries", lambda: stream_verify(head.size, bundles, head.root))
    for place in tiles_of(head.size):
        path = tile_path(*place)
        _attempt(done, "file", path, lambda: _check_file(reader, folder / path, place))  # noqa: B023 - called at once


def _bundles(folder: Path, size: int) -> Iterator[bytes]:
    for n, width in bundles_of(size):
        yield (folder / entries_path(n, width)).read_bytes()


def _check_file(reader: LogReader, path: Path, place: tuple[int, int, int]) -> None:
    if path.read_bytes() != reader.tile(*place):
        raise ProofError("the file holds other hashes than the tables")


def _check_statements(reader: LogReader, done: Examined) -> None:
    """Every statement of the log has a place in it, or waits for one."""
    entered = Entry.objects.filter(log_id=reader.log_id, statement__isnull=False)
    waiting = Pending.objects.filter(log_id=reader.log_id, statement__isnull=False)
    lost = (
        StatementRow.objects.filter(log_id=reader.log_id)
        .exclude(pk__in=entered.values("statement"))
        .exclude(pk__in=waiting.values("statement"))
    )
    for row in lost.order_by("seq")[:100]:
        done.found(
            "lost", f"statement {row.ident}", "it has no place in the log, nor waits for one"
        )


def _check_tables(done: Examined) -> None:
    """Statements say what their columns say, and the tables that index them say it too."""
    rows = StatementRow.objects.filter(state="active").order_by("seq")
    for ident, kind, at, text in rows.values_list("ident", "type", "at", "text").iterator():
        _attempt(
            done,
            "columns",
            f"statement {ident}",
            lambda: _check_columns((ident, kind, at), plain(text)),  # noqa: B023 - called at once
        )
    if any(finding.code in {"opening", "columns"} for finding in done.findings):
        return  # what they say is not what was committed
    for table, counts in sorted(differing_rows().changes.items()):
        words = ", ".join(f"{count} to be {what}" for what, count in counts.items() if count)
        done.found("tables", table, f"other rows were stated: {words} (svitlo log rebuild)")


def _check_columns(columns: tuple[str, str, str], text: bytes) -> None:
    said = plain_value(text)
    if tuple(said.get(name) for name in ("id", "type", "at")) != columns:
        raise ProofError("its row names another identifier, type or time")


def _check_kept(
    reader: LogReader, done: Examined, kept: bytes, verifiers: tuple[Verifier, ...]
) -> None:
    """The log grew out of a checkpoint that was kept elsewhere: its note, or its bare text."""

    def check() -> None:
        text = open_note(kept, verifiers)[0].text if b"\n\n" in kept else kept
        old = parse_checkpoint(text)
        if old.origin != reader.log.origin:
            raise CheckpointError(f"it is of {old.origin}, not of {reader.log.origin}")
        if old.size > reader.size():
            raise CheckpointError(f"it says {old.size} entries, and the log has {reader.size()}")
        _check_grown(reader, old)

    _attempt(done, "kept", "checkpoint kept elsewhere", check)
