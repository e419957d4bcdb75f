"""The ground a benchmark stands on: a scratch folder, a scale, and child processes that are timed.

Every measure is taken in a fresh child. This process stays small on purpose: the kernel counts the
memory of a parent as the least peak of its children (getrusage(2), `ru_maxrss` across exec).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.case import Lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
UNWANTED = ("SVITLO_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Settings of a node, and what makes Python start or write slower than where it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a child took: CPU (user and system) and wall seconds, peak bytes; and what it said."""

    cpu_s: float
    wall_s: float
    peak_bytes: int
    said: Any


class Ground:
    """A scratch folder, and how large the measures are; 1 is the size that the goals are for."""

    def __init__(self, folder: Path, scale: float) -> None:
        self.folder = folder
        self.scale = scale
        self._made: set[str] = set()

    def say(self, words: str) -> None:
        """Words on standard error; the figures alone go to standard output."""
        print(words, file=sys.stderr, flush=True)

    def count(self, full: int, least: int = 1) -> int:
        """How many of `full` things at this scale, at least `least`."""
        return max(least, round(full * self.scale))

    def material(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder of that name, made on first use, on the disk and in the cache."""
        folder = self.folder / name
        if name not in self._made:
            make(folder)
            os.sync()
            self._made.add(name)
        return folder

    @contextmanager
    def fresh(self, name: str) -> Iterator[Path]:
        """A place that does not exist yet, and is gone afterwards."""
        place = self.folder / name
        try:
            yield place
        finally:
            if place.exists():
                shutil.rmtree(place)

    def task(
        self,
        task: str,
        *arguments: object,
        node: Path | None = None,
        python: str = sys.executable,
    ) -> Spent:
        """A task of `bench.tasks` ("module:function") in a fresh child; what it prepares is free.

        With a node's folder, the node is opened and is the first argument. The peak is that of the
        whole child.
        """
        given = json.dumps([str(a) if isinstance(a, Path) else a for a in arguments])
        whole = self._child(
            [python, "-m", "bench.child", task, given, *([str(node)] if node else [])]
        )
        said = json.loads(whole.said)
        return Spent(
            cpu_s=said["cpu_s"],
            wall_s=said["wall_s"],
            peak_bytes=whole.peak_bytes,
            said=said["value"],
        )

    def svitlo(self, *arguments: str | Path) -> Spent:
        """The real command in a fresh child, start-up included."""
        return self._child([sys.executable, "-m", "svitlo", *map(str, arguments)])

    def _child(self, command: list[str]) -> Spent:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(UNWANTED)}
        began = time.perf_counter()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
            child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=words, env=environ)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall_s = time.perf_counter() - began
            if child.returncode:
                words.seek(0)
                self.say(words.read().decode(errors="replace"))
                raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
            out.seek(0)
            said = out.read().decode()
        return Spent(
            cpu_s=usage.ru_utime + usage.ru_stime,
            wall_s=wall_s,
            peak_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            said=said,
        )


@contextmanager
def new_ground(scale: float, folder: Path | None) -> Iterator[Ground]:
    """A ground in a scratch folder that is gone afterwards.

    /var/tmp is on a disk where /tmp may be memory, in which nothing is made durable.
    """
    where = folder or next((p for p in [Path("/var/tmp")] if p.is_dir()), None)  # noqa: S108 - see above
    with tempfile.TemporaryDirectory(prefix="svitlo-bench-", dir=where) as scratch:
        yield Ground(Path(scratch), scale)


def python_of(version: tuple[int, int]) -> str:
    """A Python interpreter of at least that version: this one, on the PATH, or pyenv's.

    Raises:
        Lacking: there is none.
    """
    if sys.version_info >= version:
        return sys.executable
    names = [f"python{version[0]}.{minor}" for minor in range(version[1], version[1] + 8)]
    found = [shutil.which(name) for name in names]
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found += [str(path) for name in names for path in sorted(kept.glob(f"*/bin/{name}"))]
    for path in filter(None, found):
        command = [path, "-c", "import venv"]  # a shim of pyenv may stand for nothing
        if not subprocess.run(command, capture_output=True, check=False).returncode:
            return path
    raise Lacking(f"there is no Python {version[0]}.{version[1]} or newer on this machine")
