"""Audit of reads: nothing of the record is shown before it is written down who looks.

One statement a request in the audit log, with up to 100 identifiers, beyond that their count and
digest. It is durable before the answer leaves; where it cannot be written, nothing is read.
"""

import hashlib
from collections.abc import Sequence

from svitlo.errors import SvitloError
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, append_to_log, custody_statement, openings_of
from svitlo.node.opening import Node
from svitlo.record.custody import Event
from svitlo.record.statement import LogKind, Statement, log_of
from svitlo.store.writing import unit

MAX_NAMED = 100


def note_read(
    node: Node, actor: Actor, event: Event, ids: Sequence[str], *, result: str = "shown"
) -> None:
    """The read, search or preview stands in the audit log, durably."""
    named = list(ids) if len(ids) <= MAX_NAMED else []
    extra: dict[str, object] = {"count": len(ids)}
    if not named and ids:
        extra["list"] = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    record(
        node,
        custody_statement(
            node,
            actor,
            Happening(event=event, subject=named, what="exhibit", result=result, extra=extra),
        ),
    )


def note_refusal(
    node: Node, actor: Actor, ids: Sequence[str], *, act: str, error: SvitloError
) -> None:
    """The refused act stands in the audit log, with the reason that was given."""
    record(
        node,
        custody_statement(
            node,
            actor,
            Happening(
                event=Event.DENIED,
                subject=list(ids)[:MAX_NAMED],
                what="exhibit",
                result="refused",
                extra={"act": act, "reason": str(error)[:500], "count": len(ids)},
            ),
        ),
    )


def record(node: Node, *statements: Statement) -> None:
    """The statements are durable, each in its log, in one unit of their own."""
    openings = openings_of(statements)
    with unit():
        for kind in LogKind:
            part = [opening for opening in openings if log_of(opening.type) is kind]
            if part:
                append_to_log(node, kind, part)
