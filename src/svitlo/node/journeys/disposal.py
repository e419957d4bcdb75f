"""Dispose: two persons make an exhibit unreadable for ever, and the log keeps that they did.

One person proposes, on a ground and by an authority; another approves, after a time to think
(`disposal_days`, from the time of the proposal); then either carries it out. A hold beats every
role at every stage. The exhibits that shared a segment are sealed anew first; headers and bodies
go from all places; only then is it stated as done, with a tombstone. The entries and all proofs
stay. Killed in between, the same command goes on.

Source: ISO 15489-1, 9.9 (disposition); Directive (EU) 2016/680, Article 16 for erasure on request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from svitlo.errors import AccessDenied, InvalidInput
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, append_to_log, custody_statement, openings_of
from svitlo.node.audit import note_read
from svitlo.node.journeys.holding import check_free, refusals_noted
from svitlo.node.journeys.reading import chosen
from svitlo.node.journeys.resealing import reseal_bodies, sweep_bodies, vault_to_itself
from svitlo.node.journeys.tombstones import check_indexed, erase_openings, tombstone_of
from svitlo.node.opening import Node
from svitlo.node.previews import drop_previews
from svitlo.record.codes import check_code
from svitlo.record.custody import Event
from svitlo.record.statement import LogKind, Statement
from svitlo.store.models import Blob, Disposal, Exhibit
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import in_units, unit

ERASURE = "erasure"
"""The one ground on which statements themselves are erased."""

MAX_AUTHORITY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalValue:
    """A disposal as people see it; `stage` is proposed, approved, begun or done."""

    exhibit: str
    stage: str
    ground: str
    authority: str
    proposed_by: str
    proposed_at: str
    approvable_from: str
    approved_by: str
    done_at: str


def propose(
    node: Node, actor: Actor, ids: Sequence[str], *, ground: str, authority: str
) -> list[DisposalValue]:
    """The proposals, one for each exhibit, signed.

    `ground` is a code of the grounds list; `authority` says in words which office or decision
    demands it, and never names a person, since it stays.

    Raises:
        InvalidInput: ground or authority do not fit, or an exhibit is proposed or gone already.
        NotFound: there is no such exhibit.
        Held: a hold forbids it.
    """
    check_code("grounds", ground)
    if not authority.strip() or len(authority) > MAX_AUTHORITY:
        raise InvalidInput(f"--authority takes 1 to {MAX_AUTHORITY} letters")
    exhibits = chosen(ids, is_all=False)
    for exhibit in exhibits:
        is_erasable = ground == ERASURE and exhibit.statement.state == "active"
        if exhibit.state != "sealed" and not is_erasable:
            raise InvalidInput(f"{exhibit.ident} is disposed of already")
    if open_ones := _open_disposals(exhibits):
        raise InvalidInput(f"the disposal of {min(open_ones)} is proposed already")
    with refusals_noted(node, actor, ids, "propose disposal"):
        check_free(exhibits)
        for part in in_units(exhibits):
            said = {"stage": "proposed", "ground": ground, "authority": authority}
            statement = _stage(node, actor, part, said)
            openings = openings_of([statement])
            with unit():
                row = append_to_log(node, LogKind.SPINE, openings)
                Disposal.objects.bulk_create(
                    Disposal(exhibit=exhibit, proposed_by=actor.person, proposed_id=row)
                    for exhibit in part
                )
    return _values(node, exhibits)


def approve(node: Node, actor: Actor, ids: Sequence[str]) -> list[DisposalValue]:
    """The disposals, approved by a second person, signed.

    Raises:
        InvalidInput: one is not proposed, or approved already.
        NotFound: there is no such exhibit.
        AccessDenied: the same person proposed it, or the time to think is not over.
        Held: a hold forbids it.
    """
    exhibits = chosen(ids, is_all=False)
    disposals = _needed(exhibits)
    for disposal in disposals:
        if disposal.approved_by:
            raise InvalidInput(f"the disposal of {disposal.exhibit.ident} is approved already")
    with refusals_noted(node, actor, ids, "approve disposal"):
        check_free(exhibits)
        for disposal in disposals:
            _check_second(node, disposal, actor.person)
        for part in in_units(disposals):
            proposals = sorted({disposal.proposed.ident for disposal in part})
            said = {"stage": "approved", "proposals": proposals}
            statement = _stage(node, actor, [disposal.exhibit for disposal in part], said)
            openings = openings_of([statement])
            with unit():
                append_to_log(node, LogKind.SPINE, openings)
                rows = Disposal.objects.filter(pk__in=[disposal.pk for disposal in part])
                rows.filter(approved_by="").update(approved_by=actor.person)
    return _values(node, exhibits)


def dispose(
    node: Node, actor: Actor, ids: Sequence[str], *, is_statement_erased: bool = False
) -> list[DisposalValue]:
    """The disposals, carried out; with `is_statement_erased` nothing said of them is left either.

    Raises:
        InvalidInput: one is not proposed, or its ground does not allow to erase statements.
        NotFound: there is no such exhibit, or no identity to seal the others of a segment again.
        AccessDenied: it is not approved, or the person is neither of the two.
        Held: a hold forbids it.
        Busy: an intake is open, or another command changes the vault: repeat it later.
    """
    exhibits = chosen(ids, is_all=False)
    disposals = _needed(exhibits)
    if is_statement_erased:
        _check_erasable(disposals)
    with refusals_noted(node, actor, ids, "dispose"), vault_to_itself(node):
        _check_decided(disposals, actor.person)
        actor.needed_signer("a disposal")
        _check_held(exhibits)
        going = frozenset(exhibit.pk for exhibit in exhibits)
        segments = Blob.objects.filter(exhibits__in=going, is_segment=True, header__isnull=False)
        reseal_bodies(node, actor, list(segments.distinct().order_by("seq")), without=going)
        for part in in_units(exhibits):
            with unit():
                _check_held(part)
                Exhibit.objects.filter(pk__in=[e.pk for e in part]).update(state="disposed")
        sweep_bodies(node)
        for exhibit in exhibits:
            drop_previews(node, exhibit.ident)
        if is_statement_erased:
            erase_openings(node, actor, disposals)
        for done in in_units(disposals):
            _state_done(node, actor, done, is_erased=is_statement_erased)
    return _values(node, exhibits)


def list_disposals(node: Node, actor: Actor, *, is_all: bool = False) -> list[DisposalValue]:
    """The disposals that are under way, or all there ever were, in the order of their proposal."""
    rows = Disposal.objects.order_by("pk").select_related("exhibit", "proposed", "done")
    found = list(rows if is_all else rows.filter(done__isnull=True))
    ids = [disposal.exhibit.ident for disposal in found]
    note_read(node, actor, Event.SEARCH, ids, result="disposals listed")
    return [_value(node, disposal) for disposal in found]


def _stage(
    node: Node, actor: Actor, exhibits: Sequence[Exhibit], said: Mapping[str, object]
) -> Statement:
    return custody_statement(
        node,
        actor,
        Happening(
            event=Event.DISPOSE,
            subject=[exhibit.ident for exhibit in exhibits],
            what="exhibit",
            result=str(said["stage"]),
            extra=said,
        ),
    )


def _open_disposals(exhibits: Sequence[Exhibit]) -> dict[str, Disposal]:
    found = {}
    for part in in_units(exhibits):
        rows = Disposal.objects.filter(exhibit__in=[e.pk for e in part], done__isnull=True)
        for row in rows.select_related("exhibit", "proposed", "exhibit__blob"):
            found[row.exhibit.ident] = row
    return found


def _needed(exhibits: Sequence[Exhibit]) -> list[Disposal]:
    """The open disposal of each exhibit, in the same order."""
    found = _open_disposals(exhibits)
    for exhibit in exhibits:
        if exhibit.ident not in found:
            raise InvalidInput(f"the disposal of {exhibit.ident} is not proposed")
    return [found[exhibit.ident] for exhibit in exhibits]


def _check_second(node: Node, disposal: Disposal, person: str) -> None:
    if disposal.proposed_by == person:
        raise AccessDenied(f"{person} proposed it: somebody else has to approve")
    since = _approvable_from(node, disposal)
    if node.now() < since:
        raise AccessDenied(
            f"the disposal of {disposal.exhibit.ident} can be approved from {_text(since)} on"
        )


def _check_decided(disposals: Sequence[Disposal], person: str) -> None:
    for disposal in disposals:
        if not disposal.approved_by:
            raise AccessDenied(f"nobody approved the disposal of {disposal.exhibit.ident}")
        if person not in {disposal.proposed_by, disposal.approved_by}:
            raise AccessDenied(f"{person} neither proposed nor approved the disposal")


def _check_held(exhibits: Sequence[Exhibit]) -> None:
    """As `check_free`, for exhibits whose erasing has not begun."""
    rows = Exhibit.objects.filter(pk__in=[e.pk for e in exhibits], state="sealed")
    check_free(list(rows.select_related("intake")))


def _check_erasable(disposals: Sequence[Disposal]) -> None:
    for disposal in disposals:
        ground = disposal.proposed.value.body["ground"]
        if ground != ERASURE:
            raise InvalidInput(
                f"statements are erased on the ground {ERASURE!r} only;"
                f" {disposal.exhibit.ident} was proposed on {ground!r}"
            )
    check_indexed([disposal.exhibit for disposal in disposals])


def _state_done(node: Node, actor: Actor, part: Sequence[Disposal], *, is_erased: bool) -> None:
    """The done event and the tombstones stand in the log; the disposals are closed."""
    exhibits = [disposal.exhibit for disposal in part]
    said = {"stage": "done", "proposals": sorted({d.proposed.ident for d in part})}
    done = _stage(node, actor, exhibits, said)
    stones = [tombstone_of(node, actor, disposal, is_erased=is_erased) for disposal in part]
    first, rest = openings_of([done]), openings_of(stones)
    with unit():
        row = append_to_log(node, LogKind.SPINE, first)
        append_to_log(node, LogKind.SPINE, rest)
        Disposal.objects.filter(pk__in=[d.pk for d in part]).update(
            done=StatementRow.objects.get(pk=row)
        )


def _approvable_from(node: Node, disposal: Disposal) -> datetime:
    proposed = datetime.fromisoformat(disposal.proposed.at)
    return proposed + timedelta(days=node.settings.disposal_days)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _values(node: Node, exhibits: Sequence[Exhibit]) -> list[DisposalValue]:
    found = {}
    for part in in_units(exhibits):
        rows = Disposal.objects.filter(exhibit__in=[e.pk for e in part]).order_by("pk")
        for row in rows.select_related("exhibit", "proposed", "done"):
            found[row.exhibit.ident] = _value(node, row)
    return [found[exhibit.ident] for exhibit in exhibits]


def _value(node: Node, disposal: Disposal) -> DisposalValue:
    said = disposal.proposed.value.body
    is_begun = disposal.exhibit.state == "disposed"
    stage = "begun" if is_begun else "approved" if disposal.approved_by else "proposed"
    return DisposalValue(
        exhibit=disposal.exhibit.ident,
        stage="done" if disposal.done else stage,
        ground=str(said["ground"]),
        authority=str(said["authority"]),
        proposed_by=disposal.proposed_by,
        proposed_at=disposal.proposed.at,
        approvable_from=_text(_approvable_from(node, disposal)),
        approved_by=disposal.approved_by,
        done_at=disposal.done.at if disposal.done else "",
    )
