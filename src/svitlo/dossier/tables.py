"""The tables of a dossier as CSV (RFC 4180): the index, and the custody of every exhibit.

Every field is quoted, so that a carriage return in a name stays inside it. A field that a
spreadsheet would take for a formula gets an apostrophe in front; data/index.jsonl has it unchanged.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from svitlo.dossier.contents import Dossier, Exhibit
from svitlo.dossier.custody import events_of, names_of
from svitlo.dossier.proofs import Opening

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_INDEX = (
    "number",
    "id",
    "title",
    "date",
    "source",
    "author",
    "custodian",
    "original path",
    "sha256",
    "blake3",
    "size",
    "status",
    "file",
)
_CUSTODY = (
    "number",
    "exhibit",
    "log index",
    "statement",
    "time",
    "event",
    "actor",
    "purpose",
    "basis",
    "result",
    "tool",
    "version",
    "signed by key",
)


def csv_table(rows: Iterable[Sequence[object]]) -> bytes:
    """The rows as CSV that a spreadsheet opens without taking text for formulas."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([_safe(str(cell)) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8", "backslashreplace")


def _safe(text: str) -> str:
    plain = text.replace("\0", "\ufffd")
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def index_csv(exhibits: Iterable[Exhibit]) -> bytes:
    """The index of exhibits."""
    rows = [
        (
            one.number,
            one.id,
            one.title,
            one.date,
            one.source,
            one.author,
            one.custodian,
            one.name,
            one.sha256,
            one.blake3,
            one.size,
            one.row()["status"],
            one.file,
        )
        for one in exhibits
    ]
    return csv_table([_INDEX, *rows])


def custody_csv(dossier: Dossier) -> bytes:
    """A line for each custody event of each exhibit, in the order of the log."""
    return csv_table([_CUSTODY, *_custody_rows(dossier)])


def _custody_rows(dossier: Dossier) -> Iterator[Sequence[object]]:
    events = events_of(dossier.statements)
    bearing = bearing_on(dossier.statements)
    for exhibit in dossier.exhibits:
        names = bearing.get(exhibit.id, ())
        found = {event.index: event for name in names for event in events.get(name, ())}
        for index in sorted(found):
            yield (exhibit.number, exhibit.id, *event_cells(found[index]))


def event_cells(event: Opening) -> tuple[object, ...]:
    """A custody event as cells: from its log index to the key that signed it."""
    body, value = event.body, event.value
    sig = value.get("sig")
    return (
        event.index,
        value["id"],
        value["at"],
        body.get("event", ""),
        value["actor"],
        body.get("purpose", ""),
        value.get("basis", ""),
        body.get("result", ""),
        body.get("tool", ""),
        body.get("version", ""),
        sig.get("key", "") if isinstance(sig, dict) else "",
    )


def bearing_on(statements: Iterable[Opening]) -> dict[str, tuple[str, str, str]]:
    """What events name that bear on each exhibit: itself, its intake, its case."""
    sealed = [one for one in statements if one.kind == "exhibit.sealed" and one.subject]
    return {one.subject[0]: names_of(one) for one in sealed}


def exhibits_by_name(dossier: Dossier) -> dict[str, list[str]]:
    """The exhibits that are meant when an event names an exhibit, an intake or a case."""
    bearing = bearing_on(dossier.statements)
    found: dict[str, list[str]] = {}
    for exhibit in dossier.exhibits:
        for name in bearing.get(exhibit.id, ()):
            found.setdefault(name, []).append(exhibit.id)
    return found
