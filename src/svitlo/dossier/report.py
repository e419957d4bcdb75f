"""The report of a dossier as PDF/A-3b, typeset by typst; the certificate's numbers are attached.

The text reaches typst as JSON only, never as its markup, so that nothing in a name is a command.
Nothing is read or fetched: the template and fonts are inside, packages and system fonts are off.
`typeset` runs in the cage. The same document gives the same bytes.
"""

import json
from datetime import UTC, datetime
from typing import Any

from svitlo.dossier.contents import Dossier
from svitlo.dossier.pages import CAUTION, gaps_of, one_line, shown_by
from svitlo.dossier.tables import event_cells
from svitlo.errors import DossierError, MissingComponent
from svitlo.seal.checkpoint import parse_checkpoint
from svitlo.seal.note import parse_note

MOST_ROWS = 2000
"""Exhibits and events that the report lists; the tables in the dossier have all."""

_TEMPLATE = """\
#let doc = json(bytes(sys.inputs.document))
#set document(title: doc.title, author: doc.from, date: datetime(
  year: doc.day.at(0), month: doc.day.at(1), day: doc.day.at(2)))
#set page(paper: "a4", margin: 2cm, numbering: "1 / 1", footer-descent: 20%)
#set text(font: "Libertinus Serif", size: 10pt, lang: "en")
#set par(justify: false)
#show heading: set block(above: 1.2em, below: 0.7em)
#let plain(it) = text(str(it))
#let cells(row, size: 7pt) = row.map(c => text(size: size, plain(c)))
#pdf.attach("certificate.json", bytes(doc.certificate), relationship: "data",
  mime-type: "application/json", description: "The numbers of the draft certificate")
= #plain(doc.title)
#for (name, value) in doc.facts [*#plain(name):* #plain(value) \\ ]
== What it shows
#for mark in doc.marks [- #plain(mark) (#plain(doc.caution))
]
== Gaps and limits
#for gap in doc.gaps [- #plain(gap)
]
== Exhibits
#if doc.more-exhibits > 0 [The first #doc.exhibits.len();
  #doc.more-exhibits more are in data/index.csv.]
#table(columns: (auto, 1fr, auto, 1.6fr), stroke: 0.3pt + gray,
  table.header([*No.*], [*Name as received*], [*Bytes*], [*SHA-256*]),
  ..doc.exhibits.map(row => cells(row)).flatten())
== Custody
#if doc.more-events > 0 [The first #doc.events.len();
  #doc.more-events more are in custody/custody.csv.]
#table(columns: (auto, auto, auto, 1fr, auto, auto), stroke: 0.3pt + gray,
  table.header([*Index*], [*Time*], [*Event*], [*Actor*], [*Purpose*], [*Basis*]),
  ..doc.events.map(row => cells(row)).flatten())
#rect(width: 100%, stroke: 0.5pt)[This shows #plain(doc.caution). Nothing in this file proves
itself: VERIFY.txt says how to check the dossier that it lies in.]
"""


def document_of(dossier: Dossier, certificate: bytes) -> bytes:
    """The report's text as JSON, for `typeset`."""
    case = dossier.case
    checkpoint = parse_checkpoint(parse_note(dossier.checkpoint).text)
    facts = [
        ("Dossier", case.dossier),
        ("Case", case.case),
        ("Exported", f"{case.exported_at} by {case.exported_by}"),
        ("From", f"{case.organisation} ({case.node})"),
        ("For", case.recipient),
        ("Purpose and legal basis", f"{case.purpose}; {case.basis}"),
        ("Exhibits", str(len(dossier.exhibits))),
        ("Withheld", str(sum(item.count for item in dossier.withheld))),
        ("Log", f"{checkpoint.origin}, {checkpoint.size} entries"),
        ("Root", checkpoint.root.hex()),
    ]
    events = [one for one in dossier.statements if one.kind == "custody.event"]
    value = {
        "title": f"Dossier: {case.title}",
        "from": case.organisation or case.node,
        "day": [int(part) for part in case.exported_at[:10].split("-")],
        "certificate": certificate.decode(),
        "facts": facts,
        "marks": shown_by(dossier),
        "gaps": gaps_of(dossier),
        "caution": CAUTION,
        "exhibits": [
            [one.number, one.name, one.size, one.sha256] for one in dossier.exhibits[:MOST_ROWS]
        ],
        "more-exhibits": max(0, len(dossier.exhibits) - MOST_ROWS),
        "events": [
            [cells[0], cells[2], cells[3], cells[4], cells[5], cells[6]]
            for cells in map(event_cells, events[:MOST_ROWS])
        ],
        "more-events": max(0, len(events) - MOST_ROWS),
    }
    return json.dumps(_shown(value), ensure_ascii=True).encode()


def _shown(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with every text on one line, but for the attached certificate."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {k: v if k == "certificate" else _shown(v) for k, v in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value


def typeset(document: bytes) -> bytes:
    """The PDF/A-3b of a document of `document_of`.

    Raises:
        DossierError: the document is none, or cannot be typeset.
        MissingComponent: typst is not installed.
    """
    try:
        import typst  # noqa: PLC0415 - the `report` extra, wanted in the cage only
    except ImportError:
        raise MissingComponent("typst, the `report` extra of svitlo") from None
    try:
        year, month, day = json.loads(document)["day"]
        made: object = typst.compile(
            _TEMPLATE.encode(),
            format="pdf",
            sys_inputs={"document": document.decode()},
            pdf_standards="a-3b",
            ignore_system_fonts=True,
            timestamp=int(datetime(year, month, day, tzinfo=UTC).timestamp()),
        )
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise DossierError(f"the report cannot be typeset: {str(error)[:200]!a}") from error
    if not isinstance(made, bytes):
        raise DossierError("the report was typeset into something else than a PDF")
    return made
