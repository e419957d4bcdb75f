"""Every command that reads exhibits takes identifiers, or --all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import release
from tests.fakes.shell import sealed, svitlo

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node

READING = ("list", "show", "read", "verify")
NOWHERE = "x-01gk1ap2h0000g40r40m30e209"


@pytest.fixture
def folder(node: Node) -> Path:
    release()
    return node.folder


@pytest.mark.parametrize("verb", READING)
def test_all_or_some_are_answered_as_items(folder: Path, verb: str) -> None:
    ids = sealed(folder, b"one", b"two", b"three")

    every = svitlo(folder, "exhibit", verb, "--all", "--json")
    some = svitlo(folder, "exhibit", verb, ids[1], ids[0], "--json")

    assert (every.code, some.code) == (0, 0)
    assert sorted(item["id"] for item in every.value["items"]) == sorted(ids)
    assert [item["id"] for item in some.value["items"]] == [ids[1], ids[0]]


@pytest.mark.parametrize("verb", READING)
def test_both_at_once_or_what_is_not_there_is_refused(folder: Path, verb: str) -> None:
    ids = sealed(folder, b"one")

    assert svitlo(folder, "exhibit", verb, ids[0], "--all").code == 2
    assert svitlo(folder, "exhibit", verb, NOWHERE).code != 0


def test_a_whole_list_has_no_pages(folder: Path) -> None:
    sealed(folder, b"one", b"two", b"three")

    page = svitlo(folder, "exhibit", "list", "--limit", "2", "--json").value
    whole = svitlo(folder, "exhibit", "list", "--limit", "2", "--all", "--json").value

    assert (len(page["items"]), len(whole["items"])) == (2, 3)
    assert page["next"] is not None
    assert whole["next"] is None
