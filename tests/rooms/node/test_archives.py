from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svitlo.errors import Rejected
from svitlo.node import archives
from svitlo.node.archives import ArchiveReader, with_members
from svitlo.node.census import Offered, walk_offered
from svitlo.node.containers import LIMITS, Limits, open_container
from svitlo.record.exhibit import REJECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
MODES = ["w:", "w:gz", "w:bz2", "w:xz"]


def noise(size: int) -> bytes:
    return os.urandom(size)


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """The most memory that was taken since the test began to ask (bytes)."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def write(folder: Path, data: bytes, name: str = "archive") -> bytes:
    path = folder / name
    path.write_bytes(data)
    return os.fsencode(path)


def make_zip(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in members:
            made.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def make_tar(members: Sequence[tuple[str, bytes]], mode: str = "w:") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as made:  # type: ignore[call-overload]  # mode is text
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), 1_700_000_000
            made.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def tar_of(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:") as made:
        for entry, content in entries:
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def members_of(path: bytes, limits: Limits = LIMITS) -> list[Offered]:
    return list(with_members(walk_offered([path]), limits))[1:]


def content_of(reader: ArchiveReader, member: Offered, step: int = 1 << 16) -> bytes:
    with reader.member(member.container, member.place) as (read_into, size, _mtime_ns):
        taken, room = bytearray(), bytearray(step)
        while got := read_into(memoryview(room)):
            taken += room[:got]
        assert len(taken) == size
    return bytes(taken)


def read_to_the_end(reader: ArchiveReader, path: bytes, taken: bytearray) -> None:
    """The first member's bytes are added to `taken` as they come."""
    with reader.member(path, 0) as (read_into, _size, _mtime_ns):
        room = bytearray(1 << 14)
        while got := read_into(memoryview(room)):
            taken += room[:got]
            assert len(taken) < 1 << 30


def all_contents(path: bytes, limits: Limits = LIMITS, step: int = 1 << 16) -> list[bytes]:
    with ArchiveReader(limits) as reader:
        return [content_of(reader, m, step) for m in members_of(path, limits) if not m.code]


def codes(members: Sequence[Offered]) -> list[str]:
    return [member.code for member in members]


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


def test_names_stay_byte_for_byte_in_a_tar(tmp_path: Path) -> None:
    names = [
        "../../etc/passwd",
        "/root/.ssh/authorized_keys",
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


def test_links_pipes_and_devices_in_a_tar_are_refused(tmp_path: Path) -> None:
    entries = []
    for kind in (
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        b"V",
    ):
        entry = tarfile.TarInfo("e")
        entry.type, entry.linkname = kind, "/etc/passwd"
        entries.append((entry, b""))
    path = write(tmp_path, tar_of(*entries))

    members = members_of(path)

    assert codes(members) == ["symlink"] + ["not_regular"] * 5
    assert all(member.reason for member in members)
    with ArchiveReader() as reader, pytest.raises(Rejected) as refused:
        content_of(reader, members[0])
    assert refused.value.code == "symlink"


def test_links_and_pipes_in_a_zip_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, kind in (("link", stat.S_IFLNK), ("pipe", stat.S_IFIFO)):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
            made.writestr(entry, "/etc/passwd")

    members = members_of(write(tmp_path, out.getvalue()))

    assert codes(members) == ["symlink", "not_regular"]


def patched(made: bytes, offset: int, form: str, value: int) -> bytes:
    """The zip with one field of its first directory entry changed."""
    at = made.index(b"PK\x01\x02") + offset
    size = struct.calcsize(form)
    return made[:at] + struct.pack(form, value) + made[at + size :]


@pytest.mark.parametrize(
    ("flag", "word"), [(1, "encrypted"), (0x40, "encrypted"), (0x20, "method")]
)
def test_an_encrypted_member_is_unreadable(tmp_path: Path, flag: int, word: str) -> None:
    path = write(tmp_path, patched(make_zip([("a", b"1"), ("b", b"2")]), 8, "<H", flag))

    members = members_of(path)

    assert codes(members) == ["unreadable", ""]
    assert word in members[0].reason
    with ArchiveReader() as reader, pytest.raises(Rejected) as refused:
        content_of(reader, members[0])
    assert refused.value.code == "unreadable"


def test_an_unknown_compression_is_unreadable(tmp_path: Path) -> None:
    path = write(tmp_path, patched(make_zip([("a", b"1")]), 10, "<H", 99))

    assert codes(members_of(path)) == ["unreadable"]


def test_a_wrong_checksum_of_a_zip_member_is_found(tmp_path: Path) -> None:
    for content in (b"words", b""):
        path = write(tmp_path, patched(make_zip([("a", content)]), 16, "<L", 0xDEADBEEF))

        with ArchiveReader() as reader, pytest.raises(Rejected) as refused:
            content_of(reader, members_of(path)[0])

        assert refused.value.code == "broken_archive"


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


def test_long_names_that_look_like_headers_are_names(tmp_path: Path) -> None:
    names = ["x" * 400, "g" * 600, "1 2=" * 130]
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:", format=form) as made:
            for name in names:
                made.addfile(tarfile.TarInfo(name))
        path = write(tmp_path, out.getvalue())

        assert [m.path.removeprefix(path + b"!/").decode() for m in members_of(path)] == names


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


@pytest.mark.parametrize("mode", MODES)
def test_a_tar_cut_anywhere_is_broken_and_keeps_what_could_be_listed(
    tmp_path: Path, mode: str
) -> None:
    contents = [noise(700) for _ in range(4)]
    whole = make_tar([(f"{n}", c) for n, c in enumerate(contents)], mode)
    end = len(whole) if mode != "w:" else 4 * 1536 + 1
    most = 0
    for cut in [*range(1536, end, 97), end - 1]:
        path = write(tmp_path, whole[:cut])
        members = members_of(path)
        if not members:
            continue

        assert codes(members) == [""] * (len(members) - 1) + ["broken_archive"]
        assert members[-1].path == path + b"!/"
        most = max(most, len(members) - 1)
        with ArchiveReader() as reader:
            for member, content in zip(members[:-2], contents, strict=False):
                assert content_of(reader, member) == content
    assert most == 4


def test_a_tar_with_a_damaged_header_in_the_middle_is_broken(tmp_path: Path) -> None:
    whole = bytearray(make_tar([(f"{n}", noise(700)) for n in range(3)]))
    whole[1536 + 5] ^= 1

    members = members_of(write(tmp_path, bytes(whole)))

    assert codes(members) == ["", "broken_archive"]


def test_a_gzip_with_a_wrong_checksum_is_broken(tmp_path: Path) -> None:
    whole = bytearray(make_tar([("a", noise(700))], "w:gz"))
    whole[-6] ^= 1

    assert codes(members_of(write(tmp_path, bytes(whole)))) == ["", "broken_archive"]


def test_a_zip_cut_anywhere_is_broken(tmp_path: Path) -> None:
    whole = make_zip([(f"{n}", noise(300)) for n in range(3)])

    for cut in range(8, len(whole), 13):
        assert codes(members_of(write(tmp_path, whole[:cut]))) == ["broken_archive"]


def test_a_zip_with_a_damaged_directory_keeps_what_could_be_listed(tmp_path: Path) -> None:
    whole = bytearray(make_zip([("a", b"1"), ("b", b"2"), ("c", b"3")]))
    whole[whole.rindex(b"PK\x01\x02")] ^= 1
    path = write(tmp_path, bytes(whole))

    assert codes(members_of(path)) == ["", "", "broken_archive"]
    assert all_contents(path) == [b"1", b"2"]


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


def test_a_place_that_is_not_there_is_a_broken_archive(tmp_path: Path) -> None:
    for data in (make_tar([("a", b"1")]), make_zip([("a", b"1")])):
        path = write(tmp_path, data)
        with ArchiveReader() as reader, pytest.raises(Rejected) as refused:
            content_of(reader, Offered(b"", 0, 0, "", "", path, 7))
        assert refused.value.code == "broken_archive"


def test_an_archive_that_vanished_or_was_replaced_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path, make_zip([("a", b"1")]))
    (member,) = members_of(path)
    file = tmp_path / "archive"
    found = []

    for replace in (
        lambda: None,
        lambda: file.symlink_to("/etc/hostname"),
        lambda: os.mkfifo(file),
        lambda: file.write_bytes(b"words"),
        file.mkdir,
    ):
        file.unlink(missing_ok=True)
        replace()
        with ArchiveReader() as reader, pytest.raises(Rejected) as refused:
            content_of(reader, member)
        found.append(refused.value.code)

    assert found == ["vanished", "symlink", "not_regular", "changed_while_reading", "not_regular"]


def test_an_archive_that_changes_while_it_is_read_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path, make_zip([("a", noise(100_000))], zipfile.ZIP_STORED))

    with ArchiveReader() as reader, reader.member(path, 0) as (read_into, _size, _mtime_ns):
        room = memoryview(bytearray(100_000))
        assert read_into(room[:10]) == 10
        (tmp_path / "archive").touch()
        with pytest.raises(Rejected) as refused:
            read_into(room)

    assert refused.value.code == "changed_while_reading"


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


def sparse_pax() -> bytes:
    entry = tarfile.TarInfo("hole")
    entry.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": "5000",
        "GNU.sparse.map": "4000,5",
        "GNU.sparse.name": "hole",
    }
    return tar_of((entry, b"words"))


def test_a_sparse_member_is_read_with_its_holes(tmp_path: Path) -> None:
    path = write(tmp_path, sparse_pax())

    assert all_contents(path) == [bytes(4000) + b"words" + bytes(995)]


SMALL = [
    make_zip([("a", b"words" * 30), ("d/", b""), ("b", b"")]),
    make_zip([("a", b"words" * 30)], zipfile.ZIP_BZIP2),
    make_zip([("a", b"words" * 30)], zipfile.ZIP_LZMA),
    make_tar([("a", b"words" * 30), ("\udcff" * 200, b"x")]),
    make_tar([("a", b"words" * 30)], "w:gz"),
    make_tar([("a", b"words" * 30)], "w:xz"),
    sparse_pax(),
]


@dataclass(frozen=True)
class Damage:
    made: bytes
    changes: list[tuple[float, int]]
    size_field: bytes
    keep: float
    has_right_checksums: bool

    def done(self) -> bytes:
        damaged = bytearray(self.made)
        for share, value in self.changes:
            damaged[int(share * min(len(damaged), 1200))] = value
        if self.has_right_checksums and self.made[:2] != b"PK" and len(damaged) > 2048:
            damaged[124 : 124 + len(self.size_field)] = self.size_field
            for at in (0, 1024):
                damaged[at + 148 : at + 156] = b" " * 8
                damaged[at + 148 : at + 156] = b"%06o\0 " % sum(damaged[at : at + 512])
        return bytes(damaged[: int(len(damaged) * self.keep)])


DAMAGES = st.builds(
    Damage,
    made=st.sampled_from(SMALL),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6
    ),
    size_field=st.binary(max_size=12),
    keep=st.one_of(st.just(1.0), st.floats(0.5, 1)),
    has_right_checksums=st.booleans(),
)


@settings(max_examples=500, deadline=None)
@given(DAMAGES)
def test_only_rejections_leave_a_damaged_archive(
    tmp_path_factory: pytest.TempPathFactory, damage: Damage
) -> None:
    path = write(tmp_path_factory.getbasetemp(), damage.done())

    with ArchiveReader() as reader:
        for member in members_of(path):
            assert member.code in ("", *REJECTIONS)
            if not member.code:
                assert whole_or_refused(reader, member)


def whole_or_refused(reader: ArchiveReader, member: Offered) -> bool:
    try:
        return len(content_of(reader, member)) == member.size
    except Rejected as refused:
        return refused.code in REJECTIONS
