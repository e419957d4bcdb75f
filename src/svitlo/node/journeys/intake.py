"""Take in: from offered paths to sealed exhibits and a receipt that accounts for every one.

In this order: the census is fixed and durable; reception is stated; groups of items are sealed,
made durable and only then stated; the batch is signed by the person; the logs close an epoch; the
receipt closes with `offered = sealed + rejected`. Killed at any moment, the same command goes on
where it was: what is stated is not sealed again, what is not stated is read again. After a closed
receipt the same command is a new intake.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from svitlo.errors import Busy, InvalidInput, ManifestError
from svitlo.node.acting import Actor
from svitlo.node.archives import with_members
from svitlo.node.asserting import Happening, append_to_log, custody_statement, openings_of
from svitlo.node.census import STDIN, Offered, Walk
from svitlo.node.claims import Claims, check_account
from svitlo.node.clock import clock_state
from svitlo.node.journeys.intake_groups import seal_items
from svitlo.node.journeys.intake_notes import manifest_value, receipt_notes
from svitlo.node.journeys.intake_progress import Progress
from svitlo.node.journeys.logkeeping import check_not_behind
from svitlo.node.journeys.receipts import Receipt, close_intake
from svitlo.node.opening import Node
from svitlo.node.places import sealing_in
from svitlo.record.custody import Event
from svitlo.record.statement import LogKind, utc_text
from svitlo.store.intaking import ItemRow, add_items, files_of, forget_census
from svitlo.store.models import Intake
from svitlo.store.writing import in_units, unit

MAX_CASE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is offered: paths as bytes (`-` is standard input), and what is said of them."""

    paths: tuple[bytes, ...]
    source: str | None = None
    collected_by: str | None = None
    case: str | None = None
    has_members: bool = False
    manifests: tuple[bytes, ...] = ()
    is_partly_listed: bool = False

    def request(self, actor: Actor, claims: Claims) -> str:
        """The digest by which an unfinished intake of the same offer is found again."""
        parts = [
            os.fsencode(Path.cwd()).hex(),
            [path.hex() for path in self.paths],
            [self.source, self.collected_by, self.case, self.has_members],
            [actor.person, actor.purpose.purpose, actor.purpose.basis],
            [self.is_partly_listed, [file.sha256 for file in claims.manifests]],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def take_in(node: Node, actor: Actor, offer: Offer, *, progress: Progress | None = None) -> Receipt:
    """The receipt of an intake, begun now or continued after it was broken off.

    Raises:
        InvalidInput: nothing was offered, or the node's own keys were; or words are no text.
        ManifestError: a manifest does not fit what is offered; nothing was sealed.
        Busy: another process works on the same intake.
    """
    _check(node, offer)
    claims = Claims(offer.manifests, offer.paths)
    request = offer.request(actor, claims)
    with _alone(node, request), sealing_in(node):
        check_not_behind(node, node.log(node.spine))
        intake = _intake(node, actor, offer, request)
        walk = None
        if intake.state == "census":
            walk = _take_census(node, actor, offer, intake, claims=claims)
        batch = seal_items(node, actor, intake, progress, claims=claims)
        notes = receipt_notes(intake, offer.paths, claims, walk)
        return close_intake(node, actor, intake, batch=batch, source=offer.source, notes=notes)


def _check(node: Node, offer: Offer) -> None:
    if not offer.paths:
        raise InvalidInput("name at least one file or folder to take in")
    said = {"source": offer.source, "collector": offer.collected_by, "case": offer.case}
    for name, text in said.items():
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                f"the {name} is not text: it holds bytes that no letter has"
            ) from None
    if offer.case is not None and not (
        offer.case.isprintable() and 0 < len(offer.case) <= MAX_CASE
    ):
        raise InvalidInput(f"a case is named by 1 to {MAX_CASE} printable letters")
    own = b"%b/" % os.fsencode(node.folder.resolve())
    for path in offer.paths:
        there = b"%b/" % os.path.realpath(path).rstrip(b"/")
        if path != STDIN and (own.startswith(there) or there.startswith(own)):
            shown = os.fsdecode(path)
            raise InvalidInput(
                f"{shown!r} holds this node itself, or is of it: its keys are no evidence"
            )


def _intake(node: Node, actor: Actor, offer: Offer, request: str) -> Intake:
    """The unfinished intake of the same offer, or a new one."""
    found = Intake.objects.filter(request=request).exclude(state="closed").first()
    if found is not None:
        return found
    with unit():
        return Intake.objects.create(
            ident=f"i-{node.ulids.next()}",
            request=request,
            case=offer.case or node.settings.case,
            actor=actor.person,
            started_at=utc_text(node.now()),
        )


def _take_census(node: Node, actor: Actor, offer: Offer, intake: Intake, *, claims: Claims) -> Walk:
    """Everything offered is listed, durably, and its reception is stated; the walk comes back.

    Raises:
        ManifestError: the manifests do not fit it; the intake never was.
    """
    with unit():
        forget_census(intake.pk)
    walk = Walk(offer.paths)
    walked: Iterator[Offered] = walk.offered()
    if offer.has_members:
        walked = with_members(walked)
    offered = 0
    for part in in_units(walked):
        rows = [ItemRow(n, *thing) for n, thing in enumerate(part, offered)]
        offered += len(rows)
        with unit():
            add_items(intake.pk, rows)
    if claims and not offer.is_partly_listed:
        _hold_to_manifests(intake, claims)
    received = custody_statement(
        node,
        actor,
        Happening(
            event=Event.RECEIVE,
            subject=[intake.ident],
            what="intake",
            result="received",
            extra=_reception(offer, offered, claims),
        ),
    )
    openings = openings_of([received])
    intake.state, intake.offered = "open", offered
    with unit():
        append_to_log(node, LogKind.SPINE, openings)
        intake.save(update_fields=["state", "offered"])
    return walk


def _hold_to_manifests(intake: Intake, claims: Claims) -> None:
    try:
        check_account(claims.account(files_of(intake.pk)))
    except ManifestError:
        with unit():
            forget_census(intake.pk)
            intake.delete()
        raise


def _reception(offer: Offer, offered: int, claims: Claims) -> dict[str, object]:
    said = {"from": offer.source, "collected_by": offer.collected_by}
    return {
        "offered": offered,
        "channel": "command",
        "clock": clock_state(),
        **{name: text for name, text in said.items() if text},
        **({"manifests": [manifest_value(file) for file in claims.manifests]} if claims else {}),
    }


@contextmanager
def _alone(node: Node, request: str) -> Iterator[None]:
    """No other process works on the same intake.

    Raises:
        Busy: one does.
    """
    path = node.folder / "run" / f"intake-{request[:32]}.lock"
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Busy("another process is taking in the same paths") from None
    finally:
        os.close(opened)
