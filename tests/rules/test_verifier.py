"""The court's verifier is one file of the standard library, and is what its modules say."""

from __future__ import annotations

import ast
import builtins
import dis
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from tests.conftest import lacking
from tests.fakes.pythons import OLD_PYTHON

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "src/svitlo/dossier/verify.py.txt"
ALLOWED = {"os", "pathlib"}
ABSENT = {"socket", "ssl", "http", "urllib", "subprocess", "ctypes", "tempfile", "shutil", "pickle"}


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verifier", ROOT / "tools/verifier.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imports_of(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_the_file_is_what_the_builder_makes_of_the_modules() -> None:
    assert builder().build() == BUILT.read_text(encoding="utf-8"), "run `make verifier`"


def test_it_is_at_most_1500_lines() -> None:
    assert BUILT.read_text(encoding="utf-8").count("\n") <= 1500


def test_it_imports_the_standard_library_only_and_nothing_that_reaches_out() -> None:
    found = imports_of(BUILT.read_text(encoding="utf-8"))

    assert found <= set(sys.stdlib_module_names)
    assert not found & ABSENT


def test_the_absorbed_modules_import_only_each_other_and_the_standard_library() -> None:
    absorbed = {f"svitlo.{name}" for name in builder().MODULES}
    for name in builder().MODULES:
        path = ROOT / "src/svitlo" / f"{name.replace('.', '/')}.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("svitlo"):
                assert node.module in absorbed | {"svitlo.seal.canonical"}, (name, node.module)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                roots = imports_of(ast.unparse(node))
                assert roots <= set(sys.stdlib_module_names), (name, roots)


def globals_of(code: CodeType) -> set[str]:
    """The global names that code reads when it runs; annotations do not run."""
    found = {
        str(step.argval) for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"
    }
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return found.union(*(globals_of(one) for one in inner))


def test_every_name_that_it_uses_is_defined_in_it() -> None:
    spec = importlib.util.spec_from_loader("court_verifier", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    code = compile(BUILT.read_text(encoding="utf-8"), "verify.py", "exec")
    exec(code, module.__dict__)  # noqa: S102 - this is the file under test
    del sys.modules[spec.name]

    undefined = globals_of(code) - set(module.__dict__) - set(dir(builtins)) - {"__file__"}
    assert undefined == set()


def test_python_3_9_runs_it_and_the_modules() -> None:
    if OLD_PYTHON is None:
        lacking("python39", "there is none on this machine")
    helped = subprocess.run(
        [OLD_PYTHON, "-I", str(BUILT), "--help"], capture_output=True, text=True, check=False
    )
    imported = subprocess.run(
        [
            OLD_PYTHON,
            "-c",
            "import sys; sys.path.insert(0, 'src'); import svitlo.dossier.verify",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (helped.returncode, helped.stderr) == (0, "")
    assert (imported.returncode, imported.stderr) == (0, "")
