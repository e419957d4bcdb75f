"""Hold: forbid the disposal of exhibits, to everyone, until whoever placed the hold releases it.

A hold speaks of an exhibit (`x-...`), an intake (`i-...`) or a case (`case:<code>`). Placing and
releasing are signed custody events. What a hold forbids is refused and the attempt is written down.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db.models import QuerySet

from svitlo.errors import AccessDenied, Held, InvalidInput, NotFound
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, append_to_log, custody_statement, openings_of
from svitlo.node.audit import note_read, note_refusal
from svitlo.node.opening import Node
from svitlo.record.custody import Event
from svitlo.record.statement import LogKind
from svitlo.record.ulid import check_identifier
from svitlo.store.models import Exhibit, Hold, Intake
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import in_units, unit

CASE = "case:"
MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldValue:
    """A hold as people see it; `released_at` is None while it blocks."""

    id: str
    subject: str
    placed_by: str
    placed_at: str
    reason: str
    released_at: str | None


@contextmanager
def refusals_noted(node: Node, actor: Actor, ids: Sequence[str], act: str) -> Iterator[None]:
    """What is refused inside is written down with its reason, and refused."""
    try:
        yield
    except (AccessDenied, Held) as error:
        note_refusal(node, actor, ids, act=act, error=error)
        raise


def place_holds(
    node: Node, actor: Actor, subjects: Sequence[str], *, reason: str
) -> list[HoldValue]:
    """The new holds, one for each subject, in force from now on.

    Raises:
        InvalidInput: no reason, no subject, or one of them is malformed or disposed of already.
        NotFound: there is no such exhibit, intake or case.
        AccessDenied: the person's key is not here.
    """
    wanted = list(dict.fromkeys(subjects))
    if not wanted or not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput("name what to hold, and a reason of 1 to 500 letters")
    for subject in wanted:
        check_subject(subject)
    placed: list[str] = []
    with refusals_noted(node, actor, wanted, "hold"):
        for part in in_units(wanted):
            holds = {subject: f"h-{node.ulids.next()}" for subject in part}
            statement = custody_statement(
                node,
                actor,
                Happening(
                    event=Event.HOLD,
                    subject=part,
                    what="hold",
                    result="placed",
                    extra={
                        "reason": reason,
                        "holds": [{"id": i, "subject": s} for s, i in holds.items()],
                    },
                ),
            )
            openings = openings_of([statement])
            with unit():
                row = append_to_log(node, LogKind.SPINE, openings)
                Hold.objects.bulk_create(
                    Hold(ident=ident, subject=subject, placed_by=actor.person, placed_id=row)
                    for subject, ident in holds.items()
                )
            placed += holds.values()
    return [_value(hold) for hold in _rows().filter(ident__in=placed)]


def release_holds(node: Node, actor: Actor, ids: Sequence[str], *, reason: str) -> list[HoldValue]:
    """The holds, which block nothing any more.

    Raises:
        InvalidInput: no reason or no hold is named, or one is released already.
        NotFound: there is no such hold.
        AccessDenied: somebody else placed it, or the person's key is not here.
    """
    if not ids or not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput("name the holds to release, and a reason of 1 to 500 letters")
    wanted = [check_identifier(ident, "h-") for ident in dict.fromkeys(ids)]
    found = {hold.ident: hold for hold in _rows().filter(ident__in=wanted)}
    for ident in wanted:
        if ident not in found:
            raise NotFound(f"there is no hold {ident}")
        if found[ident].released_id is not None:
            raise InvalidInput(f"the hold {ident} is released already")
    holds = [found[ident] for ident in wanted]
    with refusals_noted(node, actor, [hold.subject for hold in holds], "release"):
        for hold in holds:
            if hold.placed_by != actor.person:
                raise AccessDenied(f"{hold.ident} can be released only by {hold.placed_by}")
        for part in in_units(holds):
            _release(node, actor, part, reason)
    return [_value(hold) for hold in _rows().filter(ident__in=wanted)]


def _release(node: Node, actor: Actor, holds: Sequence[Hold], reason: str) -> None:
    statement = custody_statement(
        node,
        actor,
        Happening(
            event=Event.RELEASE,
            subject=[hold.subject for hold in holds],
            what="hold",
            result="released",
            extra={"reason": reason, "holds": [hold.ident for hold in holds]},
        ),
    )
    openings = openings_of([statement])
    with unit():
        row = append_to_log(node, LogKind.SPINE, openings)
        Hold.objects.filter(pk__in=[hold.pk for hold in holds], released__isnull=True).update(
            released=StatementRow.objects.get(pk=row)
        )


def list_holds(node: Node, actor: Actor, *, is_all: bool = False) -> list[HoldValue]:
    """The holds in force, or all there ever were, in the order of their placing."""
    rows = _rows() if is_all else _rows().filter(released__isnull=True)
    holds = list(rows)
    note_read(node, actor, Event.SEARCH, [hold.subject for hold in holds], result="holds listed")
    return [_value(hold) for hold in holds]


def check_free(exhibits: Sequence[Exhibit]) -> None:
    """Nothing, when no hold forbids the disposal of any of the exhibits.

    Raises:
        Held: one does; the message names it and who can release it.
    """
    holds = {hold.subject: hold for hold in Hold.objects.filter(released__isnull=True)}
    for exhibit in exhibits if holds else ():
        for subject in (exhibit.ident, exhibit.intake.ident, f"{CASE}{exhibit.case}"):
            if subject in holds:
                hold = holds[subject]
                raise Held(
                    f"{exhibit.ident} is held by {hold.ident} on {subject},"
                    f" which only {hold.placed_by} can release"
                )


def check_subject(subject: str) -> None:
    """Nothing, when a hold can speak of it.

    Raises:
        InvalidInput: it is malformed, or is disposed of already.
        NotFound: there is no such exhibit, intake or case: the hold would protect nothing.
    """
    if subject.startswith(CASE):
        is_there = Intake.objects.filter(case=subject.removeprefix(CASE)).exists()
    elif subject.startswith("i-"):
        is_there = Intake.objects.filter(ident=check_identifier(subject, "i-")).exists()
    else:
        row = Exhibit.objects.filter(ident=check_identifier(subject, "x-")).first()
        is_there = row is not None
        if row is not None and row.state != "sealed":
            raise InvalidInput(f"{subject} is disposed of: nothing is left to hold")
    if not is_there:
        raise NotFound(f"there is no {subject}: a hold on it would protect nothing")


def _rows() -> QuerySet[Hold]:
    return Hold.objects.select_related("placed", "released").order_by("seq")


def _value(hold: Hold) -> HoldValue:
    return HoldValue(
        id=hold.ident,
        subject=hold.subject,
        placed_by=hold.placed_by,
        placed_at=hold.placed.at,
        reason=str(hold.placed.value.body["reason"]),
        released_at=hold.released.at if hold.released else None,
    )
