"""What people read first: START.html, the custody page and VERIFY.txt.

The pages need no program but a browser: no script, no reference to the outside, and a policy that
forbids both. All text from outside is escaped, isolated from the direction of the text around it,
and shown without control characters. Wide tables scroll in a frame of their own that the keyboard
reaches; on paper they wrap (WCAG 2.2, 1.4.10 and 2.1.1).
"""

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from svitlo.dossier.contents import Dossier
from svitlo.dossier.listing import CUSTODY, EXHIBITS, Cell, custody_rows, exhibit_rows, head_of
from svitlo.dossier.standing import facts_of, gaps_of, marks_of
from svitlo.dossier.words import Phrase, Words, one_line, words_of
from svitlo.seal.note import parse_note

CAUTION = "integrity and time, not truth"
_STYLE = """\
:root{color-scheme:light}
*{box-sizing:border-box}
body{font:1rem/1.5 Georgia,"Liberation Serif","DejaVu Serif",serif;color:#111;background:#fff}
body{margin:0 auto;max-width:84rem;padding:1rem 1.25rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.25;margin:.5rem 0 1rem}
h2{font-size:1.25rem;line-height:1.3;margin:2rem 0 .5rem}
a{color:#0b4a80}
li>a,td a{display:inline-block;min-height:1.5rem;vertical-align:top}
a:focus-visible,.wide:focus-visible{outline:3px solid #0b4a80;outline-offset:2px}
ul,ol{padding-left:1.25rem}
li{margin:.25rem 0}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.25rem 1.25rem;margin:0}
dt{font-weight:bold}
dd{margin:0}
.good{color:#0a5c2b}
.good::before{content:"\\2713\\a0"}
.caution{border:2px solid #8a6d00;padding:.5rem 1rem;margin:1rem 0}
.wide{overflow-x:auto;border:1px solid #767676}
table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.4}
caption{text-align:left;font-weight:bold;padding:.5rem}
caption span{display:inline-block;position:sticky;left:.5rem;max-width:calc(100vw - 4rem)}
th,td{border-top:1px solid #bbb;padding:.4rem .5rem;text-align:left;vertical-align:top}
thead th{background:#eee;overflow-wrap:normal}
tbody th{font-weight:normal;white-space:nowrap}
td{min-width:7.5rem}
.custody td:nth-child(3){min-width:8rem}
.custody td:nth-child(4){min-width:6rem}
.custody td:nth-child(n+6){min-width:9rem}
.custody td:nth-child(8){min-width:7.5rem}
.start td:nth-child(2){min-width:15rem}
.few td:nth-child(n){min-width:0}
td a{white-space:nowrap}
small{display:block;font-size:.8125rem;color:#444}
code{font:.8125rem/1.4 "DejaVu Sans Mono",Consolas,Menlo,monospace}
td code{display:block;min-width:32ch;max-width:33ch;word-break:break-all}
pre{background:#f3f3f3;padding:.5rem 1rem;white-space:pre-wrap}
@media screen and (max-width:40rem){
dl{display:block}
dd{margin:0 0 .5rem}
h1{font-size:1.4rem}
.custody td:nth-child(n){min-width:11rem}
}
@page{size:A4;margin:15mm}
@page flat{size:A4 landscape;margin:12mm}
@media print{
body{max-width:none;padding:0;font-size:10pt}
.custody{page:flat}
.wide{overflow:visible;border:0}
table{font-size:7pt}
.wide td:nth-child(n){min-width:0}
.start td:nth-child(3),.start td:nth-child(5){min-width:5rem}
td a{min-height:0}
small,td code{font-size:6.5pt}
td code{min-width:33ch}
thead{display:table-header-group}
tr,li,.caution{break-inside:avoid}
h2{break-after:avoid}
}
"""
_POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)


def _shown(text: object) -> str:
    """Text from outside as HTML."""
    return f"<bdi>{html.escape(one_line(str(text)))}</bdi>"


def _fixed(words: Words, key: str) -> str:
    """Words of ours as HTML."""
    return html.escape(words.text(key))


def _said(words: Words, phrase: Phrase) -> str:
    """A sentence of ours as HTML, the text from outside isolated in it."""
    values = {name: _shown(value) for name, value in phrase.values.items()}
    return html.escape(words.texts[phrase.key]).format_map(values)


def _cell(cell: Cell) -> str:
    """The lines of a cell as HTML, all but the first small."""
    rest = "".join(f"<small>{_shown(line)}</small>" for line in cell[1:])
    return (_shown(cell[0]) if cell else "") + rest


def _table(
    name: str, caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = ""
) -> str:
    """A table of cells in HTML; its frame scrolls, and the keyboard reaches it."""
    heads = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in head)
    lines = "\n".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide{kind}" role="region" aria-labelledby="{name}" tabindex="0">'
        f'<table><caption id="{name}"><span>{html.escape(caption)}</span></caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>\n{lines}\n</tbody></table></div>\n"
    )


def _page(words: Words, title: Phrase, body: str, *, kind: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="{words.language}"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(one_line(words.said(title)))}</title>\n<style>{_STYLE}</style></head>\n"
        f'<body class="{kind}"><main><h1>{_said(words, title)}</h1>\n'
        f"{body}</main></body></html>\n"
    ).encode("utf-8", "backslashreplace")


def _section(words: Words, name: str, content: str) -> str:
    return f"<h2>{_fixed(words, f'part.{name}')}</h2>\n{content}"


def start_page(dossier: Dossier) -> bytes:
    """START.html: what the dossier is, what it shows, its index, what is left out."""
    words = words_of(dossier.case.language)
    facts = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{_shown(text)}</dd>\n"
        for name, text in facts_of(dossier, words)
    )
    caution = _fixed(words, "caution")
    marks = "".join(
        f'<li><span class="good">{_said(words, mark)}</span> ({caution})</li>\n'
        for mark in marks_of(dossier)
    )
    gaps = "".join(f"<li>{_said(words, gap)}</li>\n" for gap in gaps_of(dossier))
    rows = (
        [
            *map(_cell, row[:-2]),
            f"<code>{_shown(row[-2][0])}</code>",
            "".join(_file(line) for line in row[-1]),
        ]
        for row in exhibit_rows(dossier, words)
    )
    exhibits = _table("exhibits", words.text("exhibits.caption"), head_of(EXHIBITS, words), rows)
    body = (
        f'<p class="caution">{_fixed(words, "caution.page")}</p>\n'
        + _section(words, "facts", f"<dl>{facts}</dl>\n")
        + _section(words, "shows", f"<ul>{marks}</ul>\n")
        + _section(words, "gaps", f"<ul>{gaps}</ul>\n")
        + _section(words, "withheld", _left_out(dossier, words))
        + _section(words, "check", _checking(words))
        + _section(words, "more", _links(dossier, words))
        + _section(words, "exhibits", exhibits)
    )
    return _page(words, Phrase("page.start", {"title": dossier.case.title}), body, kind="start")


def _file(line: str) -> str:
    """A file of an exhibit as a link; words about it stand small."""
    if "/" not in line:
        return f"<small>{html.escape(line)}</small>"
    path = html.escape(line)
    return f'<a href="data/exhibits/{path}" download>{path}</a><br>'


def _left_out(dossier: Dossier, words: Words) -> str:
    if not dossier.withheld:
        return f"<p>{_fixed(words, 'withheld.none')}</p>\n"
    rows = [(_shown(w.category), _shown(w.authority), str(w.count)) for w in dossier.withheld]
    head = head_of(("category", "authority", "count"), words)
    return _table("withheld", words.text("withheld.caption"), head, rows, kind=" few")


def _checking(words: Words) -> str:
    return (
        f"<ol><li>{_fixed(words, 'check.compare')}</li>\n"
        f"<li>{_fixed(words, 'check.run')}<pre><code>python3 -I verify.py</code></pre></li></ol>\n"
        f"<p>{_fixed(words, 'check.hand')}</p>\n"
    )


def _links(dossier: Dossier, words: Words) -> str:
    pages = [
        ("custody/custody.html", "custody"),
        ("custody/custody.csv", "custody-table"),
        ("data/index.csv", "index"),
        (f"certificate/certificate.{words.language}.txt", "certificate"),
        ("VERIFY.txt", "verify"),
    ]
    pages[1:1] = [("START.pdf", "report")] if dossier.report else []
    items = "".join(
        f'<li><a href="{path}">{_fixed(words, f"link.{name}")}</a></li>\n' for path, name in pages
    )
    return f"<ul>{items}</ul>\n"


def custody_page(dossier: Dossier) -> bytes:
    """custody.html: every event once, in the order of the log, with the exhibits it is about."""
    words = words_of(dossier.case.language)
    rows = ([_cell(cell) for cell in row] for row in custody_rows(dossier, words))
    body = (
        f'<ul><li><a href="../START.html">{_fixed(words, "link.start")}</a></li>\n'
        f'<li><a href="custody.csv">{_fixed(words, "link.custody-table")}</a></li></ul>\n'
        f"<p>{_fixed(words, 'custody.note')}</p>\n"
        f'<p class="caution">{_fixed(words, "caution.page")}</p>\n'
        + _table("events", words.text("custody.caption"), head_of(CUSTODY, words), rows)
    )
    return _page(words, Phrase("page.custody", {"title": dossier.case.title}), body, kind="custody")


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
