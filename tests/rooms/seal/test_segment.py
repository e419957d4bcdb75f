"""Segments written, read, and listed by tools that know nothing of us."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError, DigestMismatch, SegmentError
from svitlo.seal import segment
from svitlo.seal.digest import Block, digest_of
from svitlo.seal.payload import BodyReader
from svitlo.seal.segment import Member, SegmentReader, SegmentWriter
from svitlo.seal.stream import BodyWriter, seal_body
from tests.fakes.streams import counted, pread

ANSWERS = json.loads((Path(__file__).parents[2] / "vectors/age/known-answers.json").read_text())
ANSWER = ANSWERS["segment"]
KEY, NONCE = bytes.fromhex(ANSWERS["file_key"]), bytes.fromhex(ANSWERS["nonce"])


def tar_of(contents: list[bytes]) -> tuple[bytes, list[Member]]:
    tar = bytearray()
    writer = SegmentWriter(tar.extend)
    members = [
        writer.add(f"x-{index}", len(content), [content]) for index, content in enumerate(contents)
    ]
    writer.close()
    assert writer.size == len(tar)
    return bytes(tar), members


def reader(tar: bytes) -> SegmentReader:
    return SegmentReader(pread(tar), len(tar))


SMALL, MEMBERS = tar_of([b"svitlo\n", b"", counted(0, 512), counted(0, 1300)])


def test_the_known_answer_comes_out() -> None:
    tar, body = bytearray(), bytearray()
    bodies = BodyWriter(KEY, NONCE, body.extend)

    def write(block: Block) -> None:
        tar.extend(block)
        bodies.update(block)

    writer = SegmentWriter(write)
    offsets = [
        writer.add(member["id"], len(member["text"]), [member["text"].encode()]).off
        for member in ANSWER["members"]
    ]
    index = writer.close()
    bodies.finish()

    assert offsets == [member["off"] for member in ANSWER["members"]]
    assert (len(index), len(tar)) == (ANSWER["index_size"], ANSWER["size"])
    assert hashlib.sha256(tar).hexdigest() == ANSWER["sha256"]
    assert (len(body), blake3(body).hexdigest()) == (ANSWER["body_size"], ANSWER["body_blake3"])


def test_tar_lists_and_unpacks_it(tmp_path: Path) -> None:
    program = shutil.which("tar") or "/bin/tar"
    (tmp_path / "segment.tar").write_bytes(SMALL)

    listed = subprocess.run(
        [program, "-tvf", "segment.tar"], cwd=tmp_path, capture_output=True, check=True
    )
    subprocess.run([program, "-xf", "segment.tar"], cwd=tmp_path, check=True)

    assert not listed.stderr
    lines = listed.stdout.decode().splitlines()
    assert [line.split()[-1] for line in lines] == ["x-0", "x-1", "x-2", "x-3", "index.jsonl"]
    assert all(line.startswith("-r--r--r--") for line in lines)
    assert (tmp_path / "x-3").read_bytes() == counted(0, 1300)


@given(contents=st.lists(st.binary(max_size=1500), min_size=1, max_size=6))
def test_python_s_tarfile_reads_what_we_write(contents: list[bytes]) -> None:
    tar, members = tar_of(contents)

    with tarfile.open(fileobj=io.BytesIO(tar)) as read:
        infos = read.getmembers()
        found = [file.read() for info in infos if (file := read.extractfile(info))]
        offsets = [info.offset_data for info in infos]

    assert found[:-1] == contents
    assert [json.loads(line)["id"] for line in found[-1].splitlines()] == [m.id for m in members]
    assert offsets[:-1] == [member.off for member in members]


@given(contents=st.lists(st.binary(max_size=1500), min_size=1, max_size=6))
def test_members_are_found_by_the_index_and_by_offset(contents: list[bytes]) -> None:
    tar, members = tar_of(contents)
    opened = reader(tar)

    assert list(opened.index()) == members
    for member, content in zip(members, contents, strict=True):
        assert opened.header_at(member.off) == (member.id, len(content))
        assert opened.content(member) == content
        assert opened.read(member, 3, 700) == content[3:703]


def test_a_sealed_segment_is_read_through_its_body() -> None:
    body = seal_body(SMALL, file_key=KEY, nonce=NONCE)
    plain = BodyReader(KEY, pread(body), len(body))

    opened = SegmentReader(plain.read, plain.size)

    assert opened.content(opened.index()[3]) == counted(0, 1300)


def test_the_longest_index_line_is_as_long_as_is_promised() -> None:
    longest = Member(id="x" * 99, off=10**9 - 1, size=10**8 - 1, sha256="0" * 64, blake3="0" * 64)

    assert len(longest.line) <= segment.MAX_LINE_BYTES
    assert segment._parse_line(longest.line[:-1]) == longest  # noqa: SLF001


def test_one_long_name_alone_is_found() -> None:
    tar = bytearray()
    writer = SegmentWriter(tar.extend)
    member = writer.add("x" * 99, 0, [])
    writer.close()

    assert reader(bytes(tar)).index() == (member,)


@pytest.mark.parametrize("name", ["", "../x", "X-1", "-rf", "x" * 100, "index.jsonl", "x\n", "ї"])
def test_names_that_are_no_ids_are_refused(name: str) -> None:
    with pytest.raises(SegmentError, match="name"):
        SegmentWriter(lambda _: None).add(name, 0, [])


def test_a_name_is_used_once() -> None:
    writer = SegmentWriter(lambda _: None)
    writer.add("x-1", 0, [])

    with pytest.raises(SegmentError, match="new name"):
        writer.add("x-1", 0, [])


@pytest.mark.parametrize("blocks", [[], [b"12"], [b"12", b"34"], [b"1234"], [b"", b"123", b"4"]])
def test_a_member_of_another_size_breaks_the_segment(blocks: list[bytes]) -> None:
    writer = SegmentWriter(lambda _: None)

    with pytest.raises(SegmentError, match="should have 3 bytes"):
        writer.add("x-1", 3, blocks)
    with pytest.raises(SegmentError):
        writer.add("x-2", 0, [])
    with pytest.raises(SegmentError):
        writer.close()


def test_a_member_in_pieces_is_the_same_member() -> None:
    tar = bytearray()
    writer = SegmentWriter(tar.extend)

    member = writer.add("x-0", 7, [b"svi", b"", bytearray(b"tl"), memoryview(b"o\n")])

    assert (member.sha256, member.blake3) == (MEMBERS[0].sha256, MEMBERS[0].blake3)
    assert tar == SMALL[:1024]


def test_limits_are_kept() -> None:
    writer = SegmentWriter(lambda _: None)
    whole = bytes(segment.MAX_MEMBER_BYTES)

    assert not writer.fits(segment.MAX_MEMBER_BYTES + 1)
    while writer.fits(len(whole)):
        writer.add(f"x-{writer.count}", len(whole), [whole])
    with pytest.raises(SegmentError, match="no longer fit"):
        writer.add("x-more", len(whole), [whole])
    while writer.fits(100_000):
        writer.add(f"x-{writer.count}", 100_000, [whole[:100_000]])
    writer.close()

    assert segment.MAX_SEGMENT_BYTES - 110_000 < writer.size <= segment.MAX_SEGMENT_BYTES


def test_a_segment_is_closed_once_and_never_empty() -> None:
    writer = SegmentWriter(lambda _: None)
    with pytest.raises(SegmentError, match="members"):
        writer.close()
    writer.add("x-1", 0, [])
    writer.close()

    with pytest.raises(SegmentError, match="open"):
        writer.close()
    with pytest.raises(SegmentError):
        writer.add("x-2", 0, [])


def test_a_changed_member_is_found() -> None:
    changed = SMALL[:512] + b"S" + SMALL[513:]

    with pytest.raises(DigestMismatch):
        reader(changed).content(MEMBERS[0])


def test_another_member_in_its_place_is_found() -> None:
    swapped = replace(MEMBERS[0], off=MEMBERS[1].off)

    with pytest.raises(SegmentError, match="does not begin"):
        reader(SMALL).content(swapped)


@given(offset=st.integers(-600, len(SMALL) + 600))
def test_no_member_is_found_where_none_begins(offset: int) -> None:
    begins = {member.off for member in MEMBERS} | {MEMBERS[-1].end + 512}
    if offset in begins:
        return

    with pytest.raises(SegmentError):
        reader(SMALL).header_at(offset)


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1)])
def test_negative_ranges_are_refused(offset: int, length: int) -> None:
    with pytest.raises(SegmentError, match="range"):
        reader(SMALL).read(MEMBERS[0], offset, length)


@given(cut=st.integers(1, len(SMALL)))
def test_a_cut_segment_has_no_index(cut: int) -> None:
    with pytest.raises(SegmentError):
        reader(SMALL[:-cut]).index()


@given(at=st.integers(MEMBERS[-1].end, len(SMALL) - 1), change=st.integers(1, 255))
def test_no_changed_byte_of_the_index_goes_unseen(at: int, change: int) -> None:
    changed = SMALL[:at] + bytes([SMALL[at] ^ change]) + SMALL[at + 1 :]

    try:
        found = reader(changed).index()
    except SegmentError:
        return
    with pytest.raises((SegmentError, DigestMismatch)):
        list(map(reader(changed).content, found))


def test_an_index_that_is_not_where_its_last_line_says_is_refused() -> None:
    begin = MEMBERS[-1].end
    size = sum(len(member.line) for member in MEMBERS)
    other = segment.member_header("x-9", size)

    with pytest.raises(SegmentError, match="does not lie"):
        reader(SMALL[:begin] + other + SMALL[begin + 512 :]).index()


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        MEMBERS[0].line[:-1],
        b"\n",
        MEMBERS[0].line + MEMBERS[0].line,
        MEMBERS[1].line,
        MEMBERS[0].line + MEMBERS[2].line,
        MEMBERS[0].line.replace(b":", b": "),
        MEMBERS[0].line.replace(b'"off":512', b'"off":0512'),
        MEMBERS[0].line.replace(b"x-0", b"../x"),
        replace(MEMBERS[0], id="index.jsonl").line,
    ],
)
def test_an_index_that_no_writer_writes_is_refused(lines: bytes) -> None:
    with pytest.raises(SegmentError):
        segment.parse_index(lines)


@given(content=st.binary(max_size=3000), size=st.integers(0, 5000))
def test_only_segment_errors_escape(content: bytes, size: int) -> None:
    opened = SegmentReader(pread(content + bytes(1024)), size)

    with suppress(SegmentError):
        opened.index()
    with suppress(SegmentError):
        opened.header_at(512)
    with suppress(SegmentError):
        segment.parse_index(content + b"\n")


@pytest.mark.parametrize(("name", "size"), [("x" * 101, 0), ("x", 8**11)])
def test_what_ustar_cannot_hold_is_refused(name: str, size: int) -> None:
    with pytest.raises(SegmentError, match="ustar"):
        segment.member_header(name, size)


@given(drawn=st.data())
def test_a_changed_header_is_refused(drawn: st.DataObject) -> None:
    header = segment.member_header("x-01gk1ap2h0000g40r40m30e209", 7)
    at = drawn.draw(st.integers(0, 511))
    changed = header[:at] + bytes([header[at] ^ drawn.draw(st.integers(1, 255))]) + header[at + 1 :]

    assert segment.parse_member_header(header) == ("x-01gk1ap2h0000g40r40m30e209", 7)
    with pytest.raises(SegmentError):
        segment.parse_member_header(changed)


def test_member_digests_are_those_of_its_bytes() -> None:
    found = digest_of(counted(0, 1300))

    assert (MEMBERS[3].sha256, MEMBERS[3].blake3) == (found.sha256, found.blake3)


def test_a_damaged_body_shows_as_such() -> None:
    body = bytearray(seal_body(SMALL, file_key=KEY, nonce=NONCE))
    body[100] ^= 1

    with pytest.raises(AgeError):
        BodyReader(KEY, pread(bytes(body)), len(body))
