from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import click

from svitlo.cli.program import main as program
from svitlo.node.settings import Settings
from tests.rules.sources import ROOT, SVITLO
from tools import lookup

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = ROOT / "docs"
UNDERSTAND = DOCS / "understand"


def commands() -> list[tuple[str, click.Command]]:
    return list(lookup.walk(program, "svitlo"))


def test_every_command_is_on_the_page_of_commands() -> None:
    page = lookup.commands_page()

    assert commands()
    assert not [path for path, _ in commands() if f"## {path}\n" not in page]


def test_every_help_has_an_example() -> None:
    silent = [path for path, command in commands() if "Example" not in (command.help or "")]

    assert not silent


def test_every_option_says_what_it_is() -> None:
    silent = [
        f"{path} {option.name}"
        for path, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]

    assert not silent


def test_every_setting_has_a_unit_and_a_line_of_help() -> None:
    bare = [
        field.name
        for field in dataclasses.fields(Settings)
        if "unit" not in field.metadata or not field.metadata.get("help")
    ]

    assert not bare


def test_the_map_of_the_house_shows_every_room_and_module() -> None:
    house = lookup.HOUSE.read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `(\w+)` \|", house, re.MULTILINE)

    assert sorted(rooms) == sorted(path.parent.name for path in SVITLO.glob("*/__init__.py"))
    assert lookup.with_modules(house) == house, "`make docs` brings the map up to date"


def decisions() -> Iterator[tuple[str, str]]:
    for path in sorted((UNDERSTAND / "decisions").glob("[0-9]*.md")):
        yield path.name, path.read_text(encoding="utf-8")


def test_every_decision_says_context_options_choice_and_cost() -> None:
    wanted = ["## Context", "## Options", "## Choice", "## Cost"]

    thin = [
        name for name, text in decisions() if re.findall("^## .*", text, re.MULTILINE) != wanted
    ]

    assert not thin


def test_decisions_are_numbered_without_gap_and_listed() -> None:
    names = [name for name, _ in decisions()]
    listed = (UNDERSTAND / "decisions" / "index.md").read_text(encoding="utf-8")

    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert not [name for name in names if f"({name})" not in listed]


def table_rows(page: str) -> list[list[str]]:
    """The cells of every row of every table on a page, headings left out."""
    lines = (UNDERSTAND / page).read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines
        if line.startswith("| ")
    ]
    return [row for row in rows if row[0] not in {"word", "threat", "no."}]


def test_every_word_has_its_ukrainian_and_german_word() -> None:
    words = table_rows("words.md")

    assert len(words) > 30
    for word, ukrainian, german, meaning in words:
        assert re.search(r"[\u0400-\u04ff]", ukrainian), word
        assert german, word
        assert meaning, word


def test_every_threat_has_a_test_or_says_that_it_is_not_prevented() -> None:
    for threat, _answer, held_by in table_rows("threats.md"):
        if "not prevented" not in held_by and "not built" not in held_by:
            assert named_tests(held_by), threat
        assert not missing_tests(held_by), threat


def test_every_acceptance_check_has_a_test_or_says_that_it_is_not_built() -> None:
    rows = table_rows("acceptance.md")

    assert [row[0] for row in rows] == [str(number) for number in range(1, 43)]
    for number, _asked, held_by in rows:
        if "not built yet" not in held_by:
            assert named_tests(held_by), number
        assert not missing_tests(held_by), number


def named_tests(cell: str) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", cell)


def missing_tests(cell: str) -> list[str]:
    """The tests that a cell names and that are not there."""
    missing = []
    for name in named_tests(cell):
        place, _, test = name.partition("::")
        path = ROOT / place
        if not path.exists() or (test and f"def {test}(" not in path.read_text(encoding="utf-8")):
            missing.append(name)
    return missing
