"""Build the court's verifier: one file out of `dossier.verify` and what it stands on.

The text of each definition is taken as it stands in its module, comments included. Left out are
definitions and methods that `verify.py` never uses, imports, and all of a docstring but its first
line. Blocks of one short line stand behind their head. `--check` compares the file with what would
be built and writes nothing.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "svitlo"
BUILT = SOURCE / "dossier" / "verify.py.txt"
MODULES = (
    "errors",
    "seal.checkpoint",
    "seal.cosignature",
    "seal.note",
    "seal.commitment",
    "seal.tree",
    "seal.tiles",
    "seal.policy",
    "seal.curve",
    "seal.certificate",
    "seal.timestamp",
    "dossier.folder",
    "dossier.proofs",
    "dossier.custody",
    "dossier.steps",
    "dossier.verify",
)
"""What the verifier absorbs; each module uses those above it only."""

LEFT_OUT = {"_Draft.join"}
"""Methods that only share their name with one that is used."""

MAX_LINES = 1500
WIDTH = 153
HEAD = '''#!/usr/bin/env python3
"""verify.py: check a dossier of svitlo offline, with Python 3.9 or newer and nothing else.

Usage: python3 -I verify.py [--receipt RECEIPT.json] [FOLDER]
       FOLDER is the dossier, by default the folder in which this file lies
Exit code: 0 good; 3 does not verify; 2 not a dossier, or not checked whole

A forged dossier brings a forged verifier: compare the SHA-256 of this file with the value that is
published elsewhere. Built from the package svitlo (Apache-2.0), whose modules say more.
It shows integrity and time, not truth.
"""
from __future__ import annotations
import sys
if __name__ == "__main__" and not getattr(sys.flags, "safe_path", sys.flags.isolated):
    del sys.path[0]  # the folder of the dossier: an argparse.py that lies in it is not ours
'''
SHORTEST = 3
"""Lines of a bracketed list of one item, which keeps its comma."""

FOOT = """
if __name__ == "__main__":
    sys.exit(main())
"""
Edit = tuple[int, int, str]
"""Lines from, lines to (counted from 1, both included), the text instead of them."""


class Module:
    """One absorbed module."""

    def __init__(self, name: str) -> None:
        self.short = name.rpartition(".")[2]
        text = (SOURCE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        self.lines = text.splitlines(keepends=True)
        self.body = ast.parse(text).body
        self.summary = str(ast.get_docstring(ast.Module(self.body, []))).partition("\n")[0]

    def first_line(self, node: ast.stmt) -> int:
        """Where a statement begins, with its decorators and the comment lines above it."""
        first = min([node.lineno, *(one.lineno for one in decorators(node))])
        while self.lines[first - 2].lstrip().startswith("#"):
            first -= 1
        return first

    def text(self, names: frozenset[str]) -> str:
        """What is left of the module when only these names and attributes are used."""
        lines = list(self.lines)
        edits = [edit for node in self.body for edit in self.edits(node, names)]
        for first, last, instead in sorted(edits, reverse=True):
            lines[first - 1 : last] = [instead] if instead else []
        rest = re.sub(r" +# (?:noqa|type:).*", "", "".join(lines))
        title = f"# {'-' * 8} {self.short}: {self.summary}"
        return f"\n\n{title}\n\n{rest.strip()}\n"

    def edits(self, node: ast.stmt, names: frozenset[str]) -> Iterator[Edit]:
        """What to change in a top-level statement."""
        whole = (self.first_line(node), node.end_lineno or node.lineno, "")
        if not names.intersection(bound(node)):
            yield whole
            return
        for part in ast.walk(node):
            if isinstance(part, ast.ClassDef):
                for method in part.body:
                    if is_unused_method(method, names) or is_left_out(part, method):
                        yield self.first_line(method), method.end_lineno or method.lineno, ""
            if isinstance(part, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(part):
                yield docstring_edit(part)


def docstring_edit(node: ast.ClassDef | ast.FunctionDef) -> Edit:
    """The docstring of a class or a function of a module becomes its first line; others go."""
    first = node.body[0]
    summary = str(ast.get_docstring(node)).partition("\n")[0]
    is_kept = node.col_offset == 0 or len(node.body) == 1
    text = f'{" " * first.col_offset}"""{summary}"""\n' if is_kept else ""
    return first.lineno, first.end_lineno or first.lineno, text


def decorators(node: ast.stmt) -> list[ast.expr]:
    """The decorators of a definition."""
    return node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []


def bound(node: ast.stmt) -> set[str]:
    """The names that a top-level statement binds, but for imports."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For):
        parts = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
        return {part.id for part in parts if isinstance(part.ctx, ast.Store)}
    return set()


def needed(node: ast.AST) -> Iterator[str]:
    """The names that code uses when it runs, attributes after a dot; annotations do not run."""
    if isinstance(node, ast.Name):
        yield node.id
    if isinstance(node, ast.Attribute):
        yield f".{node.attr}"
    for field, value in ast.iter_fields(node):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST) and field not in {"annotation", "returns"}:
                yield from needed(item)


def is_unused_method(node: ast.stmt, names: frozenset[str]) -> bool:
    """Whether it is a method that nothing calls."""
    is_method = isinstance(node, ast.FunctionDef) and not node.name.startswith("__")
    return is_method and f".{getattr(node, 'name', '')}" not in names


def is_left_out(node: ast.AST, part: ast.AST) -> bool:
    """Whether a part of a class is one of those left out."""
    return f"{getattr(node, 'name', '')}.{getattr(part, 'name', '')}" in LEFT_OUT


def check_names(modules: list[Module]) -> None:
    """Stop when two modules give one name two meanings."""
    meanings: dict[str, tuple[str, str]] = {}
    for module in modules:
        for node in module.body:
            text = "".join(module.lines[node.lineno - 1 : node.end_lineno])
            for name in bound(node):
                owner, meaning = meanings.setdefault(name, (module.short, text))
                if owner != module.short and meaning != text:
                    sys.exit(f"{owner} and {module.short} give {name} two meanings")


def used(modules: list[Module]) -> frozenset[str]:
    """The names and attributes that `main` needs, itself or through others."""
    names: frozenset[str] = frozenset({"main"})
    while True:
        more = set(names)
        for node in (node for module in modules for node in module.body):
            if names.intersection(bound(node)):
                parts = node.body if isinstance(node, ast.ClassDef) else [node]
                for part in [*parts, *decorators(node), *getattr(node, "bases", ())]:
                    if not is_left_out(node, part) and not (
                        isinstance(node, ast.ClassDef) and is_unused_method(part, names)
                    ):
                        more.update(needed(part))
        if more == names:
            return names
        names = frozenset(more)


def imports(modules: list[Module], text: str) -> str:
    """The imports from the standard library that the text uses."""
    whole: set[str] = set()
    parts: dict[str, set[str]] = {}
    for node in (node for module in modules for node in module.body):
        for name in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            source = (node.module or "") if isinstance(node, ast.ImportFrom) else name.name
            is_ours = source.partition(".")[0] in {"svitlo", "__future__"}
            if is_ours or not re.search(rf"\b{name.asname or name.name}\b", text):
                continue
            written = f"{name.name} as {name.asname}" if name.asname else name.name
            if isinstance(node, ast.Import):
                whole.add(written)
            else:
                parts.setdefault(source, set()).add(written)
    lines = [f"from {place} import {', '.join(sorted(names))}" for place, names in parts.items()]
    return "\n".join([f"import {', '.join(sorted(whole))}", *sorted(lines)]) + "\n"


def build() -> str:
    """The text of verify.py."""
    modules = [Module(name) for name in MODULES]
    check_names(modules)
    names = used(modules)
    text = "".join(module.text(names) for module in modules)
    whole = imports(modules, text) + text + FOOT
    options = [f"line-length={WIDTH}", "format.skip-magic-trailing-comma=true"]
    command = [sys.executable, "-m", "ruff", "format", "-", "--isolated", "--target-version=py39"]
    for option in options:
        command += ["--config", option]
    made = subprocess.run(command, input=whole, capture_output=True, text=True, check=True)
    text = made.stdout
    compact = without_gaps(joined(filled(text)))
    if meaning(compact) != meaning(text):
        sys.exit("laying out the text anew has changed what it means")
    return HEAD + compact


def meaning(text: str) -> str:
    """The syntax tree of a program without its docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def filled(text: str) -> str:
    """The text with bracketed lists laid out in full lines instead of an item a line."""
    made: list[str] = []
    depth = 0
    pieces: list[str] = []
    for line in text.split("\n"):
        was, depth = depth, depth + nesting(line)
        if not was and not depth:
            made.append(line)
            continue
        pieces.append(line if not was else line.strip())
        if not depth:
            made += packed(pieces)
            pieces = []
    return "\n".join(made)


def packed(pieces: list[str]) -> list[str]:
    """The lines of one statement, laid out anew."""
    head = pieces[0]
    indent = " " * (len(head) - len(head.lstrip()) + 4)
    made = [head]
    for piece in pieces[1:]:
        last = made[-1]
        is_closing = piece[0] in ")]}"
        if is_closing and last.endswith(",") and len(pieces) > SHORTEST:
            last = last[:-1]
        gap = "" if last[-1] in "([{" or is_closing else " "
        is_comment = "  # " in last
        if len(last + gap + piece) <= WIDTH and not is_comment:
            made[-1] = last + gap + piece
        else:
            made[-1] = last
            made.append(indent + piece)
    return made


def nesting(line: str) -> int:
    """How many more brackets a line opens than it closes, strings and comments apart."""
    plain = re.sub(r"""(?:[rbf]*"(?:\\.|[^"\\])*"|[rbf]*'(?:\\.|[^'\\])*')|#.*""", "", line)
    return sum(plain.count(mark) for mark in "([{") - sum(plain.count(mark) for mark in ")]}")


def without_gaps(text: str) -> str:
    """The text with empty lines between modules only, and docstrings behind heads that fit."""
    text = re.sub(r"\n{2,}", "\n", text)
    text = re.sub(
        r"^((?:def|class) .*:)\n    \"\"\"(.*)\"\"\"$", commented, text, flags=re.MULTILINE
    )
    text = re.sub(
        r"^class .*\n(?:    [a-z_0-9]+: [^=#\n]+\n)+", in_one_line, text, flags=re.MULTILINE
    )
    return re.sub(r"\n(?=# ----|if __name__)", "\n\n", text)


def in_one_line(match: re.Match[str]) -> str:
    """The head of a class and its fields, as many of them in a line as fit."""
    head, *fields = match.group(0).splitlines()
    made = [head]
    for field in fields:
        longer = f"{made[-1]}; {field.strip()}"
        if len(made) > 1 and len(longer) <= WIDTH:
            made[-1] = longer
        else:
            made.append(field)
    return "\n".join(made) + "\n"


def commented(match: re.Match[str]) -> str:
    """A head of a definition with its docstring as a comment, or alone where it does not fit."""
    line = f"{match.group(1)}  # {match.group(2)}"
    return line if len(line) <= WIDTH else match.group(1)


def joined(text: str) -> str:
    """The text with each block of one short line behind its head: `if claim: raise Error`."""
    lines = text.split("\n")
    made: list[str] = []
    at = 0
    while at < len(lines):
        head, body = [*lines, ""][at : at + 2]
        after = next(filter(None, lines[at + 2 :]), "")
        one = f"{head} {body.strip()}"
        if is_short_block(head, body, after) and len(one) <= WIDTH:
            made.append(one)
            at += 1
        else:
            made.append(head)
        at += 1
    return "\n".join(made)


def is_short_block(head: str, body: str, after: str) -> bool:
    """Whether a head of a block is followed by one simple line, and nothing more in the block."""
    begins = head.strip().split(" ")[0].rstrip(":")
    words = "if elif else for while try except finally with def class"
    heads = set(words.split(" "))
    indent = len(head) - len(head.lstrip())
    return (
        head.endswith(":")
        and begins in heads
        and body.strip().split(" ")[0].rstrip(":") not in heads
        and not body.strip().startswith(("@", "#"))
        and not body.rstrip().endswith(("(", "[", "{"))
        and len(body) - len(body.lstrip()) == indent + 4
        and len(after) - len(after.lstrip()) <= indent
    )


def main() -> int:
    """Build the verifier, or compare it; 1 when it differs or is too long."""
    text = build()
    lines = text.count("\n")
    print(f"verify.py: {lines} lines of at most {MAX_LINES}")
    if "--check" in sys.argv:
        return int(lines > MAX_LINES or BUILT.read_text(encoding="utf-8") != text)
    BUILT.write_text(text, encoding="utf-8")
    return int(lines > MAX_LINES)


if __name__ == "__main__":
    sys.exit(main())
