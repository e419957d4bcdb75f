"""Members of archives, read without unpacking."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, BinaryIO

import pytest

from svitlo.node import archives
from svitlo.node.archives import ArchiveReader, with_members
from svitlo.node.census import Offered
from svitlo.node.containers import open_container
from tests.fakes.archives import (
    METHODS,
    MODES,
    all_contents,
    content_of,
    make_tar,
    make_zip,
    members_of,
    noise,
    sparse_pax,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("method", METHODS)
def test_members_of_a_zip_come_out_as_they_went_in(tmp_path: Path, method: int) -> None:
    contents = [b"", b"a", noise(100_000), b"words " * 300]
    path = write(tmp_path, make_zip([(f"f/{n}", c) for n, c in enumerate(contents)], method))

    members = members_of(path)

    assert [member.path for member in members] == [b"%b!/f/%d" % (path, n) for n in range(4)]
    assert [member.size for member in members] == [len(content) for content in contents]
    assert [member.place for member in members] == [0, 1, 2, 3]
    assert all_contents(path) == all_contents(path, step=7 << 10) == contents


@pytest.mark.parametrize("mode", MODES)
def test_members_of_a_tar_come_out_as_they_went_in(tmp_path: Path, mode: str) -> None:
    contents = [b"", b"a", noise(512), noise(100_000), b"words " * 300]
    path = write(tmp_path, make_tar([(f"f/{n}", c) for n, c in enumerate(contents)], mode))

    members = members_of(path)

    assert [member.path for member in members] == [b"%b!/f/%d" % (path, n) for n in range(5)]
    assert {member.mtime_ns for member in members} == {1_700_000_000 * 10**9}
    assert all_contents(path) == all_contents(path, step=700) == contents


@pytest.mark.parametrize("made", [make_zip([("a", b"1"), ("b", b"2")]), make_tar([("a", b"1")])])
def test_an_archive_is_known_by_its_bytes(tmp_path: Path, made: bytes) -> None:
    assert members_of(write(tmp_path, made, "photo.jpg"))


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"PK",
        b"\0" * 2048,
        b"words" * 400,
        gzip.compress(b"no tar " * 200),
        bz2.compress(b"no tar " * 200),
        lzma.compress(b"no tar " * 200),
        b"\x1f\x8b broken",
        b"BZh9 broken",
        b"\xfd7zXZ\x00 broken",
    ],
)
def test_what_is_no_archive_has_no_members(tmp_path: Path, other: bytes) -> None:
    assert members_of(write(tmp_path, other, "looks.zip")) == []


def test_what_cannot_be_sealed_is_not_opened(tmp_path: Path) -> None:
    path = write(tmp_path, make_zip([("a", b"1")]))
    refused = Offered(path, 0, 0, "unreadable", "it cannot be read")
    stream = Offered(b"-", -1, 0)

    assert list(with_members(iter([refused, stream]))) == [refused, stream]


def test_an_archive_that_is_gone_has_no_members(tmp_path: Path) -> None:
    gone = Offered(os.fsencode(tmp_path / "gone"), 3, 0)

    assert list(with_members(iter([gone]))) == [gone]


def test_a_zip_behind_other_bytes_in_its_file_is_read_where_it_is(tmp_path: Path) -> None:
    made = make_zip([("lead", b"x" * 50)], zipfile.ZIP_STORED) + make_zip([("a", b"1")])
    path = write(tmp_path, made)

    assert [member.path for member in members_of(path)] == [path + b"!/a"]
    assert all_contents(path) == [b"1"]


def test_a_zip64_is_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made, made.open("a", "w", force_zip64=True) as member:
        member.write(b"wide")

    assert all_contents(write(tmp_path, out.getvalue())) == [b"wide"]


def test_members_can_be_read_in_any_order_and_again(tmp_path: Path) -> None:
    contents = [noise(3000) for _ in range(6)]
    offered = [(f"{n}", content) for n, content in enumerate(contents)]
    tar = write(tmp_path, make_tar(offered, "w:gz"), "t")
    zipped = write(tmp_path, make_zip(offered), "z")

    with ArchiveReader() as reader:
        for place in (3, 1, 1, 5, 0, 4):
            for path in (tar, zipped):
                assert (
                    content_of(reader, Offered(b"", 0, 0, "", "", path, place)) == contents[place]
                )


def test_members_in_order_are_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, make_tar([(f"{n}", noise(3000)) for n in range(50)], "w:gz"))
    members = members_of(path)
    opened: list[bytes] = []

    def open_and_note(path: bytes) -> BinaryIO:
        opened.append(path)
        return open_container(path)

    monkeypatch.setattr(archives, "open_container", open_and_note)

    with ArchiveReader() as reader:
        for member in members[::7]:
            content_of(reader, member)

    assert opened == [path]


def test_a_member_left_in_the_middle_does_not_harm_the_next(tmp_path: Path) -> None:
    contents = [noise(50_000) for _ in range(3)]
    offered = [(f"{n}", content) for n, content in enumerate(contents)]
    for data in (make_tar(offered, "w:gz"), make_zip(offered)):
        path = write(tmp_path, data)
        first, second, _ = members_of(path)
        with ArchiveReader() as reader:
            with reader.member(path, first.place) as (read_into, _size, _mtime_ns):
                assert read_into(memoryview(bytearray(10))) == 10
            assert content_of(reader, second) == contents[1]


def test_reading_a_large_member_takes_little_memory(
    tmp_path: Path, peak: Callable[[], int]
) -> None:
    content = [("large", noise(24 << 20))]
    for data in (make_zip(content), make_tar(content, "w:gz")):
        path = write(tmp_path, data)
        (member,) = members_of(path)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        room = memoryview(bytearray(1 << 16))

        with ArchiveReader() as reader, reader.member(path, member.place) as (read_into, _, _):
            while read_into(room):
                pass

        assert peak() - before < 2 << 20


def test_a_sparse_member_is_read_with_its_holes(tmp_path: Path) -> None:
    path = write(tmp_path, sparse_pax())

    assert all_contents(path) == [bytes(4000) + b"words" + bytes(995)]
