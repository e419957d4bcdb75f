"""The pages and the report that people read first: languages, structure, two times, gaps."""

from __future__ import annotations

import re
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from svitlo.dossier import report
from svitlo.dossier.contents import Dossier, Stamp, Withheld
from svitlo.dossier.package import certified_json
from svitlo.dossier.pages import custody_page, start_page
from svitlo.dossier.standing import gaps_of, marks_of
from svitlo.dossier.verify import verify_dossier
from svitlo.dossier.words import LANGUAGES, words_of
from tests.conftest import lacking
from tests.rooms.dossier.sample import ORIGIN, WITNESS, files_of, make_sample, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGES = [start_page, custody_page]
STAMPED_AT = 1669714200
WHOLE = make_sample(withheld=(Withheld(category="victim", authority="JIT", count=7),))


def in_language(language: str, dossier: Dossier = WHOLE.dossier) -> Dossier:
    return replace(dossier, case=replace(dossier.case, language=language))


def stamp(authority: str, checkpoint: bytes = b"") -> Stamp:
    return Stamp(
        name="one",
        authority=authority,
        request=b"",
        response=b"",
        chain=b"",
        at=STAMPED_AT,
        checkpoint=checkpoint,
    )


def keys(phrases: list[Any]) -> set[str]:
    return {phrase.key for phrase in phrases}


class Structure(HTMLParser):
    """What a reader by ear or keyboard goes by."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[list[str]] = []
        self.open: list[int] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(len(self.elements))
        self.elements.append((tag, dict(attrs)))
        self.texts.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for at in self.open:
            self.texts[at].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attrs, "".join(text))
            for (name, attrs), text in zip(self.elements, self.texts, strict=True)
            if name == tag
        ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_built_for_eye_ear_and_keyboard(
    page: Callable[[Dossier], bytes], language: str
) -> None:
    found = Structure(page(in_language(language)))

    assert found.open == []
    assert found.all("html")[0][0] == {"lang": language}
    assert len(found.all("h1")) == len(found.all("main")) == len(found.all("title")) == 1
    assert all(text.strip() for _, text in found.all("th"))
    assert all(attrs["scope"] in {"col", "row"} for attrs, _ in found.all("th"))
    assert len(found.all("table")) == len(found.all("caption")) > 0
    captions = {attrs["id"] for attrs, text in found.all("caption") if text.strip()}
    frames = [attrs for attrs, _ in found.all("div")]
    assert {frame["aria-labelledby"] for frame in frames} == captions
    assert all(frame["tabindex"] == "0" and frame["role"] == "region" for frame in frames)
    assert all(text.strip() for _, text in found.all("a"))


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_allows_the_page_its_own_style_only(page: Callable[[Dossier], bytes]) -> None:
    text = page(WHOLE.dossier).decode()
    style = re.findall("<style>(.*?)</style>", text, re.DOTALL)

    (one,) = style
    assert f"sha256-{b64encode(sha256(one.encode()).digest()).decode()}" in text
    assert "url(" not in one
    assert "@import" not in one


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_no_word_of_the_pages_stays_english(language: str) -> None:
    english, other = words_of("en").texts, words_of(language).texts
    dossier = in_language(language)
    text = (start_page(dossier) + custody_page(dossier)).decode()

    ours = [one for key, one in english.items() if len(one) > 12 and one != other[key]]

    assert [one for one in ours if one in text] == []
    assert other["caution"] in text
    assert f"certificate.{language}.txt" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mark_stands_beside_the_caution(language: str) -> None:
    page = start_page(in_language(language, replace(WHOLE.dossier, stamps=(stamp("TSA"),))))

    marks = re.findall('class="good">.*?</span> \\((.*?)\\)</li>', page.decode())

    assert len(marks) == 3
    assert set(marks) == {words_of(language).text("caution")}


def test_a_stamp_shows_two_times() -> None:
    dossier = replace(WHOLE.dossier, stamps=(stamp("TSA <1>", b"older"), stamp("TSA 2")))

    first, second = (words_of("en").said(mark) for mark in marks_of(dossier)[-2:])

    assert "sealed at 2022-11-29 09:00:02 UTC \u2013 2022-11-29 09:00:05 UTC" in first
    assert "existed no later than 2022-11-29 09:30:00 UTC (TSA <1>)" in first
    assert "exported at 2022-11-29 10:00:00 UTC" in second
    assert b"TSA &lt;1&gt;" in start_page(dossier)


def test_gaps_are_named_in_plain_words() -> None:
    bare = replace(
        WHOLE.dossier,
        cosigners=(),
        confirmed_at=("2022-11-30T08:00:00Z",),
        case=replace(WHOLE.dossier.case, quorum=2),
    )

    gaps = gaps_of(bare)

    expected = {"cosigner", "quorum", "absent", "unconfirmed", "stamp", "unsigned", "withheld"}
    assert keys(gaps) == {f"gap.{name}" for name in expected | {"reads", "trust", "never"}}
    said = " ".join(words_of("en").said(gap) for gap in gaps)
    assert "0 of the 2" in said
    assert WITNESS.name in said
    assert "two officers confirmed it instead, at 2022-11-30 08:00:00 UTC" in said


def test_nothing_is_called_missing_that_is_there() -> None:
    stamps = (stamp("one"), stamp("two"))
    files = make_sample(files={b"a": b"a", b"b": b""}, is_sealed=True).dossier

    whole = keys(gaps_of(replace(WHOLE.dossier, stamps=stamps, withheld=())))

    assert whole == {f"gap.{name}" for name in ("unsigned", "reads", "trust", "never")}
    assert "gap.sealed" in keys(gaps_of(files))
    assert "gap.one-authority" in keys(gaps_of(replace(files, stamps=stamps[:1])))
    older = replace(files, stamps=(stamp("one", b"older"),))
    assert "gap.export-time" in keys(gaps_of(older))


def test_custody_names_who_why_and_by_what_law() -> None:
    page = custody_page(in_language("de")).decode()
    rows = re.findall("<tr><th scope=.row.>.*?</tr>", page)

    assert len(rows) == 5
    assert all("Officer\\nof the court" in row and "p-01gk1ap2h" in row for row in rows)
    assert all("Ermittlung einer Straftat" in row for row in rows)
    assert all("Pflichten des Anklägers" in row and "Rome Statute" in row for row in rows)
    assert "Löschsperre verhängt" in page
    assert "0001-0004" in page


def test_cosigners_and_what_is_withheld_are_counted() -> None:
    page = start_page(WHOLE.dossier).decode()

    assert "1 of 1 cosigners have signed; this node asks for 1" in page
    assert '<th scope="row"><bdi>victim</bdi></th><td><bdi>JIT</bdi></td><td>7</td>' in page
    assert "Nothing is stated to be left out" in start_page(make_sample().dossier).decode()


def test_the_check_does_not_depend_on_the_language(tmp_path: Path) -> None:
    files = files_of(replace(WHOLE, dossier=in_language("uk")))
    english = files_of(WHOLE)

    differing = {path for path in english if english[path] != files[path]}

    assert differing == {"START.html", "custody/custody.html", "tagmanifest-sha256.txt"}
    assert verify_dossier(write(tmp_path / "dossier", files)).exit_code == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_says_what_the_pages_say(language: str, tmp_path: Path) -> None:
    dossier = in_language(language)
    place = tmp_path / "report.pdf"
    place.write_bytes(report.typeset(report.document_of(dossier, certified_json(dossier))))
    program = shutil.which("pdftotext")
    if program is None:
        lacking("pdftotext", "there is no such program on the PATH")

    done = subprocess.run([program, "-layout", str(place), "-"], capture_output=True, check=True)

    text = " ".join(done.stdout.decode().split())
    words = words_of(language)
    for gap in gaps_of(dossier):
        assert words.said(gap) in text
    assert words.text("caution.pdf") in text
    assert words.text("event.receive") in text
    assert ORIGIN in text
    for exhibit in dossier.exhibits:
        assert exhibit.sha256 in text
    assert "фото.jpg" in text


@pytest.mark.parametrize("title", ["日本語 🙂", "عربي \u0659\u1f9b 2", "x" * 5000, "ქართული"])
def test_letters_that_no_font_has_do_not_cost_the_report(title: str) -> None:
    dossier = replace(WHOLE.dossier, case=replace(WHOLE.dossier.case, title=title))
    document = report.document_of(dossier, certified_json(dossier))

    made = report.typeset(document)

    assert made.startswith(b"%PDF-")
    assert made == report.typeset(document)
