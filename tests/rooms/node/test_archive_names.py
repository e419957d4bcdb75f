"""What members of archives are called, and their times."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.fakes.archives import (
    all_contents,
    make_zip,
    members_of,
    tar_of,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_names_stay_byte_for_byte_in_a_tar(tmp_path: Path) -> None:
    names = [
        "../../etc/passwd",
        "/home/judge/.ssh/authorized_keys",
        "C:\\Windows\\win.ini",
        "caf\u00e9",
        "cafe\u0301",
        "\u202egpj.exe",
        "line\nbreak",
        "\udcff\udcfe",
        "x" * 255,
        "long/" * 60 + "\udcff",
        "-rf",
    ]
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:", format=form) as made:
            for name in names:
                made.addfile(tarfile.TarInfo(name))
        path = write(tmp_path, out.getvalue())

        found = [member.path.removeprefix(path + b"!/") for member in members_of(path)]

        assert found == [os.fsencode(name) for name in names]


def test_names_stay_byte_for_byte_in_a_zip(tmp_path: Path) -> None:
    placeholders = [f"name{n:04}" for n in range(6)]
    wanted = [
        b"../../e.",
        b"/etc/pwd",
        b"C:\\a\\b.c",
        b"\xff\xfe\x80\x81abcd",
        b"a\nb\rcdef",
        b"\x8e" * 8,
    ]
    made = make_zip([(name, b"same") for name in placeholders])
    for placeholder, name in zip(placeholders, wanted, strict=True):
        made = made.replace(placeholder.encode(), name)
    path = write(tmp_path, made)

    members = members_of(path)

    assert [member.path.removeprefix(path + b"!/") for member in members] == wanted
    assert all_contents(path) == [b"same"] * 6


def test_a_name_that_lies_about_being_utf8_costs_nothing_else(tmp_path: Path) -> None:
    made = make_zip([("\u0439ab", b"1"), ("b", b"2")]).replace("\u0439ab".encode(), b"\xff\xffab")

    path = write(tmp_path, made)

    assert members_of(path)[0].path == path + b"!/\xff\xffab"
    assert all_contents(path) == [b"1", b"2"]


def test_folders_are_left_out_and_still_counted(tmp_path: Path) -> None:
    folder = tarfile.TarInfo("d")
    folder.type = tarfile.DIRTYPE
    tar = write(tmp_path, tar_of((folder, b""), (tarfile.TarInfo("d/a"), b"1")), "t")
    zipped = write(tmp_path, make_zip([("d/", b""), ("d/a", b"1")]), "z")

    for path in (tar, zipped):
        (member,) = members_of(path)
        assert (member.path, member.place) == (path + b"!/d/a", 1)
        assert all_contents(path) == [b"1"]


def test_a_folder_that_hides_bytes_is_a_member(tmp_path: Path) -> None:
    path = write(tmp_path, make_zip([("d/", b"hidden")]))

    assert all_contents(path) == [b"hidden"]


def test_long_names_that_look_like_headers_are_names(tmp_path: Path) -> None:
    names = ["x" * 400, "g" * 600, "1 2=" * 130]
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:", format=form) as made:
            for name in names:
                made.addfile(tarfile.TarInfo(name))
        path = write(tmp_path, out.getvalue())

        assert [m.path.removeprefix(path + b"!/").decode() for m in members_of(path)] == names


@pytest.mark.parametrize(
    ("extra", "mtime_ns"),
    [
        (struct.pack("<2HBl", 0x5455, 5, 1, 1_700_000_000), 1_700_000_000 * 10**9),
        (struct.pack("<2HBl", 0x5455, 5, 1, -5), -5 * 10**9),
        (
            struct.pack("<2HL2H3Q", 0x000A, 32, 0, 1, 24, 133_444_736_000_000_001, 0, 0),
            1_700_000_000 * 10**9 + 100,
        ),
        (struct.pack("<2HL2H3Q", 0x000A, 32, 0, 1, 24, 2**64 - 1, 0, 0), 0),
        (struct.pack("<2HB", 0x5455, 1, 1), 0),
        (b"\x55", 0),
        (b"", 0),
    ],
)
def test_the_time_of_a_zip_member_needs_a_zone(tmp_path: Path, extra: bytes, mtime_ns: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        entry = zipfile.ZipInfo("a", (2022, 2, 24, 5, 0, 0))
        entry.extra = extra
        made.writestr(entry, b"1")

    assert members_of(write(tmp_path, out.getvalue()))[0].mtime_ns == mtime_ns


@pytest.mark.parametrize(
    ("words", "mtime_ns"),
    [
        ("1700000000.123456789", 1_700_000_000_123_456_789),
        ("-1.5", -1_500_000_000),
        ("nan", 0),
        ("1e400", 0),
        ("9" * 39, 0),
    ],
)
def test_the_time_of_a_tar_member_is_exact(tmp_path: Path, words: str, mtime_ns: int) -> None:
    entry = tarfile.TarInfo("a")
    entry.pax_headers = {"mtime": words}

    assert members_of(write(tmp_path, tar_of((entry, b"1"))))[0].mtime_ns == mtime_ns
