from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from svitlo.node.settings import Settings
from tests.fakes.shell import svitlo

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


def items(folder: Path, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    answer = svitlo(folder, "settings", "--json", env=env)
    assert answer.code == 0
    return {item["name"]: item for item in answer.value["items"]}


def test_every_setting_is_printed_with_its_unit_and_help(node: Node) -> None:
    found = items(node.folder)

    assert list(found) == [field.name for field in dataclasses.fields(Settings)]
    assert all(item["help"] for item in found.values())
    assert found["disposal_days"]["unit"] == "days"


def test_each_value_says_where_it_came_from(node: Node) -> None:
    found = items(node.folder, env={"SVITLO_DISPOSAL_DAYS": "3"})

    assert (found["name"]["value"], found["name"]["source"]) == ("Contact point A", "file")
    assert (found["disposal_days"]["value"], found["disposal_days"]["source"]) == (3, "environment")
    assert (found["fixity_days"]["value"], found["fixity_days"]["source"]) == (90, "default")


def test_the_environment_stands_above_the_file(node: Node) -> None:
    found = items(node.folder, env={"SVITLO_NAME": "Other"})

    assert (found["name"]["value"], found["name"]["source"]) == ("Other", "environment")


def test_tables_of_settings_are_printed_too(node: Node) -> None:
    with (node.folder / "svitlo.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[authorities]]\nname = "A"\nurl = "http://a.example"\nroots = "a.pem"\n')

    found = items(node.folder)
    table = svitlo(node.folder, "settings")

    assert found["authorities"]["value"] == [
        {"name": "A", "url": "http://a.example", "roots": "a.pem", "policy": ""}
    ]
    assert "Time stamp authorities" in table.out


def test_wrong_settings_and_a_missing_node_are_wrong_input(node: Node, tmp_path: Path) -> None:
    assert svitlo(tmp_path / "nowhere", "settings").code == 2
    assert svitlo(node.folder, "settings", env={"SVITLO_DISPOSAL_DAYS": "soon"}).code == 2
    assert svitlo(node.folder, "settings", env={"SVITLO_DISPOSAL": "1"}).code == 2
