"""How commands speak: results on stdout, words on stderr, JSON where it is asked for."""

import base64
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click


def print_json(value: object) -> None:
    """The value on stdout, indented for people, stable for programs."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)
    click.echo("".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text))


def _escape(letter: str) -> str:
    """A letter that no terminal should get, as JSON also writes it."""
    return json.dumps(letter)[1:-1]


def say(text: str) -> None:
    """Words on stderr."""
    click.echo(text, err=True)


def shown(name: bytes) -> str:
    """A name as a terminal may show it: nothing in it can move the cursor or turn the text."""
    return _printable(name.decode("utf-8", "backslashreplace"))


def named(name: bytes) -> dict[str, str]:
    """A name as JSON holds it: `name`, or `name_b64` when it is not UTF-8."""
    try:
        return {"name": name.decode()}
    except UnicodeDecodeError:
        return {"name_b64": base64.b64encode(name).decode()}


def print_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout: plain columns, wide as their widest cell."""
    cells = [list(map(str, titles)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    for row in cells:
        click.echo(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def print_fields(value: Mapping[str, Any], indent: int = 0) -> None:
    """Names and values on stdout, a line each; what they hold themselves is indented below them."""
    pad = " " * indent
    width = max((len(name) for name, member in value.items() if not _is_deep(member)), default=0)
    for name, member in value.items():
        if not _is_deep(member):
            click.echo(f"{pad}{_printable(name).ljust(width)}  {_flat(member)}".rstrip())
            continue
        click.echo(f"{pad}{_printable(name)}")
        for part in [member] if isinstance(member, Mapping) else member:
            if isinstance(part, Mapping):
                print_fields(part, indent + 2)
            else:
                click.echo(f"{pad}  {_flat(part)}")


def _is_deep(member: object) -> bool:
    if isinstance(member, list | tuple):
        return any(isinstance(part, Mapping | list | tuple) for part in member)
    return isinstance(member, Mapping) and bool(member)


def _flat(member: object) -> str:
    """A value on one line: nothing in it can move the cursor or turn the text."""
    if isinstance(member, list | tuple):
        return ", ".join(map(_flat, member))
    return "none" if member == {} else _printable(str(member))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def size_text(size: float) -> str:
    """A number of bytes as people read it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - IEC 80000-13
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def progress_bar(what: str) -> Callable[[int, int, int], None]:
    """A bar on stderr with rate and time left, for long work; silent where nobody watches.

    The function that comes back is told the items done, the bytes done and the items there are.
    """
    bar = byte_bar(what)
    if bar is None:
        return lambda *_: None
    return lambda done, size, whole: bar(done, size, whole, 0)


def byte_bar(what: str) -> Callable[[int, int, int, int], None] | None:
    """A bar that moves by bytes where their number is known; None where nobody watches.

    The function that comes back is told the items done, the bytes done, the items there are, and
    the bytes there are, 0 for not known: then the bar moves by items.
    """
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    began = time.monotonic()
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
    )
    task = bar.add_task(what, total=None, count="")
    bar.start()

    def show(done: int, size: int, whole: int, whole_size: int) -> None:
        rate = size_text(size / max(time.monotonic() - began, 1e-6))
        of = f" of {size_text(whole_size)}" if whole_size else ""
        step, steps = (size, whole_size) if whole_size else (done, whole)
        bar.update(
            task,
            completed=steps if done >= whole else step,
            total=steps,
            count=f"{done}/{whole}  {size_text(size)}{of}  {rate}/s",
        )
        if done >= whole:
            bar.stop()

    return show
