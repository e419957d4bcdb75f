"""How commands speak: fields that hold fields are indented, and nothing can move the cursor."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from svitlo.cli.output import byte_bar, print_fields, progress_bar

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
        "none   none",
    ]


def test_a_value_from_a_file_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"described": {"title\x1b": "\x1b[2J\u202egpj"}})

    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_moves_by_bytes_where_they_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    bar = byte_bar("Sealing")
    assert bar is not None

    bar(0, 3 << 20, 2, 4 << 20)
    bar(2, 4 << 20, 2, 4 << 20)

    assert isinstance(sys.stderr, Terminal)
    assert "2/2  4.0 MiB of 4.0 MiB" in sys.stderr.getvalue()


def test_a_bar_moves_by_items_where_bytes_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    bar = progress_bar("Reading")

    bar(3, 10, 3)

    assert isinstance(sys.stderr, Terminal)
    assert "3/3  10 B  " in sys.stderr.getvalue()


def test_nobody_watches_what_is_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())

    assert byte_bar("Sealing") is None
    progress_bar("Reading")(1, 1, 1)
    assert isinstance(sys.stderr, io.StringIO)
    assert not sys.stderr.getvalue()
