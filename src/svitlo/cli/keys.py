"""`svitlo keys`: people who sign, and who may open what is sealed."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from svitlo.cli.acting import acting_options, as_json, on_all, stating
from svitlo.cli.output import print_json, print_table, say
from svitlo.cli.program import Door, pass_door

PUBLIC_SHOWN = 60


@click.group("keys")
def key_commands() -> None:
    """Keys: of people, of the logs, and of the vault.

    Example: svitlo --node my-node keys list
    """


@key_commands.command(name="list")
@as_json
@pass_door
def list_(door: Door, *, is_json: bool) -> None:
    """List the public side of all keys, and when recovery was last tried.

    Example: svitlo --node my-node keys list --json
    """
    node = door.node
    from svitlo.node.journeys.recovery import last_drill
    from svitlo.node.journeys.vault_keys import list_keys

    found, drilled = list_keys(node), last_drill(node)
    if is_json:
        print_json(
            {
                "items": [asdict(key) for key in found],
                "passphrase": node.keyring.is_sealed,
                "last_drill": drilled,
            }
        )
        return
    rows = [
        (
            key.kind,
            key.name,
            "here" if key.is_held else "elsewhere",
            key.public if len(key.public) <= PUBLIC_SHOWN else f"{key.public[:PUBLIC_SHOWN]}...",
        )
        for key in found
    ]
    print_table(("for", "name", "secret", "public"), rows)
    say(f"Last recovery drill: {drilled or 'never'}.")


@key_commands.command()
@click.argument("name")
@click.option("--role", default="officer", show_default=True, help="What the person is here.")
@acting_options
@pass_door
def person(door: Door, *, name: str, role: str, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Add a person NAME with a signing key, and print who that is.

    Example: svitlo --node my-node keys person "Second officer"
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.vault_keys import add_person

        ident = add_person(node, actor, name, role=role)
    click.echo(ident)


@key_commands.command()
@acting_options
@pass_door
def rotate(door: Door, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Make a new generation of the vault's key; new objects are sealed to it.

    Example: svitlo --node my-node keys rotate
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.vault_keys import rotate as rotate_vault

        generation = rotate_vault(node, actor)
    click.echo(f"vault-{generation}")
    say("What was sealed before stays with the earlier key: `svitlo keys rewrap --all` moves it.")


@key_commands.command()
@click.argument("ids", nargs=-1)
@on_all
@acting_options
@pass_door
def rewrap(door: Door, *, ids: tuple[str, ...], is_all: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Give sealed objects new headers for the recipients of today; old headers are erased.

    Whoever kept an old header and its key can still open the object: see reseal.

    Example: svitlo --node my-node keys rewrap --all
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.reading import chosen
        from svitlo.node.journeys.vault_keys import rewrap as rewrap_bodies

        count = rewrap_bodies(node, actor, chosen(ids, is_all=is_all))
    click.echo(f"{count} sealed objects have new headers")


@key_commands.command()
@click.argument("ids", nargs=-1)
@on_all
@acting_options
@pass_door
def reseal(door: Door, *, ids: tuple[str, ...], is_all: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Seal objects anew under new file keys and erase the old ones: after a key was stolen.

    Example: svitlo --node my-node keys reseal --all
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.reading import chosen
        from svitlo.node.journeys.vault_keys import reseal as reseal_exhibits

        count = reseal_exhibits(node, actor, chosen(ids, is_all=is_all))
    click.echo(f"{count} sealed objects have new bodies")


@key_commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--replace", "is_replacing", is_flag=True, help="Make another recovery key.")
@acting_options
@pass_door
def shares(door: Door, *, folder: Path, is_replacing: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Make a recovery key in three shares, of which any two open everything; DIR gets the pages.

    Example: svitlo --node my-node keys shares /media/stick/shares
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.recovery import make_shares

        paths = make_shares(node, actor, folder, is_replacing=is_replacing)
    for path in paths:
        click.echo(str(path))
    say("Print each page, delete the files, and keep the prints apart from each other.")
    say("What was sealed before is not for this key yet: `svitlo keys rewrap --all`.")


@key_commands.command()
@click.option(
    "--share",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A page with a share; twice.",
)
@click.option("--exhibit", "exhibit_id", metavar="ID", help="What to open; the newest otherwise.")
@acting_options
@as_json
@pass_door
def drill(
    door: Door,
    *,
    paths: tuple[Path, ...],
    exhibit_id: str | None,
    is_json: bool,
    **given: Any,  # noqa: ANN401 - the options above
) -> None:
    """Open one exhibit with two shares and nothing else, and write down that it works.

    Example: svitlo --node my-node keys drill --share share-1.txt --share share-3.txt
    """
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.recovery import drill as drill_recovery

        opened = drill_recovery(node, actor, texts, exhibit_id=exhibit_id)
    if is_json:
        print_json({"exhibit": opened.ident, "opened": True})
    else:
        click.echo(f"{opened.ident} was opened from {len(texts)} shares, and its digests hold")
