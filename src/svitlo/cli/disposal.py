"""`svitlo disposal`: two persons make an exhibit unreadable for ever."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.acting import acting_options, as_json, sign_logs, stating
from svitlo.cli.output import print_json, print_table, shown
from svitlo.cli.program import Door, pass_door

if TYPE_CHECKING:
    from collections.abc import Sequence

    from svitlo.node.journeys.disposal import DisposalValue


@click.group("disposal")
def disposals() -> None:
    """Disposal: one person proposes, another approves, then either carries it out.

    Example: svitlo --node my-node disposal list
    """


@disposals.command()
@click.argument("ids", nargs=-1, required=True)
@click.option(
    "--ground",
    required=True,
    metavar="CODE",
    help="Why it has to go: retention, erasure, court, unlawful or mistake.",
)
@click.option(
    "--authority",
    required=True,
    metavar="TEXT",
    help="Office or decision that demands it; it stays in the log, so it names no person.",
)
@acting_options
@as_json
@pass_door
def propose(
    door: Door,
    *,
    ids: tuple[str, ...],
    ground: str,
    authority: str,
    is_json: bool,
    **given: Any,  # noqa: ANN401 - the options above
) -> None:
    """Propose to dispose of exhibits.

    Example: svitlo --node my-node disposal propose x-01gk1ap2h0000g40r40m30e209
    --ground retention --authority "File plan, section 4"
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys import disposal as journey

        values = journey.propose(node, actor, ids, ground=ground, authority=authority)
    _print_disposals(values, is_json=is_json)


@disposals.command()
@click.argument("ids", nargs=-1, required=True)
@acting_options
@as_json
@pass_door
def approve(door: Door, *, ids: tuple[str, ...], is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Approve what somebody else proposed, after the time to think (disposal_days).

    Example: svitlo --node my-node disposal approve x-01gk1ap2h0000g40r40m30e209
    --person p-01gk1ap2h0000g40r40m30e20b
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys import disposal as journey

        values = journey.approve(node, actor, ids)
    _print_disposals(values, is_json=is_json)


@disposals.command()
@click.argument("ids", nargs=-1, required=True)
@click.option(
    "--erase-statement",
    "is_statement_erased",
    is_flag=True,
    help="Erase what was said of them too; on the ground of erasure only.",
)
@acting_options
@as_json
@pass_door
def run(
    door: Door,
    *,
    ids: tuple[str, ...],
    is_statement_erased: bool,
    is_json: bool,
    **given: Any,  # noqa: ANN401 - the options above
) -> None:
    """Dispose of what two persons decided; it cannot be undone. Repeat it after an interruption.

    Example: svitlo --node my-node disposal run x-01gk1ap2h0000g40r40m30e209
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys import disposal as journey

        sign_logs(node)
        values = journey.dispose(node, actor, ids, is_statement_erased=is_statement_erased)
    _print_disposals(values, is_json=is_json)


@disposals.command(name="list")
@click.option("--all", "is_all", is_flag=True, help="Those that are done too.")
@acting_options
@as_json
@pass_door
def list_(door: Door, *, is_all: bool, is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """List disposals that are under way; the look is written down.

    Example: svitlo --node my-node disposal list --all --json
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys import disposal as journey

        values = journey.list_disposals(node, actor, is_all=is_all)
    _print_disposals(values, is_json=is_json)


def _print_disposals(values: "Sequence[DisposalValue]", *, is_json: bool) -> None:
    if is_json:
        print_json({"items": [{n: m for n, m in asdict(v).items() if m} for v in values]})
        return
    print_table(
        ("exhibit", "stage", "ground", "proposed", "can be approved from", "authority"),
        [
            (
                value.exhibit,
                value.stage,
                value.ground,
                value.proposed_at,
                value.approvable_from,
                shown(value.authority.encode()),
            )
            for value in values
        ],
    )
