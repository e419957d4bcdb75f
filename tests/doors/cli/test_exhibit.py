"""`svitlo exhibit`: what people and programs are told, and with which exit code."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from svitlo.node.opening import Node
from tests.conftest import lacking, release
from tests.fakes.offers import folder_of
from tests.fakes.shell import sealed, svitlo

NOWHERE = "x-01gk1ap2h0000g40r40m30e209"


def run(node: Node, *words: bytes | str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own, with standard input."""
    release()
    command = [sys.executable, "-m", "svitlo", "--node", str(node.folder), *words]
    return subprocess.run(command, input=given, capture_output=True, check=False)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two files, and a link that is refused."""
    folder = folder_of(tmp_path / "photos", {b"a": b"one", b"b": b"three"})
    (folder / "link").symlink_to("a")
    return folder


def test_adding_prints_what_was_sealed_and_where_the_receipt_is(node: Node, photos: Path) -> None:
    answer = svitlo(node.folder, "exhibit", "add", str(photos / "a"))

    assert answer.code == 0
    assert answer.out.startswith("1 of 1 sealed, 0 rejected, 3 B\n")
    receipt = Path(answer.out.split("receipt ")[1].strip())
    assert json.loads(receipt.read_text())["sealed"] == 1


def test_what_was_rejected_is_told_and_gives_another_exit_code(node: Node, photos: Path) -> None:
    answer = svitlo(node.folder, "exhibit", "add", str(photos))

    assert answer.code == 1
    assert "2 of 3 sealed, 1 rejected" in answer.out
    assert f"symlink: {photos}/link (a symbolic link" in answer.out


def test_the_receipt_as_json_has_its_members(node: Node, photos: Path) -> None:
    value = svitlo(node.folder, "exhibit", "add", str(photos), "--json").value

    assert (value["offered"], value["sealed"], value["rejected"]) == (3, 2, 1)
    (rejection,) = value["rejections"]
    assert set(rejection) == {"name", "code", "reason"}
    assert (rejection["name"], rejection["code"]) == (f"{photos}/link", "symlink")
    first, second = value["exhibits"]
    assert set(first) == {"id", "name", "sha256", "blake3", "size_bytes"}
    assert (first["name"], second["size_bytes"]) == (f"{photos}/a", 5)


def test_names_that_are_no_text_come_as_base64(node: Node, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {b"\xff": b"1"})

    done = run(node, "exhibit", "add", "--json", bytes(folder) + b"/\xff")

    (exhibit,) = json.loads(done.stdout)["exhibits"]
    assert base64.b64decode(exhibit["name_b64"]) == bytes(folder) + b"/\xff"
    assert "name" not in exhibit


def test_names_never_reach_the_terminal_as_they_are(node: Node, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {})
    (folder / "\x1b[2J\u202etxt\n").symlink_to("a")

    answer = svitlo(node.folder, "exhibit", "add", str(folder))

    assert "\x1b" not in answer.out
    assert "\u202e" not in answer.out
    assert "\\x1b[2J\\u202etxt\\n" in answer.out


def test_standard_input_is_an_exhibit(node: Node) -> None:
    content = os.urandom(200_000)

    done = run(node, "exhibit", "add", "-", "--json", given=content)

    (exhibit,) = json.loads(done.stdout)["exhibits"]
    assert (exhibit["name"], exhibit["size_bytes"]) == ("-", len(content))
    work = node.folder.parent / "work"
    assert run(node, "exhibit", "copy", exhibit["id"], "-o", str(work)).returncode == 0
    assert (work / exhibit["id"]).read_bytes() == content


def test_a_file_named_like_an_option_is_a_file(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder_of(tmp_path / "in", {b"-rf": b"1"}))

    value = svitlo(node.folder, "exhibit", "add", "--json", "--", "-rf").value

    assert [exhibit["name"] for exhibit in value["exhibits"]] == ["-rf"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add"], 2, "PATHS"),
        (["add", "/etc/hostname", "--purpose", "fun"], 2, "unknown code 'fun' in purposes"),
        (["add", "/etc/hostname", "--basis", "fun"], 2, "unknown code 'fun' in bases"),
        (["add", "/etc/hostname", "--purpose", "other"], 2, "needs a note"),
        (["add", "/etc/hostname", "--person", "p-nobody"], 2, "no key"),
        (["add", "/etc/hostname", "--case", ""], 2, "case"),
        (["list", "--limit", "0"], 2, "--limit"),
        (["list", "--limit", "-5"], 2, "--limit"),
        (["list", "--after", "9223372036854775808"], 2, "--after"),
        (["show", NOWHERE], 2, "no exhibit"),
        (["show", "x-1"], 2, "identifier"),
        (["read"], 2, "--all"),
        (["verify", NOWHERE, "--all"], 2, "--all"),
        (["copy", NOWHERE, "-o", "work"], 2, "no exhibit"),
    ],
)
def test_wrong_input_is_told_on_stderr(node: Node, words: list[str], code: int, said: str) -> None:
    answer = svitlo(node.folder, "exhibit", *words)

    assert answer.code == code
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert not answer.out


def test_lists_answer_items_and_where_to_go_on(node: Node) -> None:
    ids = sealed(node.folder, b"1", b"2", b"3")

    first = svitlo(node.folder, "exhibit", "list", "--json", "--limit", "2").value
    second = svitlo(
        node.folder, "exhibit", "list", "--json", "--limit", "2", "--after", str(first["next"])
    ).value

    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert {"id", "name", "size_bytes", "sha256", "blake3", "case", "intake", "state"} <= set(
        first["items"][0]
    )


def test_a_list_for_people_has_a_line_each(node: Node) -> None:
    ids = sealed(node.folder, b"1", b"2")

    lines = svitlo(node.folder, "exhibit", "list").out.splitlines()

    assert len(lines) == 3
    assert lines[1].startswith(ids[1])


def test_showing_tells_custody_and_proof(node: Node) -> None:
    (ident,) = sealed(node.folder, b"1")

    (item,) = svitlo(node.folder, "exhibit", "show", ident, "--json").value["items"]
    text = svitlo(node.folder, "exhibit", "show", ident).out

    events = [statement["body"].get("event") for statement in item["custody"]]
    assert events[:4] == ["receive", None, "seal", None]
    assert item["proof"]["state"] == "signed"
    assert item["holds"] == []
    assert "receive" in text
    assert "integrity and time, not truth" in text


def test_reading_says_what_a_file_is(node: Node) -> None:
    (ident,) = sealed(node.folder, b"%PDF-1.7\n")

    answer = svitlo(node.folder, "exhibit", "read", "--all", "--json")

    assert answer.code == 0
    (item,) = answer.value["items"]
    assert item["id"] == ident
    assert item["kind"]


METHODS = pytest.mark.parametrize("keyless", [[], ["--keyless"]])


@METHODS
def test_verifying_says_integrity_and_time_not_truth(node: Node, keyless: list[str]) -> None:
    sealed(node.folder, b"1", b"2")

    answer = svitlo(node.folder, "exhibit", "verify", "--all", *keyless)

    assert answer.code == 0
    assert "2 of 2 intact" in answer.out
    assert "integrity and time, not truth" in answer.out


@METHODS
def test_damage_has_an_exit_code_of_its_own(node: Node, keyless: list[str]) -> None:
    ids = sealed(node.folder, b"1", b"2")
    (body,) = (node.folder / "objects").glob("*/*")
    body.chmod(0o600)
    body.write_bytes(body.read_bytes()[:-1] + b"!")

    text = svitlo(node.folder, "exhibit", "verify", "--all", *keyless)
    answer = svitlo(node.folder, "exhibit", "verify", ids[0], "--json", *keyless)

    assert text.code == answer.code == 3
    assert "FAILED" in text.out
    value: dict[str, Any] = answer.value
    assert (value["checked"], value["failed"]) == (1, 1)
    assert value["items"][0]["intact"] is False
    assert value["items"][0]["fault"]


def test_what_is_due_is_checked_once(node: Node) -> None:
    sealed(node.folder, b"1", b"2")

    first = svitlo(node.folder, "exhibit", "verify", "--due", "--json").value
    second = svitlo(node.folder, "exhibit", "verify", "--due", "--json").value

    assert (first["checked"], second["checked"]) == (2, 0)
    assert first["method"] == "sealed"


def test_a_busy_intake_has_an_exit_code_of_its_own(
    node: Node, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.errors import Busy
    from svitlo.node.journeys import intake

    def busy(*_: object, **__: object) -> None:
        raise Busy("another process is taking in the same paths")

    monkeypatch.setattr(intake, "take_in", busy)

    answer = svitlo(node.folder, "exhibit", "add", str(photos))

    assert answer.code == 5
    assert "another process" in answer.err


def test_two_processes_take_in_at_once(node: Node, tmp_path: Path) -> None:
    folders = [
        folder_of(tmp_path / name, {b"%d" % n: os.urandom(50) for n in range(300)})
        for name in ("one", "two")
    ]
    release()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "svitlo", "--node", node.folder, "exhibit", "add", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for folder in folders
    ]

    answers = [process.communicate() for process in running]

    for process, (out, err) in zip(running, answers, strict=True):
        assert process.returncode == 0, err
        assert out.startswith(b"300 of 300 sealed, 0 rejected")
    verified = svitlo(node.folder, "exhibit", "verify", "--all", "--json").value
    assert (verified["checked"], verified["failed"]) == (600, 0)
    assert svitlo(node.folder, "log", "verify").code == 0


def test_without_a_node_the_way_to_name_one_is_told(tmp_path: Path) -> None:
    answer = svitlo(tmp_path, "exhibit", "list")

    assert answer.code == 2
    assert "svitlo init" in answer.err


def in_namespace(script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The shell script with mounts of its own; `$1`, `$2` are the words, `$0` is Python."""
    probe = ["unshare", "-Urm", "true"]
    try:
        subprocess.run(probe, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        lacking("namespaces", str(error))
    release()
    command = ["unshare", "-Urm", "sh", "-ec", script, sys.executable, *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_read_only_node_is_told_in_words(node: Node, photos: Path) -> None:
    script = """
    mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"
    exec "$0" -m svitlo --node "$1" exhibit add "$2"
    """

    done = in_namespace(script, node.folder, photos)

    assert done.returncode == 1
    assert "svitlo: " in done.stderr
    assert "Traceback" not in done.stderr


def test_on_a_full_disk_the_rest_is_sealed(node: Node, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"a", b"film": os.urandom(20 << 20), b"z": b"z"})
    script = """
    mount -t tmpfs -o size=12m tmpfs "$3"; cp -r "$1" "$3/node"
    exec "$0" -m svitlo --node "$3/node" exhibit add "$2" --json
    """
    (tmp_path / "disk").mkdir()

    done = in_namespace(script, node.folder, folder, tmp_path / "disk")

    assert done.returncode == 1, done.stderr
    value = json.loads(done.stdout)
    assert [exhibit["name"][-1] for exhibit in value["exhibits"]] == ["a", "z"]
    (rejection,) = value["rejections"]
    assert (rejection["code"], rejection["reason"]) == ("store_failed", "No space left on device")


def test_an_intake_that_a_full_disk_stopped_goes_on_when_there_is_room(
    node: Node, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"f%03d" % n: b"%d" % n * 50 for n in range(600)})
    script = """
    mount -t tmpfs -o size=64m tmpfs "$3"; cp -r "$1" "$3/node"
    head -c 80m /dev/zero > "$3/filler" 2>/dev/null || true
    truncate -s -300k "$3/filler"
    "$0" -m svitlo --node "$3/node" exhibit add "$2" >&2 && exit 9 || test $? = 1
    rm "$3/filler"
    exec "$0" -m svitlo --node "$3/node" exhibit add "$2" --json
    """
    (tmp_path / "disk").mkdir()

    done = in_namespace(script, node.folder, folder, tmp_path / "disk")

    assert "Traceback" not in done.stderr, done.stderr
    value = json.loads(done.stdout)
    assert value["offered"] == 600 == value["sealed"] + value["rejected"]
