"""The oldest Python that a court's machine may have, where this machine has it too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

WORD = "python3.9"


def old_python() -> str | None:
    """The path of a Python 3.9 that runs, from pyenv or the PATH."""
    installed = sorted(Path.home().glob(f".pyenv/versions/3.9.*/bin/{WORD}"))
    for path in (*map(str, installed), shutil.which(WORD)):
        if (
            path
            and subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0
        ):
            return path
    return None


OLD_PYTHON = old_python()
