"""Disclose: export exhibits as a dossier that a court can check without this node.

In this order: every exhibit is held to the digests of its sealing; sealed copies are made where
they are asked for; the export is stated, signed by the person; the logs close an epoch; then the
bag is written beside its place and moved there whole. Who was refused is written down too.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from svitlo.dossier.contents import Case, Exhibit, Withheld
from svitlo.dossier.custody import custody_digest
from svitlo.dossier.package import bound_files, export_parts
from svitlo.dossier.words import words_of
from svitlo.errors import Busy, DossierError, InvalidInput, SandboxError
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, append_to_log, custody_statement, openings_of
from svitlo.node.journeys.disclosure_proofs import gathered
from svitlo.node.journeys.disclosure_writing import (
    Outbound,
    Progress,
    check_originals,
    seal_copies,
    write_bag,
)
from svitlo.node.journeys.holding import CASE, refusals_noted
from svitlo.node.journeys.logkeeping import close_epoch
from svitlo.node.journeys.reading import chosen
from svitlo.node.opening import Node
from svitlo.node.sandbox import Cage
from svitlo.record.custody import EVENT, Event
from svitlo.record.statement import LogKind, Statement, utc_text
from svitlo.store.models import Description, Person, Subject
from svitlo.store.models import Exhibit as ExhibitRow
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import in_units, unit

ATTEMPTS = 5
UNREAD = ("application/octet-stream", "bin")
"""MIME type and extension of what no cage has read."""

_EXTENSION = re.compile("[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """What is asked for: which exhibits, where to, for whom.

    `target` becomes the dossier, or gets it inside when it is there already. With `is_sealed` the
    exhibits go out encrypted to this node's recipients. `language` is that of the pages.
    """

    ids: tuple[str, ...] = ()
    is_all: bool = False
    target: Path
    is_sealed: bool = False
    recipient: str = ""
    title: str = ""
    language: str = "en"
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A dossier that was made, and words on what it does not have."""

    path: Path
    dossier: str
    exhibits: int
    log_size: int
    remarks: tuple[str, ...] = ()


def make_dossier(
    node: Node, actor: Actor, asked: Disclosure, *, progress: Progress | None = None
) -> Made:
    """The dossier of these exhibits.

    Raises:
        InvalidInput: nothing or both was named, the place is taken, or no page speaks the language.
        NotFound: there is no such exhibit, or its bytes are gone.
        DigestMismatch: an exhibit holds other bytes than were sealed: nothing is exported.
        AccessDenied: the person's key is not here.
    """
    rows = chosen(asked.ids, is_all=asked.is_all)
    if asked.is_all:
        rows = [row for row in rows if row.state == "sealed"]
    gone = [row.ident for row in rows if row.state != "sealed"]
    if gone or not rows:
        raise InvalidInput(f"{gone[0]} was disposed of" if gone else "there is no exhibit")
    with refusals_noted(node, actor, [row.ident for row in rows], "export"):
        actor.needed_signer("an export")
    case = _case(node, actor, asked, rows)
    place = _place(asked.target, case)
    part = place.with_name(f".{place.name}.part")
    part.mkdir(mode=0o700, parents=True)
    try:
        return _made(node, actor, asked, Outbound(node, case, rows, part, place, progress))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _made(node: Node, actor: Actor, asked: Disclosure, outbound: Outbound) -> Made:
    outgoing = seal_copies(outbound) if asked.is_sealed else check_originals(outbound)
    kinds, sources = _kinds(outbound.rows), _sources(outbound.rows)
    people = _people()
    exhibits = tuple(
        replace(
            _exhibit(row, number, outgoing[row.ident], kinds.get(row.pk, UNREAD)),
            is_sealed=asked.is_sealed,
            source=sources[row.intake_id],
            custodian=_named(row.statement.value.actor, people),
        )
        for number, row in enumerate(outbound.rows, 1)
    )
    bound = bound_files(exhibits, asked.withheld)
    _state_export(outbound, actor, exhibits, bound)
    head = close_epoch(node)
    dossier, remarks = gathered(outbound, exhibits, bound, asked.withheld)
    try:
        with Cage.open() as cage:
            dossier = outbound.with_report(dossier, cage.typeset)
    except (SandboxError, DossierError) as error:
        remarks += (f"no START.pdf: {error}",)
    write_bag(outbound, dossier)
    return Made(
        path=outbound.place,
        dossier=outbound.case.dossier,
        exhibits=len(exhibits),
        log_size=head.checkpoint.size,
        remarks=remarks,
    )


def _case(node: Node, actor: Actor, asked: Disclosure, rows: Sequence[ExhibitRow]) -> Case:
    cases = sorted({row.case for row in rows})
    words = words_of(asked.language)
    return Case(
        dossier=f"d-{node.ulids.next()}",
        case=", ".join(cases),
        title=asked.title or words.text("title.case", case=", ".join(cases)),
        node=node.settings.origin,
        organisation=f"{node.settings.name} ({node.settings.state})",
        exported_at=utc_text(node.now()),
        exported_by=_named(actor.person, _people()),
        recipient=asked.recipient or words.text("not-stated"),
        purpose=actor.purpose.purpose,
        basis=actor.purpose.basis,
        version=node.version,
        quorum=node.settings.quorum,
        language=words.language,
    )


def _people() -> dict[str, str]:
    return dict(Person.objects.values_list("ident", "name"))


def _named(person: str, people: Mapping[str, str]) -> str:
    """A person by name and identifier; the custodian is who sealed, until somebody takes over."""
    name = people.get(person)
    return f"{name} ({person})" if name else person


def _place(target: Path, case: Case) -> Path:
    """Where the dossier will stand.

    Raises:
        InvalidInput: something is there already, or it lies in a dossier, which it would spoil.
    """
    target = target.absolute()
    for folder in (target, *target.resolve().parents):
        if (folder / "bagit.txt").is_file():
            raise InvalidInput(f"{folder} is a dossier already: one more file would spoil it")
    if target.is_dir():
        word = "-".join(re.findall("[a-z0-9]+", case.case.lower()))[:80].strip("-") or "case"
        day = case.exported_at[:10].replace("-", "")
        target /= f"{word}-{day}-{case.dossier[-8:]}"
    if target.exists() or target.is_symlink():
        raise InvalidInput(f"{target} is there already; nothing is overwritten")
    return target


def _exhibit(
    row: ExhibitRow, number: int, outgoing: tuple[str, int], kind: tuple[str, str]
) -> Exhibit:
    statement = row.statement.value
    claimed = statement.body.get("claimed")
    claims: Mapping[str, Any] = claimed if isinstance(claimed, dict) else {}
    return Exhibit(
        number=f"{number:04d}",
        id=row.ident,
        path=bytes(row.path),
        sha256=bytes(row.sha256).hex(),
        blake3=bytes(row.blake3).hex(),
        size=row.size,
        outgoing_sha256=outgoing[0],
        outgoing_size=outgoing[1],
        mime=kind[0],
        extension=kind[1],
        author=str(claims.get("author", "")),
        modified_at=_time(statement.body.get("mtime")),
    )


def _time(nanoseconds: object) -> str:
    """The time as statements write it, empty where there is none that they can write."""
    seconds = int(str(nanoseconds)) // 1_000_000_000 if nanoseconds is not None else -1
    return utc_text(datetime.fromtimestamp(seconds, UTC)) if 0 <= seconds < 1 << 33 else ""


def _kinds(rows: Sequence[ExhibitRow]) -> dict[int, tuple[str, str]]:
    """MIME type and extension of each exhibit, as the cage last found them in the content."""
    kinds = {}
    for part in in_units(rows):
        found = Description.objects.filter(exhibit__in=part).select_related("statement")
        for one in found.order_by("statement"):
            said = one.statement.value.body.get("kind")
            if isinstance(said, dict):
                extension = str(said.get("extension", "")).rsplit(".", 1)[-1]
                fits = _EXTENSION.fullmatch(extension)
                mime = str(said.get("mime", UNREAD[0]))
                kinds[one.exhibit_id] = (mime, extension if fits else UNREAD[1])
    return kinds


def _sources(rows: Sequence[ExhibitRow]) -> dict[int, str]:
    """Whom or what each intake came from, as its reception was stated."""
    sources = {}
    for intake in {row.intake_id: row.intake for row in rows}.values():
        first = (
            Subject.objects.filter(name=intake.ident, statement__type=EVENT)
            .select_related("statement")
            .order_by("statement")
            .first()
        )
        sources[intake.pk] = str(first.statement.value.body.get("from", "")) if first else ""
    return sources


def _state_export(
    outbound: Outbound, actor: Actor, exhibits: Sequence[Exhibit], bound: Mapping[str, bytes]
) -> None:
    """The signed export events, made of the custody as it is when they are appended.

    Raises:
        Busy: others kept adding events.
    """
    node, case = outbound.node, outbound.case
    for _ in range(ATTEMPTS):
        newest = _newest()
        parts = export_parts(case, exhibits, bound, _custody(exhibits))
        statements = [_event(node, actor, subject, extra) for subject, extra in parts]
        units = list(in_units(openings_of(statements)))
        with unit():
            is_current = _newest() == newest
            if is_current:
                append_to_log(node, LogKind.SPINE, units[0])
        if is_current:
            for openings in units[1:]:
                with unit():
                    append_to_log(node, LogKind.SPINE, openings)
            return
    raise Busy("other commands keep changing the custody of these exhibits; try again")


def _newest() -> int:
    """The `seq` of the newest statement."""
    row = StatementRow.objects.order_by("-seq").values_list("seq", flat=True).first()
    return int(row or 0)


def _event(node: Node, actor: Actor, subject: Sequence[str], extra: Mapping[str, Any]) -> Statement:
    return custody_statement(
        node,
        actor,
        Happening(
            event=Event.EXPORT, subject=subject, what="exhibit", result="exported", extra=extra
        ),
    )


def _custody(exhibits: Sequence[Exhibit]) -> dict[str, tuple[int, str]]:
    """How many custody events each exhibit has, and the digest over their identifiers."""
    bearing: dict[str, tuple[str, ...]] = {}
    for part in in_units([exhibit.id for exhibit in exhibits]):
        rows = ExhibitRow.objects.filter(ident__in=part)
        for ident, intake, case in rows.values_list("ident", "intake__ident", "case"):
            bearing[ident] = (ident, intake, f"{CASE}{case}")
    events: dict[str, list[tuple[int, str]]] = {}
    for part in in_units(sorted(set().union(*bearing.values()))):
        found = Subject.objects.filter(
            name__in=part, statement__type=EVENT, statement__state="active"
        )
        for name, seq, ident in found.values_list("name", "statement__seq", "statement__ident"):
            events.setdefault(name, []).append((seq, ident))
    custody = {}
    for exhibit in exhibits:
        mine = set().union(*(events.get(name, ()) for name in bearing[exhibit.id]))
        custody[exhibit.id] = (len(mine), custody_digest(ident for _, ident in sorted(mine)))
    return custody
