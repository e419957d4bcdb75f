from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from svitlo.node.census import STDIN, UNKNOWN_SIZE, Offered, Walk, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = [
    b"cafe\xcc\x81",  # NFD
    b"caf\xc3\xa9",  # NFC
    b"\xff\xfe\x80",  # no UTF-8
    b"line\nbreak\r",
    "\u202egpj.exe".encode(),
    b"x" * 255,
    b"-rf",
    b"--",
    b" ",
    b"...",
    b"\x1b[31m",
    b"a\\b",
]


def walked(*paths: Path) -> list[Offered]:
    return list(Walk([os.fsencode(path) for path in paths]).offered())


def names(found: list[Offered]) -> list[bytes]:
    return [os.path.basename(offered.path) for offered in found]  # noqa: PTH119 - names are bytes


@pytest.fixture
def unprivileged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, the current folder is `tmp_path` and the process is not root, to whom all is open."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    (tmp_path / "open").touch()
    (tmp_path / "closed").mkdir(mode=0)
    return tmp_path / "closed"


def test_every_file_is_offered_with_its_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"words")
    (tmp_path / "empty").touch()
    os.utime(tmp_path / "a", ns=(1, 1_700_000_000_123_456_789))

    first, second = walked(tmp_path)

    assert first == Offered(os.fsencode(tmp_path / "a"), 5, 1_700_000_000_123_456_789)
    assert (second.size, second.code) == (0, "")


def test_names_are_kept_byte_for_byte(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).write_bytes(name)

    found = walked(tmp_path)

    assert names(found) == sorted(NAMES)
    assert {offered.code for offered in found} == {""}
    for offered in found:
        assert Path(os.fsdecode(offered.path)).read_bytes() == names([offered])[0]


def test_the_order_is_that_of_the_bytes_each_time(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/z/deep", "a/y", "c", "B"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = walked(tmp_path)

    assert names(found) == [b"B", b"c", b"y", b"deep", b"1", b"2"]
    assert found == walked(tmp_path)


def test_links_are_listed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "loop").symlink_to(inside)
    (inside / "way").symlink_to(outside)
    (inside / "file").symlink_to(outside / "secret")
    (inside / "nowhere").symlink_to("nowhere")

    found = walked(inside)

    assert names(found) == [b"file", b"loop", b"nowhere", b"way"]
    assert {offered.code for offered in found} == {"symlink"}
    assert all(offered.reason for offered in found)


def test_a_link_that_is_offered_itself_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").touch()
    (tmp_path / "link").symlink_to(tmp_path / "folder")

    (found,) = walked(tmp_path / "link")

    assert found.code == "symlink"


def test_what_is_no_file_is_listed_with_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")

        found = [*walked(tmp_path), *walked(Path("/dev/null"))]

    assert {offered.code for offered in found} == {"not_regular"}
    assert [offered.reason.split(",")[0] for offered in found] == [
        "a named pipe",
        "a socket",
        "a device",
    ]


def test_a_folder_that_cannot_be_read_is_listed(closed: Path, unprivileged: None) -> None:
    found = walked(Path())

    assert [offered.code for offered in found] == ["", "unreadable_folder"]
    assert found[1].reason == "Permission denied"


def test_a_path_that_is_not_there_is_listed_as_vanished(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    found = walked(tmp_path / "nowhere", tmp_path / "file" / "below", tmp_path / "file")

    assert [offered.code for offered in found] == ["vanished", "vanished", ""]


def test_a_name_too_long_for_the_system_is_unreadable(tmp_path: Path) -> None:
    (found,) = walked(tmp_path / ("x" * 256))

    assert found.code == "unreadable"


def test_a_file_that_vanishes_while_its_folder_is_walked_is_listed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    walk = Walk([os.fsencode(tmp_path)]).offered()

    first = next(walk)
    (tmp_path / "b").unlink()
    second, third = walk

    assert (first.code, second.code, third.code) == ("", "vanished", "")
    assert second.path == os.fsencode(tmp_path / "b")


def test_a_folder_that_vanishes_while_it_is_walked_is_listed(tmp_path: Path) -> None:
    (tmp_path / "z").mkdir()
    (tmp_path / "a").touch()
    walk = Walk([os.fsencode(tmp_path)]).offered()
    next(walk)
    (tmp_path / "z").rmdir()

    (rest,) = walk

    assert (names([rest]), rest.code) == ([b"z"], "unreadable_folder")


def test_deep_folders_are_walked_without_recursion(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(800):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT, dir_fd=at))
    os.close(at)

    (found,) = walked(tmp_path)

    assert names([found]) == [b"file"]


def test_a_folder_deeper_than_paths_can_name_is_listed_not_lost(tmp_path: Path) -> None:
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=at)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)

    (found,) = walked(tmp_path)

    assert found.code == "unreadable_folder"


def test_the_same_path_offered_twice_is_listed_twice(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    assert names(walked(tmp_path / "a", tmp_path)) == [b"a", b"a"]


def test_an_empty_folder_offers_nothing(tmp_path: Path) -> None:
    assert walked(tmp_path) == []


def test_standard_input_is_offered_without_a_size() -> None:
    assert list(Walk([STDIN]).offered()) == [Offered(b"-", UNKNOWN_SIZE, 0)]


def test_a_refusal_without_words_still_has_a_reason() -> None:
    assert refused(b"a", "unreadable", OSError()).reason == "it cannot be read"
