"""How commands speak: fields that hold fields are indented, and nothing can move the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from svitlo.cli.output import print_fields

if TYPE_CHECKING:
    import pytest


def test_fields_within_fields_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields(
        {
            "id": "x-1",
            "proof": {"state": "signed", "index": 4, "stamped": {"A": "2022"}},
            "holds": ["h-1", "h-2"],
            "rows": [{"a": 1}, {"a": 2}],
            "none": {},
        }
    )

    assert capsys.readouterr().out.splitlines() == [
        "id     x-1",
        "proof",
        "  state  signed",
        "  index  4",
        "  stamped",
        "    A  2022",
        "holds  h-1, h-2",
        "rows",
        "  a  1",
        "  a  2",
        "none",
    ]


def test_a_value_from_a_file_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"described": {"title\x1b": "\x1b[2J\u202egpj"}})

    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())
