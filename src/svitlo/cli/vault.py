"""`svitlo vault`: the sealed bodies themselves: copies, repair, places compared, stamps."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.acting import acting_options, as_json, stating
from svitlo.cli.errors import DOES_NOT_VERIFY, DONE, INCOMPLETE
from svitlo.cli.output import print_json, print_table, say, shown
from svitlo.cli.program import Door, pass_door

if TYPE_CHECKING:
    from svitlo.node.journeys.stamping import ExaminedStamp


@click.group("vault")
def vault_commands() -> None:
    """The sealed bodies of a node, apart from what they hold.

    Example: svitlo --node my-node vault repair
    """


@vault_commands.command()
@as_json
@acting_options
@pass_door
def repair(door: Door, *, is_json: bool, **given: str | None) -> None:
    """Replace damaged or missing bodies from the second copy, and state it.

    Example: svitlo --node my-node vault repair
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.preservation import repair_bodies

        outcome = repair_bodies(node, actor)
    if is_json:
        print_json({"items": [{"blob": name, "result": text} for name, text in outcome.items()]})
    else:
        print_table(("body", "result"), list(outcome.items()))
    is_whole = all(result == "repaired" for result in outcome.values())
    click.get_current_context().exit(DONE if is_whole else INCOMPLETE)


@vault_commands.command()
@pass_door
def copy(door: Door) -> None:
    """Bring the second place up to date: every body that it lacks.

    Example: svitlo --node my-node vault copy
    """
    node = door.node
    from svitlo.node.journeys.preservation import copy_bodies

    click.echo(f"{copy_bodies(node)} bodies copied")


@vault_commands.command()
@click.argument("first", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("second", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json
def compare(*, first: Path, second: Path, is_json: bool) -> None:
    """Prove two places equal by their sorted names and sizes; exit code 3 when they differ.

    Example: svitlo vault compare my-node elsewhere/copy
    """
    from svitlo.node.opening import point_django_at

    point_django_at(first.absolute())
    from svitlo.node.places import compare_places

    difference = compare_places(first, second)
    if is_json:
        print_json(difference)
    else:
        for name, value in difference.items():
            click.echo(f"{name}: {value if not isinstance(value, list) else len(value)}")
    is_equal = difference["first"] == difference["second"]
    click.get_current_context().exit(DONE if is_equal else DOES_NOT_VERIFY)


@vault_commands.command()
@click.option("--expiring", "is_expiring", is_flag=True, help="Only those that end soon.")
@click.option(
    "--days", type=click.IntRange(0, 36_500), default=90, show_default=True, help="What soon means."
)
@as_json
@pass_door
def stamps(door: Door, *, is_expiring: bool, days: int, is_json: bool) -> None:
    """Check every time stamp again, and say when its certificates end.

    A stamp that ends is renewed by any later one of an authority whose certificates last longer.
    Exit code 3 when a stamp does not hold, 1 when one ends soon.

    Example: svitlo --node my-node vault stamps --expiring
    """
    node = door.node
    from svitlo.node.journeys.stamping import examine_stamps, expiring
    from svitlo.record.statement import utc_text

    every = examine_stamps(node)
    ending = expiring(every, node.now() + timedelta(days=days))
    bad = [stamp for stamp in every if stamp.fault]
    chosen = [stamp for stamp in every if stamp in ending] if is_expiring else every
    if is_json:
        print_json({"items": [_stamp_value(stamp) for stamp in chosen]})
    else:
        print_table(
            ("log size", "authority", "existed no later than", "certificates end", "verdict"),
            [
                (
                    stamp.size,
                    shown(stamp.authority.encode()),
                    utc_text(stamp.gen_time),
                    utc_text(stamp.expires) if stamp.expires else "",
                    shown((stamp.fault or "holds").encode()),
                )
                for stamp in chosen
            ],
        )
        say(
            f"{len(every) - len(bad)} of {len(every)} stamps hold, {len(ending)} end within {days}"
            " days and are not renewed (integrity and time, not truth)"
        )
    code = DOES_NOT_VERIFY if bad else INCOMPLETE if ending else DONE
    click.get_current_context().exit(code)


def _stamp_value(stamp: "ExaminedStamp") -> dict[str, Any]:
    from svitlo.record.statement import utc_text

    times = {"gen_time": stamp.gen_time, "expires": stamp.expires}
    said = {**asdict(stamp), **{name: at and utc_text(at) for name, at in times.items()}}
    return {name: value for name, value in said.items() if value is not None}
