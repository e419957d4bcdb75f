"""`svitlo init`: make a node."""

from pathlib import Path

import click

from svitlo.cli.output import say


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--state", required=True, help="Country code of the state, such as DE.")
@click.option("--name", required=True, help="Name of the contact point.")
@click.option("--origin", help="Permanent DNS name of its logs; made of the name when left out.")
@click.option("--person", default="First officer", help="Name of the first person.")
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the passphrase that protects the keys.",
)
def founding(
    *,
    folder: Path,
    state: str,
    name: str,
    origin: str | None,
    person: str,
    passphrase_file: Path | None,
) -> None:
    """Make a node in DIR: keys, logs, database, and its first person with a key.

    Example: svitlo init my-node --state DE --name "Contact point A" --origin a.example
    """
    from svitlo.errors import InvalidInput
    from svitlo.node.opening import point_django_at

    phrase = None
    if passphrase_file is not None:
        try:
            phrase = passphrase_file.read_text(encoding="utf-8").rstrip("\n")
        except UnicodeDecodeError:
            raise InvalidInput("the passphrase file is no text in UTF-8") from None
        if not phrase:
            raise InvalidInput("the passphrase file is empty")
    point_django_at(folder.absolute())
    from svitlo.node.journeys.founding import Founding, found_node
    from svitlo.node.journeys.logkeeping import close_epoch

    node = found_node(
        folder,
        Founding(
            state=state,
            name=name,
            origin=origin,
            person=person,
            phrase=phrase,
            passphrase_file=str(passphrase_file.absolute()) if passphrase_file else "",
        ),
    )
    close_epoch(node)
    say(f"Made a node for {name} ({state}) in {folder}.")
    say(f"Its permanent origin is {node.settings.origin}: logs and proofs carry it for ever.")
    say(f"First person: {person}, {node.settings.person}; default purpose and basis:")
    say(f"  {node.settings.purpose}, {node.settings.basis} (change them in {folder}/svitlo.toml)")
    if phrase is None:
        say("The keys have no passphrase: their files are 0400, and `svitlo doctor` warns of it.")
    click.echo(str(folder))
