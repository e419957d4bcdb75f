"""Measure svitlo beside its peers: `python -m bench [SUBJECT or CASE or FIGURE]...`.

One JSON line a figure on standard output, words on standard error. Exit code 1 when a goal is
missed, 2 for a name that is not known. Nothing else heavy should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bag, log, vault_large, vault_small
from bench.ground import new_ground
from bench.table import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.case import Case

SUBJECTS = {
    "vault_small": vault_small.CASES,
    "vault_large": vault_large.CASES,
    "bag": bag.CASES,
    "log": log.CASES,
}


def chosen(names: Sequence[str]) -> list[Case]:
    """The cases of those subjects, cases or figures; all of them where none is named.

    Raises:
        SystemExit: a name is unknown.
    """
    every = [
        ({subject, case.name, *(figure.name for figure in case.figures)}, case)
        for subject, cases in SUBJECTS.items()
        for case in cases
    ]
    unknown = set(names).difference(*(known for known, _ in every))
    if unknown:
        known = sorted({*SUBJECTS, *(case.name for _, case in every)})
        print(f"{min(unknown)} is not one of: {', '.join(known)}", file=sys.stderr)
        raise SystemExit(2)
    return [case for known, case in every if not names or known & set(names)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, print the figures; 1 when one misses its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="subject, case or figure")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size, to try")
    parser.add_argument("--folder", type=Path, help="where to work; a folder on the disk meant")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write FILE's lines to the docs")
    options = parser.parse_args(arguments)
    if options.table:
        write_table(options.table)
        return 0
    return run(chosen(options.names), options.scale, options.folder)


def run(cases: Sequence[Case], scale: float, folder: Path | None) -> int:
    """Measure the cases and print their figures; 1 when one misses its goal."""
    is_missed = False
    for case in cases:
        with new_ground(scale, folder) as ground:
            values = case.run(ground)
        for figure in case.figures:
            line = figure.line(values)
            if scale != 1:
                line["what"] += f" (only tried, at {scale:g} of the size)"
            is_missed |= line["met"] is False
            print(json.dumps(line), flush=True)
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
