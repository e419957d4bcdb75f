"""`svitlo log`: what the logs hold, who vouches for them, and witnessing those of others."""

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.acting import acting_options, as_json
from svitlo.cli.errors import DOES_NOT_VERIFY, DONE
from svitlo.cli.output import print_fields, print_json, say
from svitlo.cli.program import Door, pass_door

if TYPE_CHECKING:
    from svitlo.node.checking import Examined
    from svitlo.node.inspection import LogView
    from svitlo.node.opening import Node

SAYS = "integrity and time, not truth"
on_audit = click.option(
    "--audit", "is_audit", is_flag=True, help="The log of reads, not the spine."
)


@click.group("log")
def logs() -> None:
    """The logs of the node: everything it states, in an order that nobody can rewrite.

    Example: svitlo --node my-node log show
    """


def _origin(node: "Node", *, is_audit: bool) -> str:
    return node.audit if is_audit else node.spine


@logs.command()
@on_audit
@as_json
@pass_door
def show(door: Door, *, is_audit: bool, is_json: bool) -> None:
    """Show size, root and age of the log, who cosigned and stamped it, and its completeness.

    Exit code 3 when an entry is not explained: that is an alarm.

    Example: svitlo --node my-node log show
    """
    node = door.node
    from svitlo.node.inspection import show_log

    view = show_log(node, _origin(node, is_audit=is_audit))
    value = _view_value(view, node)
    if is_json:
        print_json(value)
    else:
        _print_view(view, value)
    is_complete = view.completeness.is_complete
    click.get_current_context().exit(DONE if is_complete else DOES_NOT_VERIFY)


def _view_value(view: "LogView", node: "Node") -> dict[str, Any]:
    age = (node.now() - view.signed_at).total_seconds() if view.signed_at else None
    signed = {"signed_at": f"{view.signed_at:%Y-%m-%dT%H:%M:%SZ}"} if view.signed_at else {}
    return {
        "origin": view.origin,
        "state": view.state,
        "size": view.size,
        "signed_size": view.signed_size,
        "root": base64.b64encode(view.root).decode(),
        **signed,
        **({} if age is None else {"head_age_s": int(age)}),
        "waiting": view.waiting,
        "cosigned": {
            "k": len(view.cosigners),
            "n": len(view.cosigners) + len(view.missing),
            "by": list(view.cosigners),
            "missing": list(view.missing),
            "quorum": view.quorum,
        },
        "stamped": {
            "size": view.stamped_size,
            "by": {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in view.stamps},
        },
        "completeness": dict(sorted(view.completeness.kinds.items())),
        "unexplained": view.completeness.unexplained,
        "checkpoint": view.note.decode(),
        "says": SAYS,
    }


def _print_view(view: "LogView", value: dict[str, Any]) -> None:
    cosigned, stamped = value["cosigned"], value["stamped"]
    stamps = ", ".join(f"{name} {at}" for name, at in stamped["by"].items())
    click.echo(view.origin)
    print_fields(
        {
            "  state": view.state,
            "  size": f"{view.size} entries, {view.waiting} wait for a place",
            "  signed": f"{view.signed_size} entries at {value.get('signed_at', 'no time yet')}"
            f" ({value.get('head_age_s', 0)} s ago)",
            "  root": value["root"],
            "  cosigned": f"{cosigned['k']} of {cosigned['n']} witnesses"
            f" ({', '.join(view.cosigners) or 'nobody'})"
            + (f", missing: {', '.join(view.missing)}" if view.missing else "")
            + (f"; quorum of {view.quorum} NOT reached" if _is_short(view) else ""),
            "  stamped": f"{view.stamped_size} entries: {stamps}" if stamps else "not stamped yet",
            "  entries": ", ".join(f"{n} {kind}" for kind, n in value["completeness"].items()),
        }
    )
    if view.completeness.unexplained:
        click.echo(f"  ALARM: nothing explains entries {view.completeness.unexplained}")
    if view.state in {"frozen", "behind"}:
        click.echo(f"  ALARM: the log is {view.state}, nothing more is signed")
    click.echo(f"  {SAYS}")


def _is_short(view: "LogView") -> bool:
    return len(view.cosigners) < view.quorum


@logs.command()
@on_audit
@click.option(
    "--kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept elsewhere: the log must have grown out of it.",
)
@as_json
@pass_door
def verify(door: Door, *, is_audit: bool, kept: Path | None, is_json: bool) -> None:
    """Check signatures, every entry, tile, opening, static file and earlier checkpoint.

    Exit code 3 when anything does not hold; every fault is named.

    Example: svitlo --node my-node log verify --kept last-year/checkpoint
    """
    node = door.node
    from svitlo.node.checking import examine_log

    origin = _origin(node, is_audit=is_audit)
    done = examine_log(node, origin, kept=None if kept is None else kept.read_bytes())
    if is_json:
        print_json(_examined_value(done))
    else:
        _print_examined(done)
    click.get_current_context().exit(DONE if done.holds else DOES_NOT_VERIFY)


def _examined_value(done: "Examined") -> dict[str, Any]:
    return {
        "origin": done.origin,
        "size": done.checkpoint.size if done.checkpoint else 0,
        "entries": done.entries,
        "openings": done.openings,
        "checkpoints": done.checkpoints,
        "holds": done.holds,
        "findings": [
            {"n": n, "code": one.code, "about": one.about, "words": one.words}
            for n, one in enumerate(done.findings, 1)
        ],
        "says": SAYS,
    }


def _print_examined(done: "Examined") -> None:
    for n, one in enumerate(done.findings, 1):
        click.echo(f"{n}. {one.about}: {one.words} ({one.code})")
    verdict = "holds" if done.holds else f"DOES NOT VERIFY, {len(done.findings)} faults"
    click.echo(
        f"{done.origin} {verdict}: {done.entries} entries, {done.openings} openings,"
        f" {done.checkpoints} signed checkpoints ({SAYS})"
    )


@logs.command()
@click.argument("ident", metavar="ID")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write it to.")
@pass_door
def proof(door: Door, *, ident: str, output: Path | None) -> None:
    """Write the proof (.tlog-proof) that a statement or an exhibit stands in the signed log.

    Example: svitlo --node my-node log proof x-01gk1ap2h0000g40r40m30e209 -o photo.tlog-proof
    """
    node = door.node
    from svitlo.node.inspection import proof_file

    made = proof_file(node, ident)
    if output is None:
        click.echo(made.decode(), nl=False)
    else:
        output.write_bytes(made)
        say(f"Wrote {output}.")


@logs.command()
@pass_door
def vkeys(door: Door) -> None:
    """Print the public keys of the node: of its logs, and as a witness of others.

    Example: svitlo --node my-node log vkeys
    """
    node = door.node
    from svitlo.node.journeys.rotation import vkeys_of

    for line in vkeys_of(node):
        click.echo(line)


@logs.command()
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
    _tell(close_epoch(node).remarks)


@logs.command()
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


@logs.command()
@click.option("--override", is_flag=True, required=True, help="Sign though no witness confirms.")
@click.option("--second", required=True, metavar="ID", help="The second person who confirms.")
@acting_options
@pass_door
def confirm(door: Door, *, override: bool, second: str, **given: Any) -> None:  # noqa: ANN401, ARG001 - the options above; required
    """Have two persons answer for a log that no witness can confirm; then it is signed.

    If the machine was set back to a snapshot, this makes a fork that nothing can undo.

    Example: svitlo --node my-node log confirm --override --second p-01... --note "B is closed"
    """
    node = door.node
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.confirming import confirm_log
    from svitlo.node.journeys.logkeeping import close_epoch

    first = actor_of(node, **given)
    other = actor_of(node, **{**given, "person": second})
    confirm_log(node, first, other, reason=given["note"] or "")
    head = close_epoch(node, is_confirmed=True)
    say(f"{head.checkpoint.origin} is signed at {head.checkpoint.size} entries.")
    _tell(head.remarks)


@logs.command()
@as_json
@pass_door
def rebuild(door: Door, *, is_json: bool) -> None:
    """Write index tables, tiles and static files again from the statements and entries.

    Example: svitlo --node my-node log rebuild
    """
    node = door.node
    from svitlo.node.journeys.rebuilding import rebuild as rebuild_tables

    done = rebuild_tables(node)
    if is_json:
        print_json({"changes": done.changes})
        return
    for table, counts in sorted(done.changes.items()):
        words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        click.echo(f"{table}: {words}")
    click.echo("Tables, tiles and static files say what was stated.")


@logs.command()
@acting_options
@pass_door
def rotate(door: Door, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Give the logs new keys; for 30 days the old keys sign along.

    Example: svitlo --node my-node log rotate
    """
    node = door.node
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.logkeeping import close_epoch
    from svitlo.node.journeys.rotation import rotate as rotate_keys

    for rotated in rotate_keys(node, actor_of(node, **given)):
        say(f"{rotated.origin} has new keys; the old ones sign until {rotated.until:%Y-%m-%d}:")
        for line in rotated.vkeys:
            click.echo(line)
    _tell(close_epoch(node).remarks)


def _tell(remarks: tuple[str, ...]) -> None:
    for remark in remarks:
        say(f"svitlo: {remark}")
