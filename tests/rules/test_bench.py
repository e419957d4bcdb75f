from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from bench import __main__ as program
from bench import table
from bench.case import Case, Figure, Goal, Lacking, fixed, median
from bench.ground import Ground
from tests.rules.sources import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from bench.case import Values

WANTED = (
    "seal-small",
    "seal-large",
    "bag-verify",
    "bag-make",
    "fixity-keyless",
    "log-append",
    "log-verify",
    "log-proofs",
)
MEMBERS = ["name", "what", "ours", "peer", "ratio", "goal", "met"]


def figures() -> list[Figure]:
    return [figure for case in program.chosen([]) for figure in case.figures]


def figure(*, is_times_faster: bool = False, sign: str = "<=") -> Figure:
    return Figure(
        name="a",
        what="seconds; seconds",
        ours=lambda v: v["ours"],
        peer=lambda v: v["peer"],
        goal=Goal("<=" if sign == "<=" else ">=", 2),
        is_times_faster=is_times_faster,
    )


@pytest.mark.parametrize("name", WANTED)
def test_every_wanted_figure_is_measured_by_a_case_of_its_name(name: str) -> None:
    (case,) = program.chosen([name])

    assert case.name == name
    assert case.figures[0].name == name


def test_names_of_figures_are_unique_and_begin_with_those_of_their_case() -> None:
    names = [figure.name for figure in figures()]

    assert len(set(names)) == len(names)
    for case in program.chosen([]):
        family = case.name.partition("-")[0]
        assert all(figure.name.startswith(family) for figure in case.figures)


def test_every_figure_says_what_both_sides_are() -> None:
    assert all(re.fullmatch(r".+; .+", figure.what) for figure in figures())


def test_a_subject_stands_for_all_its_cases() -> None:
    assert [case.name for case in program.chosen(["bag"])] == ["bag-make", "bag-verify"]


def test_an_unknown_name_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        program.chosen(["seal-smal"])

    assert stopped.value.code == 2
    assert "seal-small" in capsys.readouterr().err


def test_a_line_has_the_members_that_programs_read() -> None:
    line = figure().line({"ours": 3.0, "peer": 2.0})

    assert list(line) == MEMBERS
    assert (line["ratio"], line["goal"], line["met"]) == (1.5, "<= 2", True)


def test_times_faster_is_the_peer_divided_by_ours() -> None:
    line = figure(is_times_faster=True, sign=">=").line({"ours": 2.0, "peer": 3.0})

    assert (line["ratio"], line["met"]) == (1.5, False)


def test_a_peer_that_was_not_to_be_had_is_null_and_no_missed_goal() -> None:
    line = figure().line({"ours": 3.0})

    assert (line["peer"], line["ratio"], line["met"]) == (None, None, None)


def test_the_best_of_the_rounds_is_taken_of_each_value(tmp_path: Path) -> None:
    turns = iter([3.0, 1.0, 2.0])

    def measure(_: Ground) -> Values:
        return {"ours": next(turns), "peer": 1.0}

    def lacking(_: Ground) -> Values:
        raise Lacking("not on this machine")

    case = Case(name="a", measures=(measure, lacking), figures=(), rounds=3, best=median)

    assert case.run(Ground(tmp_path, 1)) == {"ours": 2.0, "peer": 1.0}


def test_a_missed_goal_is_exit_code_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def case(ours: float) -> Case:
        bare = Figure(name="a", what="x; y", ours=fixed(ours), peer=fixed(1), goal=Goal("<=", 2))
        return Case(name="a", measures=(), figures=(bare,))

    assert program.run([case(2.0)], 1, tmp_path) == 0
    assert program.run([case(2.0), case(3.0)], 1, tmp_path) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["met"] for line in lines] == [True, True, False]


def test_a_case_runs_on_the_real_path(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 0.0005)
    (case,) = program.chosen(["seal-small"])
    once = Case(name="a", measures=case.measures, figures=case.figures, rounds=1)

    values = once.run(ground)

    assert values["all"] > 0
    assert values["hashlib"] > 0
    assert [line["name"] for line in (f.line(values) for f in case.figures)] == [
        "seal-small",
        "seal-small-whole",
    ]


def test_the_page_shows_each_figure_with_the_machine() -> None:
    rows = table.table([figure().line({"ours": 3000.0, "peer": 2.0})]).splitlines()

    assert rows[2] == "| `a` | seconds; seconds | 3,000 | 2 | 1,500 | <= 2 | **no** |"
    assert "Python" in table.machine()


def test_the_page_has_the_place_where_the_table_goes() -> None:
    assert table.MARK in table.PAGE.read_text(encoding="utf-8")


def test_the_peers_are_locked_by_hash() -> None:
    lines = (ROOT / "requirements" / "peers-log.txt").read_text(encoding="utf-8")

    for name in ("aics-tlog==0.2.1", "pymerkle==7.0.0"):
        assert f"{name} \\\n    --hash=sha256:" in lines
