"""What people read first: START.html, the custody page and VERIFY.txt.

The pages need no program but a browser: no script, no reference to the outside, and a policy that
forbids both. All text from outside is escaped, isolated from the direction of the text around it,
and shown without control characters.
"""

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from svitlo.dossier.contents import Dossier, Exhibit
from svitlo.dossier.tables import event_cells, exhibits_by_name
from svitlo.seal.checkpoint import parse_checkpoint
from svitlo.seal.note import parse_note

CAUTION = "integrity and time, not truth"
_STYLE = """\
body{font:16px/1.5 Georgia,serif;margin:2rem auto;max-width:90rem;padding:0 1rem}
body{color:#111;background:#fff}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{border-bottom:1px solid #bbb;padding:.3rem .5rem;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}
th{background:#eee}
code{font:.8rem/1.4 monospace;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}
dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}
.good{color:#0a5c2b}.caution{border:2px solid #8a6d00;padding:.5rem 1rem}
"""
_POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)


def one_line(text: str) -> str:
    """The text on one line: control characters are shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _shown(text: object) -> str:
    """Text from outside as HTML."""
    return f"<bdi>{html.escape(one_line(str(text)))}</bdi>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>\n{lines}\n</tbody></table>\n"


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(one_line(title))}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body><h1>{_shown(title)}</h1>\n{body}</body></html>\n"
    ).encode("utf-8", "backslashreplace")


def start_page(dossier: Dossier) -> bytes:
    """START.html: what the dossier is, what it shows, its index, what is left out."""
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
        ("Log", f"{checkpoint.origin}, {checkpoint.size} entries, root {checkpoint.root.hex()}"),
        ("Software", f"svitlo {case.version}"),
    ]
    rows = [f"<dt>{html.escape(name)}</dt><dd>{_shown(text)}</dd>" for name, text in facts]
    body = f"<dl>{''.join(rows)}</dl>\n"
    body += _standing(dossier)
    body += (
        "<h2>How to check</h2><p>VERIFY.txt says it step by step. In short: compare the SHA-256 of"
        " verify.py with a value published elsewhere, then run <code>python3 -I verify.py</code>"
        " here. Nothing on this page proves itself.</p>\n"
        '<h2>Read on</h2><ul><li><a href="custody/custody.html">Custody</a></li>'
        '<li><a href="data/index.csv">Index as a table</a></li>'
        '<li><a href="certificate/certificate.en.txt">Draft certificate</a></li>'
        '<li><a href="VERIFY.txt">VERIFY.txt</a></li></ul>\n'
    )
    head = ("No.", "Name as received", "Date", "Source", "Bytes", "SHA-256", "File")
    body += "<h2>Exhibits</h2>\n" + _table(head, map(_exhibit_cells, dossier.exhibits))
    body += _left_out(dossier)
    return _page(f"Dossier: {case.title}", body)


def _standing(dossier: Dossier) -> str:
    """What the dossier shows, each with the words that a green mark never stands without."""
    marks = "".join(
        f'<li><span class="good">{_shown(mark)}</span> ({CAUTION})</li>'
        for mark in shown_by(dossier)
    )
    gaps = "".join(f"<li>{_shown(gap)}</li>" for gap in gaps_of(dossier))
    return (
        f"<h2>What it shows</h2><ul>{marks}</ul>\n<h2>Gaps and limits</h2><ul>{gaps}</ul>\n"
        f'<p class="caution">This shows {CAUTION}.</p>\n'
    )


def shown_by(dossier: Dossier) -> list[str]:
    """What the dossier has to show: who signed, cosigned and stamped, and when."""
    marks = [f"logged and signed by {dossier.case.node}"]
    marks += [f"cosigned by {name} at {at}" for name, at in dossier.cosigners]
    for stamp in dossier.stamps:
        at = datetime.fromtimestamp(stamp.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        part = "an earlier state of the log" if stamp.checkpoint else "the log"
        marks.append(f"{part} existed no later than {at}, says {stamp.authority}")
    return marks


def gaps_of(dossier: Dossier) -> list[str]:
    """What the dossier does not have, and what no dossier can show."""
    gaps = [] if dossier.cosigners else ["no independent cosigner: the log is the node's word"]
    gaps += [] if dossier.stamps else ["not stamped: times are those of the node's own clock"]
    sealed = "sealed exhibits: whoever opens them needs a key that is not here"
    gaps += [sealed] if any(exhibit.is_sealed for exhibit in dossier.exhibits) else []
    always = "nothing proves what was never logged; integrity and order are shown from sealing on"
    return [*gaps, *dossier.limits, always]


def _exhibit_cells(exhibit: Exhibit) -> tuple[str, ...]:
    links = "".join(
        f'<a href="{html.escape(one.path)}" download>{html.escape(one.path[14:])}</a><br>'
        for one in exhibit.outgoing()
    )
    return (
        exhibit.number,
        _shown(exhibit.name) + (f"<br>{_shown(exhibit.title)}" if exhibit.title else ""),
        _shown(exhibit.date),
        _shown(exhibit.source),
        str(exhibit.size),
        f"<code>{_shown(exhibit.sha256)}</code>",
        links,
    )


def _left_out(dossier: Dossier) -> str:
    if not dossier.withheld:
        return "<h2>Left out</h2><p>Nothing is withheld: none.</p>\n"
    rows = [(_shown(w.category), _shown(w.authority), str(w.count)) for w in dossier.withheld]
    return "<h2>Left out</h2>\n" + _table(("Category", "Authority", "Count"), rows)


def custody_page(dossier: Dossier) -> bytes:
    """custody.html: every event once, in the order of the log, with the exhibits it is about."""
    numbers = {exhibit.id: exhibit.number for exhibit in dossier.exhibits}
    names = {person: f"{name} ({person})" for _, _, person, name in dossier.trust.people}
    meant = exhibits_by_name(dossier)
    rows = []
    for event in dossier.statements:
        if event.kind == "custody.event":
            about = {numbers[one] for name in event.subject for one in meant.get(name, ())}
            cells = [_shown(names.get(str(cell), cell)) for cell in event_cells(event)]
            rows.append([_ranges(sorted(about)), *cells])
    head = ("Exhibits", "Log index", "Statement", "Time", "Event", "Actor", "Purpose", "Basis")
    table = _table((*head, "Result", "Tool", "Version", "Signed by key"), rows)
    note = (
        "<p>Times are those of the node's clock. Reads are kept in the node's audit log. This shows"
        f" {CAUTION}.</p>\n"
    )
    return _page(f"Custody: {dossier.case.title}", note + table)


def _ranges(numbers: Sequence[str]) -> str:
    """Numbers in short: 0001-0003, 0007."""
    runs: list[list[str]] = []
    for number in numbers:
        if runs and int(number) == int(runs[-1][1]) + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in runs)


def instructions(dossier: Dossier) -> bytes:
    """VERIFY.txt: how to check the dossier by hand, with tools that are not ours."""
    digest = sha256(parse_note(dossier.checkpoint).text).hexdigest()
    stamps = "".join(
        f"   openssl ts -verify -in {stamp.folder}/response.tsr -digest "
        + sha256(parse_note(stamp.checkpoint or dossier.checkpoint).text).hexdigest()
        + f" -CAfile trust/roots.pem -untrusted {stamp.folder}/chain.pem -attime {stamp.at}\n"
        for stamp in dossier.stamps
    )
    return f"""\
HOW TO CHECK THIS DOSSIER ({one_line(dossier.case.dossier)})
It shows {CAUTION}. No step needs the network.

1. The program. Its SHA-256 here is
   {sha256(dossier.verifier).hexdigest()}
   A forged dossier brings a forged program: compare this with the value published elsewhere, by
   the project and by the office that gave you the dossier.
   Then:   python3 -I verify.py         (Python 3.9 or newer; exit code 0 good, 3 does not verify,
                                         2 not checked whole)

2. The files, without our program:
   sha256sum -c --quiet manifest-sha256.txt
   sha256sum -c --quiet tagmanifest-sha256.txt
   On Windows: Get-FileHash -Algorithm SHA256 <file>, compared with the line in the manifest.
   The folder is a BagIt 1.0 bag (RFC 8493): any bag validator reads it.

3. The log's checkpoint. Its text is the first three lines:
   head -3 proof/checkpoint | sha256sum
   {digest}

4. The time stamps (RFC 3161), checked at the time that they state:
{stamps or "   This dossier has none." + chr(10)}
   The roots in trust/roots.pem came with the dossier: compare their fingerprints with those that
   the authorities publish (openssl x509 -noout -fingerprint -sha256).

5. The keys in trust/policy.txt and trust/keys.txt came with the dossier too: ask the node and the
   cosigners for theirs.
""".encode()
