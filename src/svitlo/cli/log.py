"""`svitlo log`: what the logs hold, who vouches for them, and witnessing those of others."""

import sys
from typing import Any

import click

from svitlo.cli.exhibit import acting_options
from svitlo.cli.output import say
from svitlo.cli.program import Door, pass_door


@click.group()
def log() -> None:
    """The logs of the node: everything it states, in an order that nobody can rewrite.

    Example: svitlo --node my-node log show
    """


@log.command()
@pass_door
def vkeys(door: Door) -> None:
    """Print the public keys of the node: of its logs, and as a witness of others.

    Example: svitlo --node my-node log vkeys
    """
    node = door.node
    from svitlo.node.journeys.rotation import vkeys_of

    for line in vkeys_of(node):
        click.echo(line)


@log.command()
@click.argument("vkeys", nargs=-1, required=True, metavar="VKEY...")
@acting_options
@pass_door
def trust(door: Door, *, vkeys: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - the options above
    """Witness the logs of these keys from now on.

    Example: svitlo --node other-node log trust "$(svitlo --node my-node log vkeys | head -1)"
    """
    node = door.node
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.logkeeping import close_epoch
    from svitlo.node.journeys.witnessing import trust as trust_keys

    for key in trust_keys(node, actor_of(node, **given), vkeys):
        say(f"This node witnesses {key.name}, key {key.key_id.hex()}.")
    close_epoch(node)


@log.command()
@pass_door
def witness(door: Door) -> None:
    """Answer another node's questions on standard input, a JSON object a line.

    Example: echo '{"get":"a.example/spine/1"}' | svitlo --node other-node log witness
    """
    node = door.node
    from svitlo.node.journeys.witnessing import MAX_LINE, answer_lines

    out = sys.stdout.buffer
    lines = iter(lambda: sys.stdin.buffer.readline(MAX_LINE), b"")
    for answer in answer_lines(node, lines):
        out.write(answer)
        out.flush()
