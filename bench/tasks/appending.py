"""Appending to a node's log: in batches that are sequenced, and one statement at a time."""

from collections.abc import Callable

from svitlo.node.acting import actor_of
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.audit import record
from svitlo.node.opening import Node
from svitlo.record.statement import LogKind, Statement
from svitlo.store.log.sequencing import sequence
from svitlo.store.writing import MAX_ROWS, unit

STATEMENT_BYTES = 380


def batches(node: Node, count: int) -> Callable[[], int]:
    """How many statements stand durably in the spine with their index, 256 at a time."""
    parts = [_statements(node, MAX_ROWS) for _ in range(count)]
    log_id = node.log(node.spine).log_id

    def work() -> int:
        for part in parts:
            openings = openings_of(part)
            with unit():
                append_to_log(node, LogKind.SPINE, openings)
            sequence(log_id, MAX_ROWS)
        return count * MAX_ROWS

    return work


def single(node: Node, count: int) -> Callable[[], int]:
    """How many statements are durable in the spine, each in a unit of its own."""
    statements = _statements(node, count)

    def work() -> int:
        for statement in statements:
            record(node, statement)
        return count

    return work


def _statements(node: Node, count: int) -> list[Statement]:
    actor = actor_of(node)

    def made(words: str) -> Statement:
        return new_statement(
            node,
            "custody.event",
            actor=actor.person,
            subject=[f"x-{node.ulids.next()}"],
            body={"event": "annotate", "purpose": actor.purpose.purpose, "words": words},
            basis=actor.purpose.basis,
        )

    bare = len(made("").canonical())
    return [made("w" * (STATEMENT_BYTES - bare)) for _ in range(count)]
