from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.rules.sources import ROOT, SVITLO, dotted, modules, public_names, tree

if TYPE_CHECKING:
    from pathlib import Path

MODULE_LINES = 400
SURFACE_NAMES = 12
EMPTY_WORDS = frozenset(
    "util utils helper helpers common core base manager handler".split()  # noqa: SIM905  # prose
    + "data info process misc service services".split()  # noqa: SIM905  # prose
)
"""Words that say nothing of the field (style, rule 1)."""

EMPTY_VERBS = ("get_", "set_", "do_", "handle_")


def words(name: str) -> set[str]:
    """The words of a CamelCase or snake_case name, lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def written_modules() -> list[Path]:
    folders = ("src", "tests", "tools", "bench")
    return [path for folder in folders for path in modules(ROOT / folder)]


def test_no_module_is_longer_than_the_limit() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in written_modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    }

    assert not long


def test_no_module_or_package_has_an_empty_name() -> None:
    named = {dotted(path): path.relative_to(SVITLO).with_suffix("").parts for path in modules()}

    assert not [name for name, parts in named.items() if words(" ".join(parts)) & EMPTY_WORDS]


def test_no_class_has_an_empty_name() -> None:
    classes = [
        f"{dotted(path)}.{node.name}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    ]

    assert not [name for name in classes if words(name.rsplit(".", 1)[1]) & EMPTY_WORDS]


def test_no_function_starts_with_an_empty_verb() -> None:
    functions = [f"{dotted(path)}.{name}" for path in modules() for name in public_names(path)]

    assert not [name for name in functions if name.rsplit(".", 1)[1].startswith(EMPTY_VERBS)]


def test_no_public_name_hides_a_module_beside_it() -> None:
    hidden = [
        f"{dotted(path)}.{name}"
        for path in modules()
        for name in public_names(path)
        if (path.parent / f"{name}.py").exists() or (path.parent / name).is_dir()
    ]

    assert not hidden


def test_the_surface_of_a_room_is_small() -> None:
    wide = {}
    for path in SVITLO.glob("*/__init__.py"):
        for node in tree(path).body:
            is_surface = isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
            )
            if is_surface and len(ast.literal_eval(node.value)) > SURFACE_NAMES:  # type: ignore[attr-defined]  # an Assign
                wide[dotted(path)] = ast.unparse(node)

    assert not wide


@pytest.mark.parametrize("room", ["store", "media"])
def test_store_and_media_re_export_nothing(room: str) -> None:
    (only,) = tree(SVITLO / room / "__init__.py").body

    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)
