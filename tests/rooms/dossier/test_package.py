from __future__ import annotations

import base64
import csv
import io
import json
import posixpath
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.dossier import report, tables, words
from svitlo.dossier.certificate import LANGUAGES
from svitlo.dossier.contents import Exhibit, Withheld
from svitlo.dossier.package import assemble, batch_line, certified_json, needed_tiles
from svitlo.dossier.proofs import ProvenTiles, batch_root, plain_value
from svitlo.errors import DossierError, ProofError
from svitlo.seal.canonical import loads_canonical
from svitlo.seal.tiles import TileEdge, tile_path
from svitlo.seal.tree import leaf_hash, root_of
from tests.rooms.dossier.sample import files_of, make_sample

LEAVES = [leaf_hash(bytes([n % 256, n // 256])) for n in range(700)]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return files_of(make_sample(withheld=(Withheld(category="<b>", authority="=1", count=2),)))


class Strict(HTMLParser):
    """Collects tags and addresses, and refuses what a page must not have."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src"}:
                self.addresses.append(str(value))


@pytest.mark.parametrize("path", ["START.html", "custody/custody.html"])
def test_pages_have_no_script_and_no_outside_reference(files: dict[str, bytes], path: str) -> None:
    page = files[path].decode()
    parser = Strict()
    parser.feed(page)

    assert not {"script", "img", "iframe", "object", "form", "b"} & set(parser.tags)
    assert not [one for one in parser.addresses if ":" in one or one.startswith("/")]
    for address in parser.addresses:
        assert posixpath.normpath(posixpath.join(posixpath.dirname(path), address)) in files
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert "\u202e" not in page
    assert "\r" not in page
    assert page.count("integrity and time, not truth") >= 1


def test_every_green_mark_stands_beside_the_caution(files: dict[str, bytes]) -> None:
    page = files["START.html"].decode()

    marks = re.findall(r'class="good">.*?</span>(.{0,40})', page)

    assert len(marks) >= 2
    assert all("integrity and time, not truth" in after for after in marks)


def test_tables_hold_hostile_text_in_its_cell(files: dict[str, bytes]) -> None:
    index = list(csv.reader(io.StringIO(files["data/index.csv"].decode(), newline="")))
    custody = list(csv.reader(io.StringIO(files["custody/custody.csv"].decode(), newline="")))

    assert [len(row) for row in index] == [13] * 5
    assert index[2][7].startswith("'=HYPERLINK")
    assert "\r" in index[2][7]
    assert index[2][2] == "'=1+1"
    assert {len(row) for row in custody} == {13}
    assert {row[5] for row in custody[1:]} >= {"receive", "seal", "hold", "export"}


@given(st.text())
def test_no_cell_becomes_a_formula_or_a_second_row(text: str) -> None:
    rows = list(csv.reader(io.StringIO(tables.csv_table([[text, "x"]]).decode(), newline="")))

    assert len(rows) == 1
    assert len(rows[0]) == 2
    assert not rows[0][0].startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text())
def test_a_line_shows_no_control_characters(text: str) -> None:
    shown = words.one_line(text)

    assert shown.isprintable()
    assert "\u202e" not in shown


def test_names_keep_their_bytes_in_the_index(files: dict[str, bytes]) -> None:
    rows = [loads_canonical(line) for line in files["data/index.jsonl"].splitlines()]

    assert isinstance(rows[0], dict)
    assert isinstance(rows[2], dict)
    assert rows[0]["path"] == "фото.jpg"
    assert rows[2]["path_b64"] == "//4gbm90IHV0Zi04"
    assert "path" not in rows[2]


def test_certificates_are_drafts_in_four_languages(files: dict[str, bytes]) -> None:
    value = json.loads(files["certificate/certificate.json"])
    assert value["draft"] is True
    for language in LANGUAGES:
        text = files[f"certificate/certificate.{language}.txt"].decode()
        assert "902(14)" in text
        assert "verify.py" in text
        assert "{" not in "".join(text.splitlines()[:-1])
        assert json.loads(text.splitlines()[-1]) == value["figures"]
        assert "compliant" not in text
    assert "DRAFT" in files["certificate/certificate.en.txt"].decode()


def test_what_is_withheld_is_counted_and_none_is_said_too(files: dict[str, bytes]) -> None:
    counted = json.loads(files["data/withheld.json"])
    nothing = json.loads(files_of(make_sample())["data/withheld.json"])

    assert counted["counts"][0]["count"] == 2
    assert counted["none"] is False
    assert nothing == {"v": 1, "none": True, "counts": []}


def test_a_number_or_extension_that_is_a_path_is_refused() -> None:
    exhibit: Exhibit = make_sample().dossier.exhibits[0]
    for wrong in (replace(exhibit, number="../1"), replace(exhibit, extension="j/../x")):
        with pytest.raises(DossierError, match="number and extension"):
            wrong.outgoing()


def test_an_index_that_the_export_does_not_name_is_refused() -> None:
    dossier = make_sample().dossier
    other = replace(dossier, exhibits=dossier.exhibits[1:])

    with pytest.raises(DossierError, match="differs"):
        list(assemble(other))


def test_the_same_dossier_gives_the_same_bytes() -> None:
    first, second = files_of(make_sample()), files_of(make_sample())
    for path in first:
        if path not in {"proof/checkpoint", "tagmanifest-sha256.txt"}:  # ML-DSA is hedged
            assert first[path] == second[path], path


@given(st.sets(st.integers(0, 699), min_size=1, max_size=40), st.integers(1, 700))
def test_some_leaves_of_a_batch_lead_to_its_root(chosen: set[int], count: int) -> None:
    places = {n: 1000 + n for n in chosen if n < count}
    leaves = LEAVES[:count]
    value = plain_value(batch_line("b", leaves, places).rstrip(b"\n"))
    proof = [base64.b64decode(one) for one in value["proof"]]

    root = batch_root(count, {n: leaves[n] for n in places}, proof)

    assert root == root_of(leaves)
    if proof:
        with pytest.raises(ProofError, match="few or too many"):
            batch_root(count, {n: leaves[n] for n in places}, [*proof, bytes(32)])


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 700])
def test_the_needed_tiles_prove_their_leaves(size: int) -> None:
    edge = TileEdge()
    full = edge.extend(LEAVES[:size])
    tiles = {(level, n): tile for level, n, tile in [*edge.partials(), *full]}
    for index in {0, size // 2, size - 1}:
        needed = {
            f"proof/{tile_path(level, n, width)}": tiles[level, n][: width * 32]
            for level, n, width in needed_tiles(size, [index])
        }

        proven = ProvenTiles(size, root_of(LEAVES[:size]), needed.__getitem__)

        assert proven.leaf(index) == LEAVES[index]


def test_tiles_under_another_root_prove_nothing() -> None:
    edge = TileEdge()
    full = edge.extend(LEAVES)
    tiles = {
        tile_path(level, n, len(tile) // 32): tile for level, n, tile in [*edge.partials(), *full]
    }

    with pytest.raises(ProofError, match="root"):
        ProvenTiles(700, bytes(32), lambda path: tiles[path.removeprefix("proof/")])


def test_the_report_is_a_pdf_with_the_certificate_attached_and_always_the_same() -> None:
    dossier = make_sample().dossier
    document = report.document_of(dossier, certified_json(dossier))

    made = report.typeset(document)

    assert made.startswith(b"%PDF-")
    assert b"certificate.json" in made
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in made
    assert made == report.typeset(document)


def test_markup_in_names_stays_text_in_the_report() -> None:
    hostile = {
        b'#import "@preview/x:0.1.0": y': b"1",
        b'#read("/etc/passwd") $x$ *b* \\ ` @ref <l>': b"2",
        "\u202e\ud7ff\u0000".encode(): b"3",
    }
    dossier = make_sample(files=hostile).dossier

    assert report.typeset(report.document_of(dossier, certified_json(dossier)))[:5] == b"%PDF-"


@given(st.binary(max_size=200))
def test_a_document_that_is_none_is_refused(noise: bytes) -> None:
    with pytest.raises(DossierError, match="typeset"):
        report.typeset(noise)


@pytest.mark.slow
def test_the_graph_conforms_to_case(files: dict[str, bytes], tmp_path: Path) -> None:
    graph = tmp_path / "graph.jsonld"
    graph.write_bytes(files["case/graph.jsonld"])
    program = Path(sys.executable).with_name("case_validate")

    done = subprocess.run([program, str(graph)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Conforms: True" in done.stdout


def test_the_graph_names_every_exhibit_and_event(files: dict[str, bytes]) -> None:
    graph = json.loads(files["case/graph.jsonld"])
    kinds = [node["@type"] for node in graph["@graph"]]

    assert kinds.count("uco-observable:File") == 5
    assert kinds.count("case-investigation:ProvenanceRecord") == 4
    assert kinds.count("case-investigation:InvestigativeAction") >= 5
    assert kinds.count("uco-observable:ObservableRelationship") == 1
    assert len({node["@id"] for node in graph["@graph"]}) == len(kinds)
