"""Commands that state something: who acts, and an epoch that closes when they end.

The epoch closes after a refusal too, so that the attempt stands in a signed log.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from svitlo.cli.program import Door
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node


@contextmanager
def stating(door: "Door", given: Mapping[str, Any]) -> Iterator[tuple["Node", "Actor"]]:
    """The node and whoever acts by the options `given`; the logs are signed at the end."""
    node = door.node
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.logkeeping import close_epoch

    actor = actor_of(node, **given)
    try:
        yield node, actor
    finally:
        close_epoch(node)
