"""The child that carries out one task: `python -m bench.child MODULE:FUNCTION ARGUMENTS [NODE]`.

Where a node is named it is opened first, so that the task's module may import what needs Django,
and is the function's first argument. The function prepares and returns the work. Only the work is
measured: user and system CPU of this process and its children, and the time on the wall.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path


def cpu_seconds() -> float:
    """User and system CPU of this process and the children that it waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def main() -> None:
    """Prepare, work, print what it took and what the work returned."""
    module, _, function = sys.argv[1].partition(":")
    given = json.loads(sys.argv[2])
    for folder in sys.argv[3:]:
        given.insert(0, importlib.import_module("svitlo.node.opening").open_node(Path(folder)))
    prepare = getattr(importlib.import_module(f"bench.tasks.{module}"), function)
    work = prepare(*given)
    cpu_began, wall_began = cpu_seconds(), time.perf_counter()
    value = work()
    wall_s = time.perf_counter() - wall_began
    cpu_s = cpu_seconds() - cpu_began
    print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s, "value": value}))


if __name__ == "__main__":
    main()
