"""Tombstones: what the log says in place of what is gone, and the erasing of statements.

After a disposal the statements stay, and the tombstone names the digests that they committed to.
After an erasure no salt and no text is left of what was said of the exhibit alone: each emptied
entry has a tombstone that names its place in the log, a ground and an authority, and nobody. The
tree never changes, so every proof of every other entry holds as before.

Statements that name several exhibits stay, as do those of the disposal itself: they name
identifiers only. Annotations of several exhibits together stay too, with their text.
"""

import json
from collections.abc import Mapping, Sequence

from svitlo.errors import LogStateError
from svitlo.node.acting import Actor
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.opening import Node
from svitlo.record.custody import EVENT, Event
from svitlo.record.statement import LogKind, Statement
from svitlo.store.erasing import cut_write_ahead_log, empty_openings
from svitlo.store.log.heads import write_durably
from svitlo.store.models import Description, Disposal, Entry, Exhibit, IntakeItem, Subject
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import in_units, unit

OF_EXHIBIT = "tombstone.exhibit"
OF_STATEMENT = "tombstone.statement"
RECEIPTS = "receipts"


def tombstone_of(node: Node, actor: Actor, disposal: Disposal, *, is_erased: bool) -> Statement:
    """The tombstone of a disposed exhibit; without its digests where its statements are erased.

    Raises:
        LogStateError: the exhibit's statement has no index yet.
    """
    exhibit, said = disposal.exhibit, disposal.proposed.value.body
    is_erased = is_erased or not exhibit.sha256
    is_shared = exhibit.blob.exhibits.filter(state="sealed").exists() and exhibit.off is None
    body: dict[str, object] = {
        "log": node.spine,
        "index": _index(exhibit.statement_id, exhibit.ident),
        "ground": said["ground"],
        "authority": said["authority"],
        "proposal": disposal.proposed.ident,
        "proposed_by": disposal.proposed_by,
        "approved_by": disposal.approved_by,
        "body": "kept for another exhibit" if is_shared else "erased",
        "statements": "erased" if is_erased else "kept",
    }
    if not is_erased:
        body |= {
            "size": exhibit.size,
            "sha256": bytes(exhibit.sha256).hex(),
            "blake3": bytes(exhibit.blake3).hex(),
        }
    return _signed(node, actor, (OF_EXHIBIT, exhibit.ident), body)


def check_indexed(exhibits: Sequence[Exhibit]) -> None:
    """Nothing, when everything said of the exhibits alone has its place in the log.

    Raises:
        LogStateError: something waits: close the epoch first.
    """
    for exhibit in exhibits:
        for row in said_of(exhibit):
            _index(row.pk, row.ident)


def said_of(exhibit: Exhibit) -> list[StatementRow]:
    """The statements that speak of this exhibit alone and say more than that it was handled."""
    named = Subject.objects.filter(name=exhibit.ident).values("statement")
    rows = StatementRow.objects.filter(pk__in=named, state="active")
    own = StatementRow.objects.filter(pk=exhibit.statement_id, state="active")
    return [row for row in sorted({*rows, *own}, key=lambda row: row.seq) if _is_telling(row)]


def _is_telling(row: StatementRow) -> bool:
    if row.type.startswith("exhibit."):
        return len(row.value.subject) == 1
    is_note = row.type == EVENT and row.value.body.get("event") == Event.ANNOTATE.value
    return is_note and len(row.value.subject) == 1


def erase_openings(node: Node, actor: Actor, disposals: Sequence[Disposal]) -> None:
    """Nothing that was said of these exhibits alone can be read any more.

    Raises:
        LogStateError: a statement has no index yet.
        Busy: another process reads the database: repeat the command.
    """
    for disposal in disposals:
        exhibit, said = disposal.exhibit, disposal.proposed.value.body
        _forget_name(node, exhibit)
        for part in in_units(said_of(exhibit)):
            stones = [
                _signed(
                    node,
                    actor,
                    (OF_STATEMENT, node.spine),
                    {
                        "log": node.spine,
                        "index": _index(row.pk, row.ident),
                        "ground": said["ground"],
                        "authority": said["authority"],
                    },
                )
                for row in part
            ]
            openings = openings_of(stones)
            with unit():
                append_to_log(node, LogKind.SPINE, openings)
                empty_openings(row.pk for row in part)
    cut_write_ahead_log()


def _forget_name(node: Node, exhibit: Exhibit) -> None:
    """Name, digests and description leave the tables, and the line of the receipt."""
    with unit():
        Description.objects.filter(exhibit=exhibit).delete()
        IntakeItem.objects.filter(intake=exhibit.intake_id, ordinal=exhibit.n).update(
            path=b"", container=b"", reason="", mtime_ns=0
        )
        Exhibit.objects.filter(pk=exhibit.pk).update(path=b"", sha256=b"", blake3=b"")
    path = node.folder / RECEIPTS / exhibit.intake.ident / "intake.jsonl"
    if path.exists():
        lines = [_without(line, exhibit.ident) for line in path.read_bytes().splitlines()]
        write_durably(path, b"".join(line + b"\n" for line in lines))


def _without(line: bytes, ident: str) -> bytes:
    """The line of a receipt, emptied when it is of that exhibit."""
    value = json.loads(line)
    if value.get("id") != ident:
        return line
    return json.dumps({"id": ident, "n": value["n"], "state": "erased"}).encode()


def _index(row: int, ident: str) -> int:
    entry = Entry.objects.filter(statement_id=row).first()
    if entry is None:
        raise LogStateError(f"{ident} has no place in the log yet: close the epoch first")
    return int(entry.index)


def _signed(
    node: Node, actor: Actor, place: tuple[str, str], body: Mapping[str, object]
) -> Statement:
    """The signed statement of a type about a subject (`place`)."""
    kind, subject = place
    statement = new_statement(
        node,
        kind,
        actor=actor.person,
        subject=[subject],
        body=body,
        basis=actor.purpose.basis,
    )
    return actor.needed_signer("a disposal").signed(statement)
