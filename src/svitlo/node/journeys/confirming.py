"""Confirm a log by two officers, where no witness can: signed by both, and kept for ever.

A machine that was set back to a snapshot cannot know it by itself. Who confirms its log says that
it was not, and answers for that: if another history was signed meanwhile, this makes a fork. So two
persons sign it, each with their own key, and every later reader finds both statements.
"""

from svitlo.errors import AccessDenied, InvalidInput
from svitlo.node.acting import Actor
from svitlo.node.asserting import new_statement
from svitlo.node.audit import record
from svitlo.node.journeys.logkeeping import LogState
from svitlo.node.opening import Node
from svitlo.record.statement import Statement

OVERRIDE = "peer.override"
MAX_REASON = 500


def confirm_log(node: Node, first: Actor, second: Actor, *, reason: str) -> None:
    """Two persons state that the spine is the one that was signed last; then it may be signed.

    The command closes the epoch with `is_confirmed`.

    Raises:
        InvalidInput: the log is not unconfirmed, or no reason is given.
        AccessDenied: both are the same person, or a key is not held here.
    """
    reader = node.log(node.spine)
    if reader.log.state != LogState.UNCONFIRMED.value:
        raise InvalidInput(f"{node.spine} is {reader.log.state}: there is nothing to confirm")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput(f"--note says in 1 to {MAX_REASON} letters why no witness confirms it")
    if first.person == second.person:
        raise AccessDenied("two different persons confirm a log")
    size = reader.size()
    record(
        node,
        *(
            _statement(node, actor, other.person, size=size, reason=reason)
            for actor, other in ((first, second), (second, first))
        ),
    )


def _statement(node: Node, actor: Actor, other: str, *, size: int, reason: str) -> Statement:
    statement = new_statement(
        node,
        OVERRIDE,
        actor=actor.person,
        subject=[node.spine],
        body={"origin": node.spine, "size": size, "note": reason, "with": other},
        basis=actor.purpose.basis,
    )
    return actor.needed_signer("confirming a log").signed(statement)
