"""Read: list, show and copy exhibits, each read written down first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svitlo.errors import InvalidInput, NotFound
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, custody_statement
from svitlo.node.audit import note_read, note_refusal, record
from svitlo.node.opening import Node
from svitlo.node.previews import open_sealed
from svitlo.node.unsealing import Vault
from svitlo.record.custody import Event
from svitlo.record.exhibit import DESCRIBED, name_members
from svitlo.record.statement import MAX_SUBJECTS, Statement
from svitlo.record.ulid import check_identifier
from svitlo.store.models import Checkpoint as CheckpointRow
from svitlo.store.models import Entry, Exhibit, Hold, Stamp, Subject
from svitlo.store.models import Statement as StatementRow

PAGE = 200


def chosen(ids: Sequence[str], *, is_all: bool) -> list[Exhibit]:
    """The exhibits of those identifiers, or all, in the order of their arrival.

    Raises:
        InvalidInput: nothing, or both, was named, or an identifier is malformed.
        NotFound: there is no such exhibit.
    """
    if bool(ids) == is_all:
        raise InvalidInput("name exhibits, or say --all")
    rows = Exhibit.objects.select_related("statement", "blob", "intake").order_by("seq")
    if is_all:
        return list(rows)
    wanted = [check_identifier(ident, "x-") for ident in ids]
    found = {row.ident: row for row in rows.filter(ident__in=wanted)}
    missing = [ident for ident in wanted if ident not in found]
    if missing:
        raise NotFound(f"there is no exhibit {missing[0]}")
    return [found[ident] for ident in dict.fromkeys(wanted)]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the `seq` to go on after; None at the end."""

    exhibits: tuple[Exhibit, ...]
    after: int | None


def list_exhibits(
    node: Node, actor: Actor, *, after: int | None = None, limit: int | None = PAGE
) -> Page:
    """The exhibits, newest first, all without a limit; who looked is written down before."""
    rows = Exhibit.objects.select_related("intake").order_by("-seq")
    if after is not None:
        rows = rows.filter(seq__lt=after)
    found = tuple(rows if limit is None else rows[: limit + 1])
    shown = found[:limit]
    note_read(node, actor, Event.SEARCH, [exhibit.ident for exhibit in shown], result="listed")
    return Page(shown, shown[-1].seq if len(found) > len(shown) else None)


def list_named(node: Node, actor: Actor, ids: Sequence[str]) -> Page:
    """The named exhibits as a list; who looked is written down before anything is given out.

    Raises:
        InvalidInput: none was named, or an identifier is malformed.
        NotFound: there is no such exhibit; the attempt is written down.
    """
    shown = _looked_up(node, actor, ids, act="search")
    note_read(node, actor, Event.SEARCH, [exhibit.ident for exhibit in shown], result="listed")
    return Page(tuple(shown), None)


def show_exhibits(
    node: Node, actor: Actor, ids: Sequence[str], *, is_all: bool = False
) -> list[Exhibit]:
    """The named exhibits, or all; who looked is written down before anything is given out.

    Raises:
        InvalidInput: nothing, or both, was named, or an identifier is malformed.
        NotFound: there is no such exhibit; the attempt is written down.
    """
    exhibits = _looked_up(node, actor, ids, act="view", is_all=is_all)
    note_read(node, actor, Event.VIEW, [exhibit.ident for exhibit in exhibits])
    return exhibits


def _looked_up(
    node: Node, actor: Actor, ids: Sequence[str], *, act: str, is_all: bool = False
) -> list[Exhibit]:
    try:
        return chosen(ids, is_all=is_all)
    except NotFound as error:
        note_refusal(node, actor, ids, act=act, error=error)
        raise


def show_preview(node: Node, actor: Actor, ident: str, what: str) -> bytes:
    """The preview (JPEG) or raw report (JSON) of an exhibit; the look is written down first.

    Raises:
        NotFound: there is no such exhibit, or none is kept.
    """
    (exhibit,) = chosen([ident], is_all=False)
    note_read(node, actor, Event.PREVIEW, [exhibit.ident], result=what)
    return open_sealed(node, exhibit.ident, what)


def custody_of(exhibit: Exhibit) -> list[Statement]:
    """All statements about an exhibit and its intake, in the order in which they were made."""
    names = [exhibit.ident, exhibit.intake.ident]
    rows = StatementRow.objects.filter(
        pk__in=Subject.objects.filter(name__in=names).values("statement"), state="active"
    )
    own = StatementRow.objects.filter(pk=exhibit.statement_id, state="active")
    return [row.value for row in sorted({*rows, *own}, key=lambda row: row.seq)]


def proof_of(exhibit: Exhibit) -> dict[str, Any]:
    """Where the exhibit stands in the log, and since when that is signed, cosigned and stamped."""
    entry = Entry.objects.filter(statement_id=exhibit.statement_id).first()
    if entry is None:
        return {"state": "logged, without an index yet"}
    signed = (
        CheckpointRow.objects.filter(log_id=entry.log_id, size__gt=entry.index)
        .order_by("size")
        .first()
    )
    position: dict[str, Any] = {"log": entry.log.origin, "index": entry.index}
    if signed is None:
        return {"state": "logged, not signed yet", **position}
    stamps = Stamp.objects.filter(
        checkpoint__log_id=entry.log_id, checkpoint__size__gt=entry.index
    ).order_by("made_at")
    first = {stamp.authority: stamp.made_at for stamp in reversed(stamps)}
    return {
        "state": "signed",
        **position,
        "signed_at": f"{signed.signed_at:%Y-%m-%dT%H:%M:%SZ}",
        "size": signed.size,
        "signatures": bytes(signed.note).count("— ".encode()),
        "stamped": {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in sorted(first.items())},
        "note": "integrity and time, not truth",
    }


def holds_on(exhibit: Exhibit) -> list[Hold]:
    """The holds that block the disposal of an exhibit now."""
    names = [exhibit.ident, exhibit.intake.ident, f"case:{exhibit.case}"]
    return list(Hold.objects.filter(subject__in=names, released__isnull=True).order_by("seq"))


def item_value(row: Exhibit) -> dict[str, Any]:
    """An exhibit as a line of a list, ready for JSON."""
    return {
        "id": row.ident,
        **name_members(bytes(row.path), "name"),
        "size_bytes": row.size,
        "sha256": bytes(row.sha256).hex(),
        "blake3": bytes(row.blake3).hex(),
        "case": row.case,
        "intake": row.intake.ident,
        "state": row.state,
    }


def story_value(row: Exhibit) -> dict[str, Any]:
    """Proof, holds, last description and custody of an exhibit, ready for JSON."""
    statements = custody_of(row)
    described = [s.value()["body"] for s in statements if s.type == DESCRIBED]
    return {
        "proof": proof_of(row),
        "holds": [hold.ident for hold in holds_on(row)],
        "described": described[-1] if described else {},
        "custody": [statement.value() for statement in statements],
    }


def copy_exhibits(node: Node, actor: Actor, ids: Sequence[str], target: Path) -> Iterator[Path]:
    """The paths of working copies, written one by one; each is a custody event first.

    A copy is named by its identifier, never by a name from outside.

    Raises:
        NotFound: there is no such exhibit, or its bytes are gone.
        InvalidInput: one was disposed of, or a copy is there already.
        DigestMismatch: the bytes are not those that were sealed; the copy is removed.
    """
    exhibits = chosen(ids, is_all=False)
    gone = [exhibit.ident for exhibit in exhibits if exhibit.state != "sealed"]
    if gone:
        raise InvalidInput(f"{gone[0]} was disposed of: there is nothing to copy")
    target.mkdir(parents=True, exist_ok=True)
    taken = [path for exhibit in exhibits if (path := target / exhibit.ident).exists()]
    if taken:
        raise InvalidInput(f"{taken[0]} is there already; nothing is overwritten")
    for part in _in_parts(exhibits):
        record(
            node,
            custody_statement(
                node,
                actor,
                Happening(
                    event=Event.COPY,
                    subject=[exhibit.ident for exhibit in part],
                    what="exhibit",
                    result="working copy",
                    extra={"how": "opened on this node"},
                ),
            ),
        )
    with Vault(node) as vault:
        for exhibit in exhibits:
            yield _copy(vault, exhibit, target / exhibit.ident)


def _copy(vault: Vault, exhibit: Exhibit, path: Path) -> Path:
    try:
        with path.open("xb") as file:
            for block in vault.blocks(exhibit):
                file.write(block)
    except FileExistsError:
        raise InvalidInput(f"{path} is there already; nothing is overwritten") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _in_parts(exhibits: Sequence[Exhibit]) -> Iterator[Sequence[Exhibit]]:
    for at in range(0, len(exhibits), MAX_SUBJECTS):
        yield exhibits[at : at + MAX_SUBJECTS]
