"""Archives that are damaged, locked, replaced or hold what is no file."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svitlo.errors import Rejected
from svitlo.node.archives import ArchiveReader
from svitlo.node.census import Offered
from svitlo.record.exhibit import REJECTIONS
from tests.fakes.archives import (
    MODES,
    all_contents,
    codes,
    content_of,
    make_tar,
    make_zip,
    members_of,
    noise,
    patched,
    sparse_pax,
    tar_of,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


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
