"""`svitlo hold`: forbid the disposal of exhibits, and allow it again."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.acting import acting_options, as_json, stating
from svitlo.cli.output import print_json, print_table, shown
from svitlo.cli.program import Door, pass_door

if TYPE_CHECKING:
    from collections.abc import Sequence

    from svitlo.node.journeys.holding import HoldValue


@click.group("hold")
def holds() -> None:
    """Holds: nobody disposes of what is held, whatever their role.

    Example: svitlo --node my-node hold place case:general --reason "trial is open"
    """


@holds.command()
@click.argument("subjects", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why it has to stay.")
@acting_options
@as_json
@pass_door
def place(
    door: Door,
    *,
    subjects: tuple[str, ...],
    reason: str,
    is_json: bool,
    **given: Any,  # noqa: ANN401 - the options above
) -> None:
    """Hold exhibits (x-...), intakes (i-...) or a case (case:CODE).

    Example: svitlo --node my-node hold place x-01gk1ap2h0000g40r40m30e209 --reason "court order"
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.holding import place_holds

        holds = place_holds(node, actor, subjects, reason=reason)
    _print_holds(holds, is_json=is_json)


@holds.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why it may go now.")
@acting_options
@as_json
@pass_door
def release(
    door: Door,
    *,
    ids: tuple[str, ...],
    reason: str,
    is_json: bool,
    **given: Any,  # noqa: ANN401 - the options above
) -> None:
    """Release holds (h-...); only the person who placed a hold can.

    Example: svitlo --node my-node hold release h-01gk1ap2h0000g40r40m30e209 --reason "trial over"
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.holding import release_holds

        holds = release_holds(node, actor, ids, reason=reason)
    _print_holds(holds, is_json=is_json)


@holds.command(name="list")
@click.option("--all", "is_all", is_flag=True, help="Released ones too.")
@acting_options
@as_json
@pass_door
def list_(door: Door, *, is_all: bool, is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """List the holds in force; the look is written down.

    Example: svitlo --node my-node hold list --json
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.holding import list_holds

        holds = list_holds(node, actor, is_all=is_all)
    _print_holds(holds, is_json=is_json)


def _print_holds(holds: "Sequence[HoldValue]", *, is_json: bool) -> None:
    if is_json:
        items = [{n: m for n, m in asdict(hold).items() if m is not None} for hold in holds]
        print_json({"items": items})
        return
    print_table(
        ("id", "on", "placed", "by", "released", "reason"),
        [
            (
                hold.id,
                shown(hold.subject.encode()),
                hold.placed_at,
                hold.placed_by,
                hold.released_at or "",
                shown(hold.reason.encode()),
            )
            for hold in holds
        ],
    )
