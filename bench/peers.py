"""Peers that run in an environment of their own, made on first use from a hash-locked list."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from bench.case import Lacking
from bench.ground import ROOT, python_of


@functools.cache
def peer_python(subject: str, version: tuple[int, int]) -> str:
    """The interpreter of `.venv-peers/<subject>`, with what requirements/peers-<subject>.txt lists.

    Raises:
        Lacking: there is no Python of that version, or the packages cannot be had.
    """
    folder = ROOT / ".venv-peers" / subject
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        wanted = ROOT / "requirements" / f"peers-{subject}.txt"
        _run([python_of(version), "-m", "venv", "--clear", str(folder)])
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(wanted)])
        (folder / "ready").touch()
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise Lacking(f"{Path(command[0]).name} could not make the peers' environment: {last[0]}")
