"""Archives that claim or expand to more than is allowed."""

from __future__ import annotations

import lzma
import os
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import Rejected
from svitlo.node.archives import ArchiveReader
from svitlo.node.containers import Limits
from tests.fakes.archives import (
    METHODS,
    MODES,
    all_contents,
    codes,
    content_of,
    make_tar,
    make_zip,
    members_of,
    noise,
    patched,
    tar_of,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_to_the_end(reader: ArchiveReader, path: bytes, taken: bytearray) -> None:
    """The first member's bytes are added to `taken` as they come."""
    with reader.member(path, 0) as (read_into, _size, _mtime_ns):
        room = bytearray(1 << 14)
        while got := read_into(memoryview(room)):
            taken += room[:got]
            assert len(taken) < 1 << 30


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("declared", [0, 10, 4999, 5001, 100_000])
def test_a_lying_size_gives_no_more_than_declared(
    tmp_path: Path, method: int, declared: int
) -> None:
    made = make_zip([("a", noise(500) * 10)], method)
    path = write(tmp_path, patched(made, 24, "<L", declared))
    (member,) = members_of(path)
    taken = bytearray()

    with ArchiveReader() as reader, pytest.raises(Rejected) as refused:
        read_to_the_end(reader, path, taken)

    assert refused.value.code == "broken_archive"
    assert member.size == declared
    assert len(taken) <= min(declared, 5000)


def test_zeros_that_expand_a_thousandfold_are_over_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path, make_zip([("photo", noise(1000)), ("bomb", bytes(10 << 20))]))

    members = members_of(path)

    assert codes(members) == ["", "over_limit"]
    assert "200 times" in members[1].reason
    with ArchiveReader() as reader:
        content_of(reader, members[0])
        with pytest.raises(Rejected) as refused:
            content_of(reader, members[1])
    assert refused.value.code == "over_limit"


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_compressed_tar_of_zeros_is_over_the_limit(
    tmp_path: Path, peak: Callable[[], int], mode: str
) -> None:
    path = write(tmp_path, make_tar([("photo", noise(1000)), ("bomb", bytes(30 << 20))], mode))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]

    members = members_of(path)

    assert codes(members) == ["", "over_limit", "over_limit"]
    assert members[2].path == path + b"!/"
    assert peak() - before < 12 << 20  # the dictionary of xz is 8 MiB
    with ArchiveReader() as reader:
        content_of(reader, members[0])
        with pytest.raises(Rejected) as refused:
            content_of(reader, members[1])
    assert refused.value.code == "over_limit"


def test_a_chain_of_zips_is_opened_once_only(tmp_path: Path) -> None:
    inner = make_zip([("zeros", bytes(10 << 20))])
    middle = make_zip([(f"{n}.zip", inner) for n in range(10)], zipfile.ZIP_STORED)
    path = write(tmp_path, make_zip([("middle.zip", middle)]))

    members = members_of(path)

    assert [member.path for member in members] == [path + b"!/middle.zip"]
    assert all_contents(path) == [middle]


def overlapping_zip(kernel: bytes, claims: int, *, nested: bool) -> bytes:
    """Many directory entries for one compressed kernel (Fifield's construction, both forms)."""
    packed = zlib.compress(kernel, 9)[2:-4]
    made, starts = b"", []
    for n in range(claims if nested else 1):
        starts.append(len(made))
        made += struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, zlib.crc32(kernel), 0, len(kernel), 1, 0
        ) + bytes([65 + n])
    made += packed
    directory = b""
    for n in range(claims):
        start = starts[n if nested else 0]
        size = len(made) - start - 31
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0,
            zlib.crc32(kernel), size, len(kernel), 1, 0, 0, 0, 0, 0, start,
        ) + bytes([65 + n])  # fmt: skip
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, claims, claims, len(directory), len(made), 0)
    return made + directory + end


@pytest.mark.parametrize("nested", [False, True])
def test_overlapping_members_are_over_the_limit(tmp_path: Path, *, nested: bool) -> None:
    path = write(tmp_path, overlapping_zip(noise(2000), 20, nested=nested))

    members = members_of(path)

    assert codes(members) == ["over_limit"] * 20
    assert {member.reason for member in members} == {"its bytes overlap those of another member"}


def test_more_members_than_allowed_are_over_the_limit(tmp_path: Path) -> None:
    content = [(f"{n}", b"") for n in range(7)]
    for data in (make_zip(content), make_tar(content), make_tar(content, "w:gz")):
        path = write(tmp_path, data)

        members = members_of(path, Limits(members=5))

        assert codes(members) == [""] * 5 + ["over_limit"]
        assert members[5].path == path + b"!/"
        assert codes(members_of(path, Limits(members=7))) == [""] * 7


def test_more_bytes_than_allowed_in_all_are_over_the_limit(tmp_path: Path) -> None:
    content = [(f"{n}", noise(1000)) for n in range(4)]
    for data in (make_zip(content), make_tar(content)):
        path = write(tmp_path, data)

        assert codes(members_of(path, Limits(total=2500))) == ["", "", "over_limit", "over_limit"]


def test_a_tar_that_declares_exabytes_is_over_the_limit(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("huge")
    entry.size = 1 << 62
    path = write(tmp_path, entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))

    assert codes(members_of(path)) == ["over_limit", "broken_archive"]


def test_a_header_of_megabytes_never_reaches_memory(tmp_path: Path) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        entry = tarfile.TarInfo("words")
        entry.type, entry.size = kind, 1 << 30
        first = tarfile.TarInfo("first").tobuf(tarfile.GNU_FORMAT)
        path = write(tmp_path, first + entry.tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20))

        members = members_of(path)

        assert codes(members) == ["", "over_limit"]


@pytest.mark.parametrize(
    "words", [b"2 " * 30_000 + b"=", b"1" * 60_000, b"60011 comment=" + b"5" * 59_996 + b"\n"]
)
def test_a_header_made_to_take_long_is_refused_at_once(tmp_path: Path, words: bytes) -> None:
    entry = tarfile.TarInfo("words")
    entry.type = tarfile.XHDTYPE
    one = tar_of((entry, words), (tarfile.TarInfo("a"), b""))
    began = time.process_time()

    members = members_of(write(tmp_path, one))

    assert time.process_time() - began < 1
    assert len(members) == 1
    assert members[0].code in ("broken_archive", "over_limit")


def test_an_endless_chain_of_headers_ends(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("words")
    entry.type, entry.size = tarfile.XGLTYPE, 0
    first = tarfile.TarInfo("first").tobuf(tarfile.GNU_FORMAT)
    path = write(tmp_path, first + entry.tobuf(tarfile.GNU_FORMAT) * 5000)

    assert codes(members_of(path)) == ["", "over_limit"]


def test_an_xz_that_asks_for_gigabytes_is_no_archive(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]
    inner = make_tar([("a", noise(3000))])
    made = lzma.compress(inner, lzma.FORMAT_XZ, filters=filters) if _has_memory() else b""

    assert members_of(write(tmp_path, made)) == []


def _has_memory() -> bool:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") > 8 << 30
