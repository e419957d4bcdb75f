from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

CPU_LIMIT_S = 0.3
ASK = """
import json, sys, time
from svitlo.cli.program import main
main(sys.argv[1:], standalone_mode=False)
heavy = [name for name in ("django", "av", "numpy", "httpx", "typst") if name in sys.modules]
print("\\n" + json.dumps({"heavy": heavy, "cpu_s": time.process_time()}))
"""


@pytest.mark.parametrize("words", ["--help", "exhibit add --help", "dossier verify --help"])
def test_help_loads_nothing_heavy_and_answers_at_once(words: str) -> None:
    runs = [help_run(words) for _ in range(3)]

    assert runs[0]["heavy"] == []
    assert min(run["cpu_s"] for run in runs) < CPU_LIMIT_S


def help_run(words: str) -> dict[str, Any]:
    command = [sys.executable, "-c", ASK, *words.split()]
    printed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found
