"""`svitlo demo`: the whole way of an exhibit, on this machine, in a minute."""

from pathlib import Path

import click


@click.command("demo")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-node"),
    show_default=True,
    help="Folder of the demonstration; made anew each time.",
)
def demonstration(*, into: Path) -> None:
    """Seal, log, cosign, stamp, export and verify a fictional folder; then break one byte.

    Example: svitlo demo --into /tmp/svitlo-demo
    """
    from svitlo.node.demo.story import tell_story

    tell_story(into.absolute(), click.echo)
