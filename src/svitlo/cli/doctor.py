"""`svitlo doctor`: what an operator should know."""

import click

from svitlo.cli.errors import DONE, INCOMPLETE
from svitlo.cli.output import print_json
from svitlo.cli.program import Door, pass_door


@click.command("doctor")
@click.option("--json", "is_json", is_flag=True, help="JSON on stdout.")
@pass_door
def examination(door: Door, *, is_json: bool) -> None:
    """Examine the node; exit code 1 when something is bad.

    Example: svitlo --node my-node doctor
    """
    node = door.node
    from svitlo.node.doctor import Grade, examine_node

    found = examine_node(node)
    is_bad = any(finding.grade is Grade.BAD for finding in found)
    if is_json:
        items = [{"subject": f.subject, "grade": f.grade.value, "text": f.text} for f in found]
        print_json({"items": items, "ok": not is_bad})
    else:
        for finding in found:
            click.echo(f"{finding.grade.value:<9} {finding.subject:<11} {finding.text}")
    click.get_current_context().exit(INCOMPLETE if is_bad else DONE)
