"""Write the look-up pages: rooms and modules, every command's help, all settings and codes.

They land in docs/look-up/generated/, which is not kept in version control: what the reader sees is
what the code says. The map in docs/understand/house.md is kept, and gets the modules of today.
Rooms and modules are read without importing them; commands and settings are imported, so an error
in them stops the documentation.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from svitlo.cli.program import main as program
from svitlo.node.settings import Settings
from svitlo.record import codes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
OUT = ROOT / "docs" / "look-up" / "generated"
HOUSE = ROOT / "docs" / "understand" / "house.md"

ROOMS = (
    "seal",
    "media",
    "matching",
    "grid",
    "record",
    "supply",
    "contact",
    "dossier",
    "repair",
    "store",
    "node",
    "web",
    "cli",
)
"""The rooms from the ground up, as docs/understand/house.md draws them."""

SKIPPED = frozenset({"migrations", "__main__"})
"""Modules without an interface of their own."""

HELP_COLUMNS = 88


def main() -> int:
    """Write all pages anew; the exit status is 0."""
    shutil.rmtree(OUT, ignore_errors=True)
    pages = {
        **room_pages(),
        "commands.md": commands_page(),
        "settings.md": settings_page(),
        "codes.md": codes_page(),
    }
    for name, text in pages.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    HOUSE.write_text(with_modules(HOUSE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(pages)} look-up pages")
    return 0


def room_pages() -> dict[str, str]:
    """One page a room and module, and the list of rooms."""
    svitlo = SOURCE / "svitlo"
    pages = {"rooms/errors.md": module_page(svitlo / "errors.py")}
    rows = []
    for room in ROOMS:
        pages |= package_pages(svitlo / room)
        rows.append(f"| [`{room}`]({room}/index.md) | {first_line(svitlo / room)} |")
    lines = [
        "# Rooms and modules",
        "",
        "From the ground up; [the house](../../../understand/house.md) says who may use whom.",
        "All errors stand in [`svitlo.errors`](errors.md).",
        "",
        "| room | what it is for |",
        "|---|---|",
        *rows,
    ]
    pages["rooms/index.md"] = "\n".join(lines) + "\n"
    return pages


def with_modules(house: str) -> str:
    """The map of the house with the modules that each room has now."""
    return re.sub(
        r"^\| `(\w+)` \| (.*?) \| .* \|$",
        lambda row: f"| `{row[1]}` | {row[2]} | {module_list(SOURCE / 'svitlo' / row[1])} |",
        house,
        flags=re.MULTILINE,
    )


def module_list(package: Path) -> str:
    """The names of the modules in a package, of packages in it with theirs."""
    names = []
    for child in sorted(children(package)):
        within = module_list(child) if child.is_dir() and any(children(child)) else ""
        names.append(f"{child.stem} ({within})" if within else child.stem)
    return ", ".join(names) or "not built yet"


def package_pages(package: Path) -> dict[str, str]:
    """The pages of one package and of what lies in it, by path below the generated folder."""
    folder = "rooms/" + package.relative_to(SOURCE / "svitlo").as_posix()
    pages: dict[str, str] = {}
    rows = []
    for child in sorted(children(package)):
        if child.is_dir():
            pages |= package_pages(child)
            target = f"{child.name}/index.md"
        else:
            pages[f"{folder}/{child.stem}.md"] = module_page(child)
            target = f"{child.stem}.md"
        rows.append(f"| [`{child.stem}`]({target}) | {first_line(child)} |")
    listing = ["", "| module | what it is for |", "|---|---|", *rows] if rows else []
    head = [f"# {dotted(package)}", "", f"::: {dotted(package)}", "    options:"]
    head += ["      members: false"]
    pages[f"{folder}/index.md"] = "\n".join(head + listing) + "\n"
    return pages


def children(package: Path) -> Iterator[Path]:
    """The modules and packages in a package that have a page."""
    for path in package.iterdir():
        if path.stem in SKIPPED or path.name == "__init__.py":
            continue
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield path


def module_page(module: Path) -> str:
    """A page that shows the interface of one module."""
    return f"# {dotted(module)}\n\n::: {dotted(module)}\n"


def dotted(path: Path) -> str:
    """The import name of a module or package."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def first_line(path: Path) -> str:
    """The first line of a module's docstring."""
    file = path / "__init__.py" if path.is_dir() else path
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return said.splitlines()[0].replace("|", "\\|") if said else ""


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command, info_name=path)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            yield from walk(child, f"{path} {name}")


def help_text(command: click.Command, path: str) -> str:
    """What `--help` prints, at a fixed width."""
    context = click.Context(command, info_name=path, terminal_width=HELP_COLUMNS)
    return command.get_help(context)


def commands_page() -> str:
    """Every command's `--help`."""
    lines = ["# Commands", "", "What `--help` says of each. Exit codes have [their own page]"]
    lines[-1] += "(../exit-codes.md)."
    for path, command in walk(program, "svitlo"):
        lines += ["", f"## {path}", "", "```text", help_text(command, path), "```"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """All settings: name, default, unit and one line of help."""
    lines = [
        "# Settings",
        "",
        "They stand in `svitlo.toml` in the node's folder; the environment variable",
        "`SVITLO_<NAME>` goes before the file. An unknown name is an error.",
        "",
        "| setting | default | unit | what it does |",
        "|---|---|---|---|",
        *(setting_row(field) for field in dataclasses.fields(Settings)),
    ]
    return "\n".join(lines) + "\n"


def setting_row(field: dataclasses.Field[object]) -> str:
    """One setting as a row of the table."""
    if field.default is not dataclasses.MISSING:
        default = f"`{field.default}`" if field.default not in {"", ()} else "none"
    elif field.default_factory is not dataclasses.MISSING:
        default = f"`{field.default_factory()!r}`"
    else:
        default = "required"
    return f"| `{field.name}` | {default} | {field.metadata['unit']} | {field.metadata['help']} |"


def codes_page() -> str:
    """The code lists: what each code means, in four languages."""
    lines = ["# Codes", "", "Words that `--purpose`, `--basis` and `--ground` take."]
    for path in sorted((SOURCE / "svitlo" / "record" / "codes").glob("*.json")):
        lines += ["", f"## {path.stem}", ""]
        lines += [
            f"| code | {' | '.join(codes.LANGUAGES)} | law | needs words |",
            "|---" * (len(codes.LANGUAGES) + 3) + "|",
            *(code_row(code) for code in codes.code_list(path.stem).values()),
        ]
    return "\n".join(lines) + "\n"


def code_row(code: codes.Code) -> str:
    """One code as a row of its table."""
    labels = (code.labels[language] for language in codes.LANGUAGES)
    words = "yes" if code.is_text_required else ""
    return f"| `{code.code}` | {' | '.join(labels)} | {code.citation or ''} | {words} |"


if __name__ == "__main__":
    sys.exit(main())
