"""The page that shows the figures of the last full run, with the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.ground import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = ROOT / "docs" / "look-up" / "measured.md"
MARK = "<!-- what stands below is written by `python -m bench --table FILE` -->"
MEMINFO, CPUINFO = Path("/proc/meminfo"), Path("/proc/cpuinfo")
KIB_IN_GIB = 1 << 20


def write_table(results: Path) -> None:
    """The page shows the figures in a file of JSON lines, as measured on this machine."""
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    above, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"{PAGE.name} has no line {MARK}")
    PAGE.write_text(f"{above}{MARK}\n\n{machine()}\n\n{table(lines)}", encoding="utf-8")


def table(lines: Iterable[dict[str, Any]]) -> str:
    """The figures as a table in Markdown."""
    rows = [
        "| figure | ours; the peer | ours | peer | ratio | goal | met |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    words = {True: "yes", False: "**no**", None: "peer not to be had"}
    rows += [
        f"| `{line['name']}` | {line['what']} | {_number(line['ours'])} | {_number(line['peer'])}"
        f" | {_number(line['ratio'])} | {line['goal']} | {words[line['met']]} |"
        for line in lines
    ]
    return "\n".join(rows) + "\n"


def machine() -> str:
    """This machine in a sentence: processor, memory, system, and what does the work."""
    return (
        f"Measured on {os.cpu_count()} x {_field(CPUINFO, 'model name') or platform.machine()}"
        f" with {_memory()} GiB of memory, {platform.system()} {platform.release()}, Python"
        f" {platform.python_version()}, {ssl.OPENSSL_VERSION}, SQLite {sqlite3.sqlite_version}."
    )


def _memory() -> int:
    kib = _field(MEMINFO, "MemTotal").split()
    return round(int(kib[0]) / KIB_IN_GIB) if kib else 0


def _field(path: Path, name: str) -> str:
    if not path.is_file():
        return ""
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004 - where separators begin
