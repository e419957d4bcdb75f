"""Who offers files chooses names, kinds and places; who starts commands chooses the environment."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import InvalidInput
from tests.conftest import release

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node

NAMES = (
    b"esc\x1b[2J\x1b]0;title\x07",
    b"new\nline: 99 of 99 sealed",
    b"carriage\rreturn",
    "rtl\u202egpj.exe".encode(),
    b"\xff\xfe not utf-8",
    b"-rf",
    b"--json",
    b"quote\"'`$(id)",
    b"%s%n{0}",
    b"c1\xc2\x9b2J",
)


def svitlo(folder: Path, *words: str | bytes, **environment: str) -> tuple[int, bytes]:
    """Exit code and both outputs of a command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SVITLO_")}
    done = subprocess.run(
        [sys.executable, "-m", "svitlo", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=kept | environment,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture
def hostile(node: Node) -> Path:
    """A folder beside the node, in which one hostile name is sealed after another."""
    release()
    folder = node.folder.parent
    (folder / "in").mkdir()
    for name in NAMES:
        (folder / "in" / os.fsdecode(name)).write_bytes(name)
    return folder


def test_no_name_steers_the_terminal_or_breaks_the_json(hostile: Path) -> None:
    os.mkfifo(hostile / "in" / "\x1b[31mpipe")
    node = ("--node", "node")
    out = [svitlo(hostile, *node, "exhibit", "add", "in")]
    code, text = svitlo(hostile, *node, "exhibit", "list", "--json")
    items = json.loads(text)["items"]
    out += [(code, text), svitlo(hostile, *node, "exhibit", "list")]
    for item in items:
        out.append(svitlo(hostile, *node, "exhibit", "show", item["id"]))
        code, text = svitlo(hostile, *node, "exhibit", "show", item["id"], "--json")
        json.loads(text)
        out.append((code, text))

    assert len(items) == len(NAMES)
    assert [code for code, _ in out[1:]] == [0] * (len(out) - 1)
    for _, text in out:
        shown = text.decode()
        assert all(letter.isprintable() or letter == "\n" for letter in shown), shown
        assert "\u202e" not in shown


def test_a_name_that_looks_like_an_option_is_a_name(hostile: Path) -> None:
    code, text = svitlo(
        hostile / "in", "--node", "../node", "exhibit", "add", "--json", "--", "-rf", "--json"
    )

    assert code == 0
    assert {item["name"] for item in json.loads(text)["exhibits"]} == {"-rf", "--json"}


@pytest.mark.parametrize("inside", [".", "keys", "keys/vault-1", "svitlo.db", "../node/keys"])
def test_a_node_does_not_seal_its_own_keys(node: Node, actor: Actor, inside: str) -> None:
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.store.models import Exhibit

    place = node.folder / inside
    link = node.folder.parent / "link"
    link.symlink_to(place)
    for path in (place, link):
        with pytest.raises(InvalidInput, match="keys"):
            take_in(node, actor, Offer(paths=(bytes(path),)))
    assert not Exhibit.objects.exists()


def test_what_is_no_file_is_named_and_never_opened(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    folder = node.folder.parent / "odd"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    (folder / "keys").symlink_to(node.folder / "keys")
    with socket.socket(socket.AF_UNIX) as door:
        home = os.open(".", os.O_RDONLY)
        os.chdir(folder)  # the path of a socket is short
        door.bind("socket")
        os.fchdir(home)
        os.close(home)

        receipt = take_in(node, actor, Offer(paths=(bytes(folder), b"/dev/zero")))

    assert receipt.value["sealed"] == 0
    assert receipt.value["offered"] == 5


@pytest.mark.parametrize("name", ['x"\ny = 1', "a\nb", "\x1b[2J", "\u202egpj", " "])
def test_no_name_of_an_office_writes_its_own_settings(tmp_path: Path, name: str) -> None:
    code, _ = svitlo(tmp_path, "init", "n", "--state", "DE", "--name", name)

    assert code == 2
    assert not (tmp_path / "n").exists()


def test_quotes_in_a_name_stay_in_the_name(tmp_path: Path) -> None:
    name = 'A"] \\u0022 # [evil] \\'

    code, _ = svitlo(
        tmp_path, "init", "n", "--state", "DE", "--name", name, "--origin", "a.example"
    )

    assert code == 0
    assert tomllib.loads((tmp_path / "n/svitlo.toml").read_text(encoding="utf-8"))["name"] == name


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SVITLO_ORIGIN", "evil.example"), ("SVITLO_QUORUM", "-1"), ("SVITLO_EVIL", "1")],
)
def test_the_environment_gives_a_node_no_other_identity(
    hostile: Path, variable: str, value: str
) -> None:
    before = sorted((hostile / "node/heads").iterdir())

    code, _ = svitlo(hostile, "--node", "node", "exhibit", "add", "in", **{variable: value})

    assert code not in {0, 1}
    assert sorted((hostile / "node/heads").iterdir()) == before
