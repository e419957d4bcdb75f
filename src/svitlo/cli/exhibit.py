"""`svitlo exhibit`: take in, list, show, read, verify, copy and correct exhibits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.acting import acting_options, as_json, on_all, stating
from svitlo.cli.errors import DOES_NOT_VERIFY, DONE, INCOMPLETE
from svitlo.cli.output import (
    byte_bar,
    named,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    say,
    shown,
    size_text,
)
from svitlo.cli.program import Door, pass_door

if TYPE_CHECKING:
    from svitlo.node.journeys.preservation import Findings
    from svitlo.node.journeys.receipts import Receipt


@click.group("exhibit")
def exhibits() -> None:
    """Exhibits: sealed things, each with its custody.

    Example: svitlo --node my-node exhibit add photos/ --source "NGO of the oblast"
    """


@exhibits.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=bytes))
@click.option("--source", metavar="TEXT", help="Whom or what it came from.")
@click.option("--collected-by", metavar="TEXT", help="Who collected it.")
@click.option("--case", metavar="CODE", help="Case it belongs to.")
@click.option("--members", is_flag=True, help="Seal the members of tar and zip files too.")
@click.option(
    "--manifest",
    "manifests",
    multiple=True,
    type=click.Path(path_type=bytes),
    metavar="FILE",
    help="Digests that must hold, as sha256sum and its like write them; may be repeated.",
)
@click.option(
    "--partial", is_flag=True, help="Allow files that no manifest lists, and lines without a file."
)
@acting_options
@as_json
@pass_door
def add(door: Door, *, paths: tuple[bytes, ...], is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Seal files, folders or standard input (-), and print a receipt.

    Exit code 1 when anything was rejected. Repeated after an interruption, it goes on.
    A file that differs from its line in a manifest is rejected; a manifest that does not fit what
    is offered stops the command before anything is sealed.

    Example: svitlo --node my-node exhibit add photos/ report.pdf
    """
    node = door.node
    from svitlo.node.acting import actor_of
    from svitlo.node.journeys.intake import Offer, take_in

    actor = actor_of(node, **{name: given[name] for name in ("person", "purpose", "basis", "note")})
    offer = Offer(
        paths=paths,
        source=given["source"],
        collected_by=given["collected_by"],
        case=given["case"],
        has_members=given["members"],
        manifests=given["manifests"],
        is_partly_listed=given["partial"],
    )
    receipt = take_in(node, actor, offer, progress=byte_bar("Sealing"))
    if is_json:
        print_json(_receipt_value(receipt))
    else:
        _print_receipt(receipt)
    click.get_current_context().exit(DONE if receipt.is_complete else INCOMPLETE)


def _receipt_value(receipt: "Receipt") -> dict[str, Any]:
    rows = receipt.rows()
    return {
        **receipt.value,
        "exhibits": [
            {
                "id": row.ident,
                **named(row.path),
                "sha256": (row.sha256 or b"").hex(),
                "blake3": (row.blake3 or b"").hex(),
                "size_bytes": row.size,
            }
            for row in rows
            if row.ident
        ],
        "rejections": [
            {**named(row.path), "code": row.code, "reason": row.reason} for row in rows if row.code
        ],
    }


def _print_receipt(receipt: "Receipt") -> None:
    value = receipt.value
    click.echo(
        f"{value['sealed']} of {value['offered']} sealed, {value['rejected']} rejected,"
        f" {size_text(value['bytes'])}"
    )
    for row in receipt.rows():
        if row.code:
            click.echo(f"  {row.code}: {shown(row.path)} ({row.reason})")
    said = {
        "lines_without_file": "lines of manifests without a file",
        "files_without_line": "files without a line in a manifest",
        "after_census": "files came into the folders after they were counted, and are not sealed",
    }
    for name, words in said.items():
        if value.get(name, {}).get("count"):
            click.echo(f"  {value[name]['count']} {words}; the receipt names them")
    for remark in value.get("remarks", ()):
        say(remark)
    click.echo(f"intake {value['intake']}, receipt {receipt.folder / 'receipt.json'}")


@exhibits.command(name="list")
@click.argument("ids", nargs=-1)
@on_all
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Most exhibits to list.",
)
@click.option(
    "--after",
    type=click.IntRange(0, (1 << 63) - 1),
    help="Go on after this number (`next` of the last page).",
)
@acting_options
@as_json
@pass_door
def list_(door: Door, *, ids: tuple[str, ...], is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """List exhibits, newest first, or those that are named; the look is written down.

    Without --all the list comes in pages.

    Example: svitlo --node my-node exhibit list --json
    """
    is_all, limit, after = given.pop("is_all"), given.pop("limit"), given.pop("after")
    if ids and (is_all or after is not None):
        raise click.UsageError("name exhibits, or say --all or --after")
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.reading import item_value, list_exhibits, list_named

        if ids:
            page = list_named(node, actor, ids)
        else:
            page = list_exhibits(node, actor, after=after, limit=None if is_all else limit)
    if is_json:
        print_json({"items": [item_value(row) for row in page.exhibits], "next": page.after})
        return
    print_table(
        ("id", "size", "state", "name"),
        [(r.ident, size_text(r.size), r.state, shown(bytes(r.path))) for r in page.exhibits],
    )
    if page.after is not None:
        say(f"More: --after {page.after}")


@exhibits.command()
@click.argument("ids", nargs=-1)
@on_all
@acting_options
@as_json
@pass_door
def show(door: Door, *, ids: tuple[str, ...], is_all: bool, is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Show exhibits with their custody; the look is written down.

    Example: svitlo --node my-node exhibit show x-01gk1ap2h0000g40r40m30e209
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.reading import item_value, show_exhibits, story_value

        rows = show_exhibits(node, actor, ids, is_all=is_all)
    values = [{**item_value(row), **story_value(row)} for row in rows]
    if is_json:
        print_json({"items": values})
        return
    for value in values:
        custody = value.pop("custody")
        value["described"] = _readable(value["described"])
        print_fields({name: member for name, member in value.items() if member not in ({}, [])})
        click.echo("custody")
        for event in custody:
            what = event["body"].get("event", event["type"])
            result = event["body"].get("result", "")
            click.echo(f"  {event['at']}  {what:<17} {event['actor']}  {result}")


def _readable(described: dict[str, Any]) -> dict[str, Any]:
    """What an exhibit says of itself, each field by its value and the tag that it came from."""
    if not described:
        return {}
    fields = {
        name: f"{field['value']}  ({field['tag']})" if "tag" in field else field["value"]
        for name, field in described["fields"].items()
    }
    return {name: member for name, member in {**described, "fields": fields}.items() if member}


@exhibits.command()
@click.argument("ids", nargs=-1)
@on_all
@acting_options
@as_json
@pass_door
def read(door: Door, *, ids: tuple[str, ...], is_all: bool, is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Have the cage read what the files say of themselves: kind, metadata, provenance.

    Example: svitlo --node my-node exhibit read --all
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.describing import describe_exhibits
        from svitlo.node.journeys.reading import chosen

        rows = chosen(ids, is_all=is_all)
        done = describe_exhibits(node, actor, rows, progress=progress_bar("Reading"))
    if is_json:
        items = [
            {"id": d.exhibit.ident, "kind": d.kind, **({"skipped": d.skipped} if d.skipped else {})}
            for d in done
        ]
        print_json({"items": items})
        return
    print_table(
        ("id", "kind", "not read", "name"),
        [(d.exhibit.ident, d.kind, d.skipped or "", shown(bytes(d.exhibit.path))) for d in done],
    )


@exhibits.command()
@click.argument("ids", nargs=-1)
@on_all
@click.option("--due", is_flag=True, help="Those whose last check is too long ago.")
@click.option("--keyless", is_flag=True, help="Check sealed bodies only; needs no key.")
@acting_options
@as_json
@pass_door
def verify(door: Door, *, ids: tuple[str, ...], is_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Check that exhibits hold what was sealed; exit code 3 when one does not.

    A good result says integrity and time, not truth.

    Example: svitlo --node my-node exhibit verify --all
    """
    is_due, is_keyless, is_all = given.pop("due"), given.pop("keyless"), given.pop("is_all")
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys import preservation
        from svitlo.node.journeys.reading import chosen

        rows = preservation.due_exhibits(node) if is_due else chosen(ids, is_all=is_all)
        check = preservation.verify_sealed if is_keyless or is_due else preservation.verify_full
        found = check(node, actor, rows, progress=progress_bar("Verifying"))
    if is_json:
        print_json(_findings_value(found, [row.ident for row in rows]))
    else:
        for ident in found.disposed if ids else ():
            click.echo(f"{ident} was disposed of: there is nothing to check")
        for ident, fault in found.failed.items():
            click.echo(f"FAILED {ident}: {fault}")
        click.echo(
            f"{found.checked - len(found.failed)} of {found.checked} intact"
            f" ({found.method}; integrity and time, not truth)"
        )
    click.get_current_context().exit(DONE if found.is_intact else DOES_NOT_VERIFY)


def _findings_value(found: "Findings", ids: Sequence[str]) -> dict[str, Any]:
    disposed = set(found.disposed)
    return {
        "method": found.method,
        "checked": found.checked,
        "failed": len(found.failed),
        "items": [
            {"id": ident, "intact": ident not in found.failed}
            | ({"fault": found.failed[ident]} if ident in found.failed else {})
            for ident in ids
            if ident not in disposed
        ],
        "disposed": found.disposed,
        "says": "integrity and time, not truth",
    }


@exhibits.command()
@click.argument("ident", metavar="ID")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file to write, which must not exist yet.",
)
@click.option("--report", is_flag=True, help="The raw report of the provenance tool instead.")
@acting_options
@pass_door
def preview(door: Door, *, ident: str, output: Path, report: bool, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Write the preview of an exhibit to FILE: small, re-encoded, without metadata.

    Example: svitlo --node my-node exhibit preview x-01gk1ap2h0000g40r40m30e209 -o small.jpg
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.reading import show_preview

        content = show_preview(node, actor, ident, "report" if report else "preview")
    with output.open("xb") as file:
        file.write(content)
    click.echo(str(output))


@exhibits.command()
@click.argument("ids", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that gets the copies, made when missing.",
)
@acting_options
@pass_door
def copy(door: Door, *, ids: tuple[str, ...], output: Path, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Write working copies into DIR, named by identifier; each is a custody event.

    Example: svitlo --node my-node exhibit copy x-01gk1ap2h0000g40r40m30e209 -o work/
    """
    with stating(door, given) as (node, actor):
        from svitlo.node.journeys.reading import copy_exhibits

        for path in copy_exhibits(node, actor, ids, output):
            click.echo(str(path))
