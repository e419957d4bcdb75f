from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import Rejected
from svitlo.node.source import opened_large, read_small

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 1 << 20


def small(path: Path, limit: int = LIMIT) -> tuple[bytes, int] | None:
    return read_small(os.fsencode(path), limit)


def large(path: Path, meanwhile: Callable[[], object] = lambda: None) -> tuple[bytes, int, bool]:
    """What the reader of large files gives, and whether it finds the file unchanged."""
    with opened_large(os.fsencode(path)) as (read_into, mtime_ns, is_unchanged):
        room, taken = bytearray(4096), bytearray()
        taken += room[: read_into(memoryview(room))]
        meanwhile()
        while got := read_into(memoryview(room)):
            taken += room[:got]
        return bytes(taken), mtime_ns, is_unchanged(len(taken))


def code(read: Callable[[], object]) -> str:
    with pytest.raises(Rejected) as refused:
        read()
    assert refused.value.reason
    return refused.value.code


def at_each_look(monkeypatch: pytest.MonkeyPatch, do: Callable[[int], object]) -> None:
    """Before each look at an open file, the number of the look is given to `do`."""
    truly, looks = os.fstat, iter(range(1000))

    def look(opened: int) -> os.stat_result:
        do(next(looks))
        return truly(opened)

    monkeypatch.setattr(os, "fstat", look)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"words" * 2000)
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    return path


def test_a_small_file_is_read_whole_with_its_time(file: Path) -> None:
    assert small(file) == (b"words" * 2000, 1_700_000_000_123_456_789)
    assert small(file, 10_000) is not None


def test_a_large_file_is_read_whole_with_its_time(file: Path) -> None:
    assert large(file) == (b"words" * 2000, 1_700_000_000_123_456_789, True)


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    found = small(tmp_path / "empty")

    assert found is not None
    assert found[0] == b""
    assert large(tmp_path / "empty")[::2] == (b"", True)


def test_a_file_beyond_the_limit_is_left_to_the_other_reader(file: Path) -> None:
    assert small(file, 9_999) is None


@pytest.mark.parametrize("read", [small, large])
def test_what_was_replaced_since_the_census_is_named(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")

    found = {
        name: code(lambda name=name: read(tmp_path / name))  # type: ignore[misc]  # bound now
        for name in ("link", "loop", "pipe", "gone", "file/below")
    }

    assert found == {
        "link": "symlink",
        "loop": "symlink",
        "pipe": "not_regular",
        "gone": "vanished",
        "file/below": "vanished",
    }


@pytest.mark.parametrize(
    "read",
    [
        small,
        large,
    ],
)
def test_a_file_that_became_a_folder_is_not_regular(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    assert code(lambda: read(tmp_path)) == "not_regular"


@pytest.mark.parametrize("read", [small, large])
def test_a_pipe_with_a_writer_does_not_hold_the_intake_up(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    opened = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(opened, b"words")

    assert code(lambda: read(tmp_path / "pipe")) == "not_regular"

    os.close(opened)


@pytest.mark.parametrize("read", [small, large])
def test_a_device_is_not_read(read: Callable[[Path], object]) -> None:
    assert code(lambda: read(Path("/dev/zero"))) == "not_regular"


@pytest.mark.parametrize("read", [small, large])
def test_a_file_that_may_not_be_read_is_unreadable(
    file: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    assert code(lambda: read(file)) == "unreadable"


def test_a_disk_that_fails_while_reading_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", fail)

    with pytest.raises(Rejected, match="Input/output error") as refused:
        small(file)
    assert refused.value.code == "unreadable"


def test_a_small_file_that_grows_at_every_look_is_rejected(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow(_: int) -> None:
        with file.open("ab") as more:
            more.write(b"more")

    at_each_look(monkeypatch, grow)

    assert code(lambda: small(file)) == "changed_while_reading"


def test_a_small_file_that_changed_once_is_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_each_look(monkeypatch, lambda look: look == 1 and file.write_bytes(b"new"))

    found = small(file)

    assert found is not None
    assert found[0] == b"new"


def test_a_change_that_keeps_size_and_time_is_found(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap(_: int) -> None:
        file.write_bytes(b"sword" * 2000)
        os.utime(file, ns=(1, 1_700_000_000_123_456_789))

    at_each_look(monkeypatch, swap)

    assert code(lambda: small(file)) == "changed_while_reading"


def test_a_small_file_that_is_replaced_after_a_change_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(look: int) -> None:
        if look == 1:
            file.write_bytes(b"new")
            file.unlink()
            file.symlink_to("/etc/hostname")

    at_each_look(monkeypatch, replace)

    assert code(lambda: small(file)) == "symlink"


def test_a_small_file_that_vanishes_once_open_is_read_as_it_was(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_each_look(monkeypatch, lambda look: file.unlink() if look == 0 else None)

    found = small(file)

    assert found is not None
    assert found[0] == b"words" * 2000


@pytest.mark.parametrize("change", [b"words" * 3000, b"sword" * 2000, b"w"])
def test_a_large_file_that_changes_while_it_is_read_is_found(file: Path, change: bytes) -> None:
    content, _, is_unchanged = large(file, lambda: file.write_bytes(change))

    assert not is_unchanged
    assert content != b"words" * 2000 or len(change) != len(content)


def test_a_large_file_that_is_touched_while_it_is_read_is_found(file: Path) -> None:
    assert not large(file, file.touch)[2]


def test_a_large_file_that_grows_under_a_writer_is_found(file: Path) -> None:
    has_begun, is_done = threading.Event(), threading.Event()

    def grow() -> None:
        with file.open("ab") as more:
            while not is_done.is_set():
                more.write(b"more")
                more.flush()
                has_begun.set()

    writer = threading.Thread(target=grow)
    with opened_large(os.fsencode(file)) as (read_into, _, is_unchanged):
        writer.start()
        assert has_begun.wait(30)
        taken, room = 0, memoryview(bytearray(4096))
        while taken < 10_001:
            taken += read_into(room)
        is_done.set()
        writer.join()
        assert not is_unchanged(taken)


def test_fewer_bytes_than_the_file_holds_are_found(file: Path) -> None:
    with opened_large(os.fsencode(file)) as (_, _, is_unchanged):
        assert is_unchanged(10_000)
        assert not is_unchanged(9_999)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_open_file_is_closed_whatever_happens(file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = open_files()

    small(file)
    small(file, 1)
    large(file)
    code(lambda: small(tmp_path / "pipe"))
    code(lambda: large(tmp_path / "pipe"))

    assert open_files() == before
