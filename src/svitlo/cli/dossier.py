"""`svitlo dossier`: export exhibits for a court, and check such an export offline."""

from pathlib import Path
from typing import Any

import click

from svitlo.cli.acting import acting_options, as_json
from svitlo.cli.output import print_json, progress_bar, say
from svitlo.cli.program import Door, pass_door
from svitlo.dossier.words import LANGUAGES


@click.group("dossier")
def dossiers() -> None:
    """Dossiers: exhibits with custody and proofs, checked without this node.

    Example: svitlo dossier verify case-20221129-0a1b2c3d
    """


@dossiers.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, metavar="[ID]...")
@click.option("--exhibit", "ids", multiple=True, metavar="ID", help="An exhibit; may be repeated.")
@click.option("--all", "is_all", is_flag=True, help="All exhibits.")
@click.option("--sealed", "is_sealed", is_flag=True, help="Encrypted to this node's recipients.")
@click.option("--recipient", default="", metavar="TEXT", help="Whom it is for.")
@click.option("--title", default="", metavar="TEXT", help="Title on the first page.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of the pages that people read first.",
)
@click.option(
    "--withheld",
    multiple=True,
    nargs=3,
    type=(str, str, click.IntRange(min=1)),
    metavar="CATEGORY AUTHORITY COUNT",
    help="What is left out; may be repeated.",
)
@acting_options
@as_json
@pass_door
def make(door: Door, out: Path, *, is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Write a dossier to OUT, or into it when it is a folder already.

    The export is a signed event of each exhibit's custody before anything goes out. One --exhibit
    may be followed by several identifiers.

    Example: svitlo --node my-node dossier make court/ --all
    """
    more = given.pop("more")
    if more and not given["ids"]:
        raise click.UsageError(f"{more[0]} should stand after --exhibit")
    node = door.node
    from svitlo.dossier.contents import Withheld
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    actor = actor_of(node, **{name: given[name] for name in ("person", "purpose", "basis", "note")})
    asked = Disclosure(
        ids=(*given["ids"], *more),
        is_all=given["is_all"],
        target=out,
        is_sealed=given["is_sealed"],
        recipient=given["recipient"],
        title=given["title"],
        language=given["language"],
        withheld=tuple(
            Withheld(category=category, authority=authority, count=count)
            for category, authority, count in given["withheld"]
        ),
    )
    made = make_dossier(node, actor, asked, progress=progress_bar("Exporting"))
    if is_json:
        print_json(
            {
                "path": str(made.path),
                "dossier": made.dossier,
                "exhibits": made.exhibits,
                "log_size": made.log_size,
                "remarks": list(made.remarks),
            }
        )
        return
    for remark in made.remarks:
        say(f"note: {remark}")
    click.echo(f"{made.exhibits} exhibits in {made.path}")
    click.echo(f"check it: svitlo dossier verify {made.path}")


@dossiers.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--receipt",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check this receipt of an intake by the keys of the dossier instead.",
)
@as_json
def verify(path: Path, *, receipt: Path | None, is_json: bool) -> None:
    """Check a dossier offline, in numbered steps, as its own verify.py does.

    Exit code 0 good, 3 does not verify, 2 not a dossier or not checked whole. A good result says
    integrity and time, not truth.

    Example: svitlo dossier verify case-20221129-0a1b2c3d
    """
    from svitlo.dossier.steps import CAUTION
    from svitlo.dossier.verify import check_receipt, examine_dossier, format_report
    from svitlo.errors import BagError, InvalidInput

    try:
        report = check_receipt(receipt, path) if receipt else examine_dossier(path)
    except BagError as error:
        raise InvalidInput(f"not a dossier: {error}") from error
    if is_json:
        print_json(
            {
                "exit_code": report.exit_code,
                "says": CAUTION,
                "items": [
                    {
                        "number": step.number,
                        "title": step.title,
                        "state": step.state,
                        "findings": [str(finding) for finding in step.findings],
                        "notes": list(step.notes),
                    }
                    for step in report.steps
                ],
            }
        )
    else:
        for line in format_report(report):
            click.echo(line)
    click.get_current_context().exit(report.exit_code)
