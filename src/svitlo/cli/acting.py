"""Commands that state something: their options, who acts, an epoch that closes when they end.

The epoch closes after a refusal too, so that the attempt stands in a signed log. What it lacks
(confirmation, cosignatures, stamps) is said on stderr.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.output import say

if TYPE_CHECKING:
    from svitlo.cli.program import Door
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node

as_json = click.option("--json", "is_json", is_flag=True, help="JSON on stdout.")
on_all = click.option("--all", "is_all", is_flag=True, help="All exhibits.")
acting = (
    click.option("--purpose", metavar="CODE", help="Why; a code of the purposes list."),
    click.option("--basis", metavar="CODE", help="Legal basis; a code of the bases list."),
    click.option("--note", help="Words that some codes need."),
    click.option("--person", metavar="ID", help="Who acts; the first person when left out."),
)


def acting_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators are untyped in this use
    """The command takes a purpose, a basis, a note and a person."""
    for option in reversed(acting):
        command = option(command)
    return command


@contextmanager
def stating(door: "Door", given: Mapping[str, Any]) -> Iterator[tuple["Node", "Actor"]]:
    """The node and whoever acts by the options `given`; the logs are signed at the end."""
    node = door.node
    from svitlo.node.acting import actor_of

    actor = actor_of(node, **given)
    try:
        yield node, actor
    finally:
        sign_logs(node)


def sign_logs(node: "Node") -> None:
    """The logs are signed with everything that waits; what that lacks is said."""
    from svitlo.node.journeys.logkeeping import close_epoch

    for remark in close_epoch(node).remarks:
        say(remark)
