r"""The report of a dossier as PDF/A-3b, typeset by typst; the certificate's numbers are attached.

The text reaches typst as JSON only, never as its markup, so that nothing in a name is a command.
Nothing is read or fetched: the template and fonts are inside, packages and system fonts are off.
`typeset` runs in the cage. The same document gives the same bytes.

PDF/A wants a glyph for every letter. Letters that no font inside has are shown as escapes like
`\u65e5`; the pages and tables beside the report show them as they are.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from svitlo.dossier.contents import Dossier
from svitlo.dossier.listing import CUSTODY, EXHIBITS, Cell, custody_rows, exhibit_rows, head_of
from svitlo.dossier.standing import facts_of, gaps_of, marks_of
from svitlo.dossier.words import one_line, words_of
from svitlo.errors import DossierError, MissingComponent

MOST_ROWS = 2000
"""Exhibits and events that the report lists; the tables in the dossier have all."""

_LONG = re.compile(r"[^\s()\u200b]{29,}")
_DIGEST = re.compile("[0-9a-f]{64}")
_RARE = re.compile("[^\n\u200b -~\u00a0-\u017f\u0400-\u045f\u0490\u0491\u2010-\u201e\u2116]")
"""What the fonts inside may lack: not Latin, Ukrainian, or their marks."""

_BLOCK_BITS = 8  # letters are tried by blocks of 256, as scripts come
_FONT = '#set text(font: "Libertinus Serif")'
_TRIAL = (
    "#set document(date: datetime(year: 2000, month: 1, day: 1))\n"
    f"{_FONT}\n#text(sys.inputs.document) #strong(text(sys.inputs.document))\n"
)
_TEMPLATE = """\
#let doc = json(bytes(sys.inputs.document))
#let words = doc.words
#let plain(it) = text(str(it))
#set document(title: doc.title, author: doc.from, date: datetime(
  year: doc.day.at(0), month: doc.day.at(1), day: doc.day.at(2)))
#set page(paper: "a4", margin: (x: 1.8cm, top: 1.8cm, bottom: 2cm), footer: context {
  set text(size: 8pt)
  grid(columns: (1fr, auto), plain(doc.ident + " · " + words.caution),
    counter(page).display("1 / 1", both: true))
})
#set text(font: "Libertinus Serif", size: 10pt, lang: doc.language)
#set par(justify: false)
#show heading: set block(above: 1.4em, below: 0.7em, sticky: true)
#show regex("[0-9a-f]{64}"): set text(font: "DejaVu Sans Mono", size: 0.8em)
#let lines(cell) = {
  plain(cell.at(0, default: ""))
  for line in cell.slice(calc.min(1, cell.len())) { linebreak(); text(fill: luma(70), plain(line)) }
}
#let listing(columns, part) = {
  set text(size: 7.5pt, hyphenate: false)
  if part.rest != "" { plain(part.rest) }
  table(columns: columns, stroke: (x, y) => (bottom: 0.4pt + luma(150)), inset: 3pt,
    fill: (x, y) => if y == 0 { luma(235) },
    table.header(..part.head.map(it => strong(plain(it)))),
    ..part.rows.map(row => {
      let is-long = row.flatten().join().len() > 800
      row.map(cell => table.cell(breakable: is-long, lines(cell)))
    }).flatten())
}
#pdf.attach("certificate.json", bytes(doc.certificate), relationship: "data",
  mime-type: "application/json", description: words.attached)
= #plain(doc.title)
#rect(width: 100%, inset: 6pt, stroke: 0.7pt)[#plain(words.notice)]
== #plain(words.facts)
#grid(columns: (auto, 1fr), column-gutter: 1em, row-gutter: 0.55em,
  ..doc.facts.map(((name, value)) => (strong(plain(name)), plain(value))).flatten())
== #plain(words.shows)
#list(..doc.marks.map(mark => [#plain(mark) (#plain(words.caution))]))
== #plain(words.gaps)
#list(..doc.gaps.map(gap => plain(gap)))
== #plain(words.withheld)
#if doc.withheld.rows.len() == 0 { plain(words.none) } else {
  listing((1fr, 1fr, auto), doc.withheld)
}
#set page(flipped: true, margin: (x: 1.5cm, top: 1.5cm, bottom: 1.8cm))
== #plain(words.exhibits)
#listing((auto, 2fr, 1.2fr, 7em, 8.5em, auto, auto), doc.exhibits)
== #plain(words.custody)
#listing((5em, 7em, 1fr, 6em, 1.5fr, 1.1fr, 1.5fr, 1.2fr, 1.5fr), doc.events)
"""


def document_of(dossier: Dossier, certificate: bytes) -> bytes:
    """The report's text as JSON, for `typeset`."""
    case = dossier.case
    words = words_of(case.language)
    parts = ("facts", "shows", "gaps", "withheld", "exhibits", "custody")
    value = {
        "language": words.language,
        "title": words.text("page.start", title=case.title),
        "ident": case.dossier,
        "from": case.organisation or case.node,
        "day": [int(part) for part in case.exported_at[:10].split("-")],
        "words": {
            "caution": words.text("caution"),
            "notice": words.text("caution.pdf"),
            "attached": words.text("report.certificate"),
            "none": words.text("withheld.none"),
            **{name: words.text(f"part.{name}") for name in parts},
        },
        "facts": facts_of(dossier, words),
        "marks": [words.said(mark) for mark in marks_of(dossier)],
        "gaps": [words.said(gap) for gap in gaps_of(dossier)],
        "withheld": {
            "rest": "",
            "head": head_of(("category", "authority", "count"), words),
            "rows": [
                ((one.category,), (one.authority,), (str(one.count),)) for one in dossier.withheld
            ],
        },
        "exhibits": _listing(
            head_of(EXHIBITS, words),
            exhibit_rows(dossier, words),
            lambda count: words.text("rest.exhibits", count=count),
        ),
        "events": _listing(
            head_of(CUSTODY, words),
            custody_rows(dossier, words),
            lambda count: words.text("rest.custody", count=count),
        ),
    }
    shown = {**_shown(value), "certificate": certificate.decode()}
    return json.dumps(shown, ensure_ascii=True).encode()


def _listing(
    head: Sequence[str], rows: Iterable[tuple[Cell, ...]], rest: Callable[[int], str]
) -> dict[str, Any]:
    """A table of at most `MOST_ROWS` rows, and words on those that are left."""
    left = iter(rows)
    first = list(islice(left, MOST_ROWS))
    count = sum(1 for _ in left)
    return {"head": head, "rows": first, "rest": rest(count) if count else ""}


def _shown(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with every text on one line, long words with places where they may break."""
    if isinstance(value, str):
        return _LONG.sub(_breakable, one_line(value))
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value


def _breakable(found: re.Match[str]) -> str:
    """A long word that may break after its separators and every 16 letters; digests stay whole."""
    if _DIGEST.fullmatch(found[0]):
        return found[0]
    return re.sub(r"[/_.,:;-]+|[^/_.,:;-]{16}", "\\g<0>\u200b", found[0])


def typeset(document: bytes) -> bytes:
    """The PDF/A-3b of a document of `document_of`.

    Raises:
        DossierError: the document is none, or cannot be typeset.
        MissingComponent: typst is not installed.
    """
    try:
        value = json.loads(document)
        year, month, day = value["day"]
        at = int(datetime(year, month, day, tzinfo=UTC).timestamp())
        return _typeset(value, at)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise DossierError(f"the report cannot be typeset: {str(error)[:200]!a}") from error


def _typeset(value: Any, at: int) -> bytes:  # noqa: ANN401 - any JSON value
    """The PDF; without any rare letters where those with glyphs still cannot stand together."""
    rare = set(_RARE.findall(json.dumps(value, ensure_ascii=False)))
    try:
        return _compile(_TEMPLATE, json.dumps(_escaped(value, _without_glyphs(rare))), at)
    except RuntimeError:
        return _compile(_TEMPLATE, json.dumps(_escaped(value, rare)), at)


def _without_glyphs(letters: Iterable[str]) -> set[str]:
    """Those of the letters whose block holds one that no font inside has."""
    blocks: dict[int, set[str]] = {}
    for letter in letters:
        blocks.setdefault(ord(letter) >> _BLOCK_BITS, set()).add(letter)
    lost = [block for block in blocks.values() if not _has_glyphs(" ".join(sorted(block)))]
    return set().union(*lost)


def _escaped(value: Any, letters: Collection[str]) -> Any:  # noqa: ANN401 - any JSON value
    """The value with escapes in place of these letters, but for the attached certificate."""
    table = {ord(one): one.encode("unicode_escape").decode() for one in letters}

    def shown(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, str):
            return value.translate(table)
        if isinstance(value, dict):
            return {k: v if k == "certificate" else shown(v) for k, v in value.items()}
        return [shown(item) for item in value] if isinstance(value, list) else value

    return shown(value) if table else value


def _has_glyphs(letters: str) -> bool:
    try:
        _compile(_TRIAL, letters, 0)
    except RuntimeError:
        return False
    return True


def _compile(template: str, document: str, at: int) -> bytes:
    try:
        import typst  # noqa: PLC0415 - the `report` extra, wanted in the cage only
    except ImportError:
        raise MissingComponent("typst, the `report` extra of svitlo") from None
    made: object = typst.compile(
        template.encode(),
        format="pdf",
        sys_inputs={"document": document},
        pdf_standards="a-3b",
        ignore_system_fonts=True,
        timestamp=at,
    )
    if not isinstance(made, bytes):
        raise DossierError("the report was typeset into something else than a PDF")
    return made
