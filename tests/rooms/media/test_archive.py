from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import InvalidInput
from svitlo.media import zipped
from svitlo.media.archive import note_archive
from svitlo.media.claim import Claims
from svitlo.media.kind import kind_of

if TYPE_CHECKING:
    from types import ModuleType

    from svitlo.media.claim import Value


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return out.getvalue()


def tar_member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member


def noted(data: bytes) -> tuple[dict[str, Value], str]:
    claims = Claims()
    stream = io.BytesIO(data)
    why = note_archive(stream, len(data), kind_of(stream, len(data)), claims)
    return claims.found, why


def value(found: dict[str, Value], name: str) -> Value:
    claim = found[name]
    assert isinstance(claim, dict)
    return claim["value"]


def alarms(data: bytes) -> Value:
    found, _ = noted(data)
    return value(found, "archive.alarms") if "archive.alarms" in found else []


def test_members_are_listed_with_their_sizes() -> None:
    found, why = noted(zip_of({"a.txt": b"hello", "b/c.txt": b""}))
    assert why == ""
    assert value(found, "archive.members") == [
        {"path": "a.txt", "size_bytes": 5},
        {"path": "b/c.txt", "size_bytes": 0},
    ]
    assert value(found, "archive.unpacked_bytes") == 5
    assert alarms(zip_of({"a.txt": b"hello"})) == []


@pytest.mark.parametrize(
    "name", ["../up", "/absolute", "a/../../b", "C:\\windows", "\\server\\share", "..\\up"]
)
def test_names_that_would_leave_a_folder_are_an_alarm(name: str) -> None:
    assert alarms(zip_of({name: b"x"})) == ["unsafe_name"]
    assert alarms(tar_of(tar_member(name, 1))) == ["unsafe_name"]


def test_links_and_special_files_are_an_alarm() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert alarms(out.getvalue()) == ["link"]
    assert alarms(tar_of(tar_member("l", kind=tarfile.SYMTYPE))) == ["link"]
    assert alarms(tar_of(tar_member("d", kind=tarfile.CHRTYPE))) == ["special_file"]


def test_a_name_twice_is_an_alarm() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    assert alarms(out.getvalue()) == ["same_name"]


def test_a_bomb_is_a_finding_that_costs_nothing() -> None:
    assert alarms(zip_of({"zeros": bytes(50 << 20)})) == ["ratio"]


def overlapping(copies: int, size: int) -> bytes:
    """A quoted-free overlap bomb: every entry of the directory points at the same bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(size)) + packer.flush()
    sizes = (zlib.crc32(bytes(size)), len(packed), size)
    local = (
        struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, 1, 0) + b"a" + packed
    )
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes, 1, 0, 0, 0, 0, 0, 0
    )
    directory = (entry + b"a") * copies
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), len(local), 0
    )
    return local + directory + end


def test_members_that_share_bytes_are_an_alarm() -> None:
    found, _ = noted(overlapping(1000, 10 << 20))
    assert value(found, "archive.unpacked_bytes") == 1000 * (10 << 20)
    assert value(found, "archive.alarms") == [
        *("overlap", "ratio", "same_name", "too_large_unpacked")
    ]


def test_archives_are_looked_into_three_deep() -> None:
    data = zip_of({"leaf.txt": b"x"})
    for depth in range(5):
        data = zip_of({f"level{depth}.zip": data})
    found, _ = noted(data)
    nested = value(found, "archive.nested")
    assert isinstance(nested, list)
    assert [entry["depth"] for entry in nested if isinstance(entry, dict)] == [1, 2, 3]
    assert value(found, "archive.alarms") == ["nesting"]


def test_a_bomb_inside_is_not_unpacked_beyond_the_budget() -> None:
    inner = zip_of({"zeros": bytes(10 << 20)})
    found, _ = noted(zip_of({f"{number}.zip": inner for number in range(20)}))
    assert value(found, "archive.alarms") == ["ratio"]
    found, _ = noted(zip_of({"big.zip": bytes(65 << 20)}))
    assert value(found, "archive.nested") == [
        {"path": "big.zip", "depth": 1, "unread": "too_large"}
    ]


def test_what_stands_around_an_archive_is_counted() -> None:
    found, _ = noted(zip_of({"a": b"x"}) + b"behind")
    assert value(found, "archive.trailing_bytes") == 6
    claims = Claims()
    data = b"MZ stub" + zip_of({"a": b"x"})
    note_archive(io.BytesIO(data), len(data), kind_of(io.BytesIO(data[7:]), 100), claims)
    assert value(claims.found, "archive.leading_bytes") == 7


def test_an_encrypted_archive_says_so() -> None:
    data = bytearray(zip_of({"a": b"secret"}))
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    found, why = noted(bytes(data))
    assert why == "encrypted"
    assert value(found, "archive.encrypted") is True


def test_many_members_are_counted_and_cut() -> None:
    found, _ = noted(zip_of({f"folder/file-{number:05}": b"" for number in range(3000)}))
    assert value(found, "archive.member_count") == 3000
    assert value(found, "archive.members_cut") is True
    listed = value(found, "archive.members")
    assert isinstance(listed, list)
    assert 100 < len(listed) < 1000


def test_old_names_are_decoded() -> None:
    data = zip_of({"xxx.txt": b"x"}).replace(b"xxx.txt", b"\x8f\xe0\xa8.txt")
    found, _ = noted(data)
    assert value(found, "archive.members") == [{"path": "\u00c5\u03b1\u00bf.txt", "size_bytes": 1}]


@pytest.mark.parametrize("squeeze", [gzip, bz2, lzma], ids=["gzip", "bz2", "lzma"])
def test_compressed_files_are_measured(squeeze: ModuleType) -> None:
    found, why = noted(squeeze.compress(b"hello" * 1000))
    assert (value(found, "archive.unpacked_bytes"), why) == (5000, "")
    assert value(found, "archive.holds") == "text/plain"


def test_a_compressed_tar_lists_its_members() -> None:
    found, _ = noted(gzip.compress(tar_of(tar_member("a/b.txt", 3), tar_member("c", 1000))))
    assert value(found, "archive.members") == [
        {"path": "a/b.txt", "size_bytes": 3},
        {"path": "c", "size_bytes": 1000},
    ]


def test_compressed_bombs_stop_at_the_ratio() -> None:
    data = gzip.compress(bytes(210 << 20), 1)
    found, why = noted(data)
    assert value(found, "archive.alarms") == ["ratio"]
    assert why == "too_large"
    found, _ = noted(gzip.compress(tar_of(tar_member("zeros", 210 << 20)), 1))
    assert value(found, "archive.alarms") == ["ratio"]


def test_a_damaged_archive_is_a_claim_not_an_error() -> None:
    for data in (zip_of({"a": b"x" * 99})[:60], gzip.compress(b"x" * 9999)[:40]):
        found, _ = noted(data)
        assert "archive.unreadable" in found


def test_office_files_say_who_and_when() -> None:
    core = (
        b"<cp:coreProperties><dc:creator>An author</dc:creator>"
        b"<cp:lastModifiedBy>Another</cp:lastModifiedBy>"
        b'<dcterms:created xsi:type="dcterms:W3CDTF">2022-10-10T08:05:09Z</dcterms:created>'
    )
    found, _ = noted(
        zip_of(
            {"word/document.xml": b"<w/>", "docProps/core.xml": core, "word/vbaProject.bin": b""}
        )
    )
    assert value(found, "office.author") == "An author"
    assert value(found, "office.last_author") == "Another"
    assert value(found, "time.created") == "2022-10-10T08:05:09Z"
    assert value(found, "office.macros") is True


def test_large_archives_are_read_by_their_wide_fields() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"x" * 1000)
    assert value(noted(out.getvalue())[0], "archive.unpacked_bytes") == 1000
    entry = zipped.Member(
        path="a",
        size=1,
        packed=1,
        method=99,
        at=0,
        is_encrypted=False,
        is_link=False,
        name_length=1,
    )
    with pytest.raises(InvalidInput):
        zipped.read_member(io.BytesIO(out.getvalue()), entry, 10)


def test_a_directory_behind_four_gib_is_found_by_its_wide_end() -> None:
    wide = struct.pack("<HHQQQ", 1, 24, 5 << 30, 4, 0)
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        *(b"PK\x01\x02", 45, 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, len(wide)),
        *(0, 0, 0, 0, 0xFFFFFFFF),
    )
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 45, 0, 0, 0, 0, 0, 4, 4, 1, 0) + b"abody"
    directory = entry + b"a" + wide
    end = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(directory), len(local)
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(local) + len(directory), 1)
    short = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, *([0xFFFFFFFF] * 2), 0)
    data = local + directory + end + locator + short
    found = zipped.read_directory(io.BytesIO(data), len(data))
    (member,) = found.members
    assert (found.announced, member.size, member.packed, member.at) == (1, 5 << 30, 4, 0)
    assert zipped.read_member(io.BytesIO(data), member, 100) == b"body"
    broken = data.replace(b"PK\x06\x06", b"PK\x09\x09")
    with pytest.raises(InvalidInput):
        zipped.read_directory(io.BytesIO(broken), len(broken))


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_any_change_to_an_archive_is_survived(tail: bytes, place: int, byte: int) -> None:
    data = bytearray(zip_of({"a.zip": zip_of({"b": b"x"}), "c": b"y" * 50}))
    data[place % len(data)] = byte
    noted(bytes(data))
    noted(b"PK\x03\x04" + tail + b"PK\x05\x06" + tail)
