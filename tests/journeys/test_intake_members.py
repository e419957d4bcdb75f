"""Members of archives, and files that were made to harm: each is sealed as it is, or refused."""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from tests.fakes.offers import folder_of, opened, taken
from tests.fakes.promises import check_receipt


def zipped(members: dict[str, bytes]) -> bytes:
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return room.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    room = io.BytesIO()
    with tarfile.open(fileobj=room, mode=mode) as archive:  # type: ignore[call-overload]  # any mode of tarfile
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return room.getvalue()


def taken_with_members(
    node: Node, actor: Actor, folder: Path
) -> tuple[dict[bytes, bytes], set[tuple[bytes, str]]]:
    """What came out of the vault, and what was rejected why; names without the folder."""
    receipt = taken(node, actor, folder, has_members=True)
    skip = len(bytes(folder)) + 1
    contents = {path[skip:]: content for path, content in opened(node, receipt).items()}
    rejected = {(row.path[skip:], row.code) for row in receipt.rows() if row.code}
    check_receipt(
        node,
        receipt.value["intake"],
        offered=len(receipt.rows()),
        rejected=receipt.value["rejected_by_code"],
    )
    return contents, rejected


MEMBERS = {"a.txt": b"first", "sub/b.bin": bytes(3000), "empty": b""}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_and_its_members_are_exhibits(
    node: Node, actor: Actor, tmp_path: Path, mode: str
) -> None:
    archive = zipped(MEMBERS) if mode == "zip" else tarred(MEMBERS, mode)
    folder = folder_of(tmp_path / "in", {b"archive": archive, b"beside": b"1"})

    contents, rejected = taken_with_members(node, actor, folder)

    members = {b"archive!/" + name.encode(): content for name, content in MEMBERS.items()}
    assert contents == {b"archive": archive, b"beside": b"1", **members}
    assert not rejected


def test_without_being_asked_an_archive_stays_closed(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"archive": zipped(MEMBERS)})

    assert len(opened(node, taken(node, actor, folder))) == 1


def test_names_that_would_climb_out_are_only_names(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    slips = ["../../escaped", "/escaped", "C:\\escaped", "a/../../escaped", "..\\escaped"]
    folder = folder_of(tmp_path / "in", {b"slip.zip": zipped(dict.fromkeys(slips, b"x"))})
    before = {path for path in tmp_path.rglob("*") if node.folder not in path.parents}

    contents, rejected = taken_with_members(node, actor, folder)

    names = {b"slip.zip!/" + slip.encode() for slip in slips}
    assert set(contents) | {name for name, _ in rejected} == {b"slip.zip", *names}
    assert before == {path for path in tmp_path.rglob("*") if node.folder not in path.parents}


def test_a_truncated_archive_is_sealed_and_its_members_are_told(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    whole = tarred({"a": b"a" * 600, "b": b"b" * 5000})
    torn = {
        b"t.tar": whole[:3000],
        b"t.zip": zipped(MEMBERS)[:-40],
        b"t.tgz": gzip.compress(whole)[:-20],
    }
    folder = folder_of(tmp_path / "in", {**torn, b"sound": b"1"})

    contents, rejected = taken_with_members(node, actor, folder)

    assert {name: contents[name] for name in torn} == torn
    assert contents[b"sound"] == b"1"
    assert {code for _, code in rejected} == {"broken_archive"}
    assert {name.partition(b"!/")[0] for name, _ in rejected} == set(torn)


def test_a_bomb_costs_its_members_only(node: Node, actor: Actor, tmp_path: Path) -> None:
    bomb = zipped({"zeros": bytes(64 << 20)})
    folder = folder_of(tmp_path / "in", {b"bomb.zip": bomb, b"after": b"1"})

    contents, rejected = taken_with_members(node, actor, folder)

    assert contents == {b"bomb.zip": bomb, b"after": b"1"}
    assert rejected == {(b"bomb.zip!/zeros", "over_limit")}


def test_an_archive_in_an_archive_is_one_member(node: Node, actor: Actor, tmp_path: Path) -> None:
    inner = zipped(MEMBERS)
    folder = folder_of(tmp_path / "in", {b"outer.zip": zipped({"inner.zip": inner})})

    contents, _ = taken_with_members(node, actor, folder)

    assert contents[b"outer.zip!/inner.zip"] == inner
    assert len(contents) == 2


def test_a_name_too_long_for_a_statement_is_refused(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    long = "\x01" * 30_000
    folder = folder_of(tmp_path / "in", {b"names.zip": zipped({long: b"1", "short": b"2"})})

    contents, rejected = taken_with_members(node, actor, folder)

    assert set(contents) == {b"names.zip", b"names.zip!/short"}
    assert {code for _, code in rejected} == {"over_limit"}


def test_a_link_in_an_archive_is_not_followed(node: Node, actor: Actor, tmp_path: Path) -> None:
    room = io.BytesIO()
    with tarfile.open(fileobj=room, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    folder = folder_of(tmp_path / "in", {b"links.tar": room.getvalue()})

    contents, rejected = taken_with_members(node, actor, folder)

    assert set(contents) == {b"links.tar"}
    assert rejected == {(b"links.tar!/link", "symlink")}


@pytest.mark.shared
@pytest.mark.parametrize("has_members", [False, True])
def test_hostile_files_are_sealed_as_they_came(
    node: Node, actor: Actor, *, shared: Path, has_members: bool
) -> None:
    folder = shared / "hostile-files"
    files = {bytes(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    receipt = taken(node, actor, folder, has_members=has_members)

    found = opened(node, receipt)
    assert {path: found[path] for path in files} == files
    assert len(files) > 50


@pytest.mark.shared
def test_web_archives_are_sealed_as_they_came(node: Node, actor: Actor, shared: Path) -> None:
    folder = shared / "warc"
    files = {bytes(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    receipt = taken(node, actor, folder)

    assert opened(node, receipt) == files
    assert os.listdir(node.folder / "spool") == []  # noqa: PTH208 - names alone
