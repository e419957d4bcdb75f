"""Assert: make statements of this node and append them to the log they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from svitlo.errors import StatementError
from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from svitlo.record.custody import SIGNED, Event, event_body, type_of
from svitlo.record.statement import LogKind, Statement, log_of, utc_text
from svitlo.store.log.appending import Opening, append, opening_of


def new_statement(  # noqa: PLR0913 - the members of a statement's envelope
    node: Node,
    kind: str,
    *,
    actor: str,
    subject: Sequence[str],
    body: Mapping[str, Any],
    basis: str | None = None,
    ident: str | None = None,
) -> Statement:
    """A statement of this node, made now, not yet appended."""
    return Statement(
        type=kind,
        id=ident or node.ulids.next(),
        node=node.settings.origin,
        at=utc_text(node.now()),
        actor=actor,
        subject=tuple(subject),
        body=body,
        basis=basis,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A custody event before it is stated.

    `subject` names exhibits (or their intake), `what` the kind of object, `result` what came of it,
    `extra` the members that this event adds.
    """

    event: Event
    subject: Sequence[str]
    what: str
    result: str
    extra: Mapping[str, Any] | None = None


def custody_statement(node: Node, actor: Actor, happening: Happening) -> Statement:
    """A custody event by this actor; signed where the event demands it or the key is here.

    Raises:
        AccessDenied: the event needs a key that is not here.
        StatementError: a rule of the record is broken.
    """
    more = dict(happening.extra or {})
    if actor.purpose.note:
        more["note"] = actor.purpose.note
    statement = new_statement(
        node,
        type_of(happening.event),
        actor=actor.person,
        subject=happening.subject,
        body=event_body(
            happening.event,
            purpose=actor.purpose.purpose,
            what=happening.what,
            result=happening.result,
            version=node.version,
            extra=more,
        ),
        basis=actor.purpose.basis,
    )
    if happening.event in SIGNED:
        return actor.needed_signer(happening.event.value).signed(statement)
    return actor.signer.signed(statement) if actor.signer else statement


def openings_of(statements: Sequence[Statement]) -> list[Opening]:
    """The statements with fresh salts, ready to append; made before the unit opens."""
    return [opening_of(statement) for statement in statements]


def append_to_log(node: Node, kind: LogKind, openings: Sequence[Opening]) -> int:
    """The openings wait in the node's log of that kind; returns the `seq` of the first.

    Raises:
        StatementError: one of them belongs to another log.
    """
    for opening in openings:
        if log_of(opening.type) is not kind:
            raise StatementError(f"{opening.type} does not go to the {kind.value} log")
    origin = node.spine if kind is LogKind.SPINE else node.audit
    return append(node.log_id(origin), openings)
