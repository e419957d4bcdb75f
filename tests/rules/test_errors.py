from __future__ import annotations

import ast
import inspect
import re

from svitlo import errors
from svitlo.cli.errors import CODES, DOES_NOT_VERIFY, WRONG_INPUT, exit_code
from tests.rules.sources import SVITLO, dotted, modules, tree

ENTRY = re.compile(r"^((?:\|   |    )*)(?:\|-- |`-- )?([A-Z]\w+)")
FOREIGN = frozenset({"ValueError", "TypeError", "KeyError", "RuntimeError", "Exception", "OSError"})
PURE = ("seal", "record", "dossier")


def drawn_tree() -> dict[str, str]:
    """The parent of each error in the drawing at the top of errors.py; the root has none."""
    drawing = (errors.__doc__ or "").split("```")[1].strip("\n").splitlines()
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in drawing:
        found = ENTRY.match(line)
        assert found, f"this line of the drawing cannot be read: {line!r}"
        depth = 0 if line[0].isalpha() else len(found[1]) // 4 + 1
        del above[depth:]
        parents[found[2]] = above[-1] if above else ""
        above.append(found[2])
    return parents


def error_classes() -> list[type[errors.SvitloError]]:
    return [
        value
        for _, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, errors.SvitloError)
    ]


def test_the_drawing_shows_every_error_under_its_parent() -> None:
    real = {value.__name__: value.__bases__[0].__name__ for value in error_classes()}
    real["SvitloError"] = ""

    assert drawn_tree() == real


def test_pure_rooms_raise_no_error_but_ours() -> None:
    raised = [
        f"{dotted(path)}:{node.lineno}"
        for room in PURE
        for path in modules(SVITLO / room)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id in FOREIGN
    ]

    assert not raised


def test_every_error_has_an_exit_code_that_says_its_kind() -> None:
    codes = {kind: exit_code(kind.__new__(kind)) for kind in error_classes()}

    assert set(codes.values()) <= set(range(1, 6))
    for kind, code in codes.items():
        assert (code == DOES_NOT_VERIFY) is issubclass(kind, errors.VerificationError), kind
        assert not issubclass(kind, errors.InvalidInput) or code == WRONG_INPUT, kind


def test_no_error_has_the_exit_code_of_the_root_by_chance() -> None:
    kinds = [kind for kind, _ in CODES]

    unplaced = [
        value
        for value in error_classes()
        if next(kind for kind in kinds if issubclass(value, kind)) is errors.SvitloError
    ]

    assert unplaced == [errors.SvitloError]
