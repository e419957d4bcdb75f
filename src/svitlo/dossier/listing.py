"""The exhibits and their custody as rows for readers, in the order of the tables' heads.

A cell is lines of text: the first is what it says, the others are its codes, names and details.
The tables as CSV, with every column, are made elsewhere.
"""

from collections.abc import Iterator, Sequence

from svitlo.dossier.contents import Dossier, Exhibit
from svitlo.dossier.proofs import Opening
from svitlo.dossier.tables import event_cells, exhibits_by_name
from svitlo.dossier.words import Words, clock

Cell = tuple[str, ...]

EXHIBITS = ("number", "name", "source", "sealed", "kind", "digest", "file")
CUSTODY = (
    "index",
    "time",
    "event",
    "exhibits",
    "actor",
    "purpose",
    "basis",
    "result",
    "statement",
)


def head_of(columns: Sequence[str], words: Words) -> list[str]:
    """The names of these columns in this language."""
    return [words.text(f"head.{name}") for name in columns]


def exhibit_rows(dossier: Dossier, words: Words) -> Iterator[tuple[Cell, ...]]:
    """A row for each exhibit; the last cell has a line for each of its files."""
    sealed = {
        one.subject[0]: str(one.value["at"])
        for one in dossier.statements
        if one.kind == "exhibit.sealed" and one.subject
    }
    for exhibit in dossier.exhibits:
        yield (
            (exhibit.number,),
            _lines(exhibit.name, exhibit.title, exhibit.date),
            _lines(exhibit.source or words.text("not-stated"), exhibit.author),
            (clock(sealed.get(exhibit.id, "-")),),
            (str(exhibit.size), exhibit.mime),
            (exhibit.sha256,),
            _files(exhibit, words),
        )


def custody_rows(dossier: Dossier, words: Words) -> Iterator[tuple[Cell, ...]]:
    """A row for each custody event, once, with the exhibits it is about."""
    numbers = {exhibit.id: exhibit.number for exhibit in dossier.exhibits}
    names = {person: name for _, _, person, name in dossier.trust.people}
    meant = exhibits_by_name(dossier)
    for event in dossier.statements:
        if event.kind == "custody.event":
            about = {numbers[one] for name in event.subject for one in meant.get(name, ())}
            yield _custody_row(event, _ranges(sorted(about)), names, words)


def _custody_row(
    event: Opening, about: str, names: dict[str, str], words: Words
) -> tuple[Cell, ...]:
    index, ident, at, happened, actor, purpose, basis, result, tool, version, key = map(
        str, event_cells(event)
    )
    body = event.body
    purpose_label, _ = words.named("purposes", purpose)
    basis_label, citation = words.named("bases", basis)
    signed = words.text("line.key", key=key) if key else words.text("line.unsigned")
    return (
        (index,),
        (clock(at),),
        _lines(words.label("event", happened), happened),
        (about,),
        _lines(names.get(actor, actor), actor),
        _lines(purpose_label, purpose, str(body.get("note", ""))),
        _lines(basis_label, basis, citation),
        _lines(
            words.label("result", result),
            f"{tool} {version}".strip(),
            words.text("line.from", text=body["from"]) if body.get("from") else "",
            words.text("line.for", text=body["recipient"]) if body.get("recipient") else "",
        ),
        (ident, signed),
    )


def _lines(*texts: str) -> Cell:
    """The texts that are there, each once."""
    return tuple(dict.fromkeys(text for text in texts if text))


def _files(exhibit: Exhibit, words: Words) -> Cell:
    """Number and name of each file, and whether it is encrypted."""
    first, *others = (one.path.removeprefix("data/exhibits/") for one in exhibit.outgoing())
    note = (words.text("line.encrypted"),) if exhibit.is_sealed else ()
    return (first, *others, *note)


def _ranges(numbers: Sequence[str]) -> str:
    """Numbers in short: 0001-0003, 0007."""
    runs: list[list[str]] = []
    for number in numbers:
        if runs and int(number) == int(runs[-1][1]) + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in runs)
