"""What the rules read: the files of the repository and their syntax trees."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SVITLO = ROOT / "src" / "svitlo"
BINARY = frozenset(
    {".png", ".jpg", ".gif", ".ico", ".woff2", ".bin", ".der", ".tsr", ".tsq", ".age"}
)


@functools.cache
def kept_files() -> tuple[Path, ...]:
    """Every file that version control keeps, or would keep; without git, all but what is made."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        made = re.compile(r"/(\.[^/]*|site|dist|generated|__pycache__|demo-node)(/|$)")
        files = [path for path in ROOT.rglob("*") if not made.search(f"/{path.relative_to(ROOT)}")]
    else:
        files = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return tuple(sorted(path for path in files if path.is_file()))


def kept_texts() -> dict[str, str]:
    """The text of every kept file that is text, by path from the root."""
    texts = {}
    for path in kept_files():
        if path.suffix in BINARY:
            continue
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


@functools.cache
def modules(folder: Path = SVITLO) -> tuple[Path, ...]:
    """Every Python module below a folder but migrations, which a tool writes."""
    return tuple(path for path in sorted(folder.rglob("*.py")) if "migrations" not in path.parts)


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(path: Path) -> str:
    """The import name of a module below src."""
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def public_names(module: Path) -> list[str]:
    """The functions and classes at the top of a module that do not start with an underscore."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in tree(module).body if isinstance(node, defined)]
    return [name for name in names if not name.startswith("_")]


def imported(module: Path) -> set[str]:
    """The names of all modules that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
