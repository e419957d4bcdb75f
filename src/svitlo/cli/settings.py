"""`svitlo settings`: what is set, and where it came from."""

import os
import tomllib
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from svitlo.cli.acting import as_json
from svitlo.cli.output import print_json, print_table, shown
from svitlo.cli.program import Door, pass_door


@click.command("settings")
@as_json
@pass_door
def setting_list(door: Door, *, is_json: bool) -> None:
    """Print every setting: value in force, where it came from, unit, and what it is.

    Example: svitlo --node my-node settings --json
    """
    from svitlo.errors import NotFound
    from svitlo.node.settings import FILE_NAME, Settings, load_settings

    if door.folder is not None and not (door.folder / FILE_NAME).is_file():
        raise NotFound(f"there is no node in {door.folder}: make one with `svitlo init`")
    in_force = load_settings(door.folder)
    said = _sources(door.folder)
    items = [
        {
            "name": item.name,
            "value": _plain(getattr(in_force, item.name)),
            "default": _plain(item.default),
            "source": said.get(item.name, "default"),
            "unit": item.metadata["unit"],
            "help": item.metadata["help"],
        }
        for item in fields(Settings)
    ]
    if is_json:
        print_json({"items": items})
        return
    print_table(
        ("setting", "value", "unit", "from", "what it is"),
        [(i["name"], _text(i["value"]), i["unit"], i["source"], i["help"]) for i in items],
    )


def _sources(folder: Path | None) -> dict[str, str]:
    """For each setting that is not the default, whether the file or the environment says so."""
    from svitlo.node.settings import FILE_NAME, NOT_FIELDS

    said: dict[str, str] = {}
    if folder is not None and (folder / FILE_NAME).is_file():
        text = (folder / FILE_NAME).read_text(encoding="utf-8")
        said = dict.fromkeys(tomllib.loads(text), "file")
    for name in os.environ:
        if name.startswith("SVITLO_") and name not in NOT_FIELDS:
            said[name.removeprefix("SVITLO_").lower()] = "environment"
    return said


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a setting holds
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a setting holds
    if isinstance(value, list):
        return ", ".join(str(item.get("name") or item.get("vkey", ""))[:40] for item in value)
    return shown(str(value).encode())
