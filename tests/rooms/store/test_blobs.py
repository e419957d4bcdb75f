"""Places keep sealed bytes whole, under the name that their bytes give, and never replace them."""

import os
from pathlib import Path

import pytest
from blake3 import blake3

from svitlo.errors import DigestMismatch, NotFound, StorageError
from svitlo.store.blobs import FolderPlace, Part

CONTENT = b"sealed bytes" * 100
NAME = blake3(CONTENT).hexdigest()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    for name in ("objects", "spool", "headers"):
        (tmp_path / name).mkdir()
    return FolderPlace(tmp_path)


def settled(place: FolderPlace, content: bytes = CONTENT, name: str = "one") -> Part:
    part = place.begin(name)
    part.write(content)
    part.settle()
    return part


def kept(place: FolderPlace, content: bytes = CONTENT) -> str:
    name = blake3(content).hexdigest()
    part = settled(place, content, name[:8])
    place.keep([(part, name)])
    part.drop()
    return name


def test_a_body_stands_under_the_digest_of_its_bytes(place: FolderPlace, tmp_path: Path) -> None:
    name = kept(place)

    path = tmp_path / "objects" / name[:2] / name
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o400
    assert list(place.names()) == [name]
    assert place.check_body(name) == place.size(name) == len(CONTENT)


def test_a_body_that_is_there_stays(place: FolderPlace) -> None:
    inode = place.path(kept(place)).stat().st_ino

    kept(place)

    assert place.path(NAME).stat().st_ino == inode


def test_other_bytes_under_a_name_are_never_replaced(place: FolderPlace) -> None:
    path = place.path(kept(place))
    path.chmod(0o600)
    path.write_bytes(b"something else")

    with pytest.raises(DigestMismatch, match="other bytes"):
        kept(place)

    assert path.read_bytes() == b"something else"


def test_one_changed_bit_is_found(place: FolderPlace) -> None:
    path = place.path(kept(place))
    path.chmod(0o600)
    path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])

    with pytest.raises(DigestMismatch):
        place.check_body(NAME)


def test_a_missing_body_is_not_found(place: FolderPlace) -> None:
    for ask in (place.check_body, place.size, place.open):
        with pytest.raises(NotFound, match="not in this place"):
            ask(NAME)


@pytest.mark.parametrize("name", ["", "../" + "a" * 61, "A" * 64, "g" * 64, "a" * 63, "a/" * 32])
def test_only_a_digest_is_a_name(place: FolderPlace, name: str) -> None:
    with pytest.raises(StorageError, match="64 hexadecimal digits"):
        place.path(name)


def test_a_link_in_the_place_of_a_body_is_not_followed(place: FolderPlace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(CONTENT)
    place.path(NAME).parent.mkdir()
    place.path(NAME).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"):
        place.open(NAME)


def test_a_part_has_no_name_until_it_is_kept(place: FolderPlace) -> None:
    settled(place)

    assert list(place.names()) == []


def test_a_dropped_part_never_closes_what_another_opened(place: FolderPlace) -> None:
    part = settled(place)
    other = os.open(os.devnull, os.O_RDONLY)
    part.drop()
    part.drop()

    os.fstat(other)
    os.close(other)


def test_a_settled_part_takes_no_more_bytes(place: FolderPlace) -> None:
    part = settled(place)

    with pytest.raises(StorageError, match="settled"):
        part.write(b"more")


def test_two_parts_of_one_name_are_refused(place: FolderPlace) -> None:
    place.begin("same").settle()

    with pytest.raises(StorageError, match="File exists"):
        place.begin("same")


def test_a_spool_that_is_gone_is_told(place: FolderPlace, tmp_path: Path) -> None:
    (tmp_path / "spool").rmdir()

    with pytest.raises(StorageError, match="No such file"):
        place.begin("one")


def test_dead_parts_are_swept_and_nothing_else(place: FolderPlace, tmp_path: Path) -> None:
    settled(place)
    (tmp_path / "headers" / ".h.jsonl.7.part").write_bytes(b'{"blo')
    (tmp_path / "spool" / "kept.damaged").touch()

    assert place.sweep_spool() == 2
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["kept.damaged"]
    assert list((tmp_path / "headers").iterdir()) == []


def test_headers_stand_in_a_second_place(place: FolderPlace) -> None:
    place.keep_headers("g1", [(NAME, b"header one"), ("f" * 64, b"\x00\xff")])
    place.keep_headers("g2", [("e" * 64, b"three")])

    found = {name: header for name, header, _ in place.headers()}

    assert found == {NAME: b"header one", "f" * 64: b"\x00\xff", "e" * 64: b"three"}


def test_headers_are_never_replaced(place: FolderPlace) -> None:
    place.keep_headers("g1", [(NAME, b"one")])

    with pytest.raises(StorageError, match="File exists"):
        place.keep_headers("g1", [(NAME, b"two")])

    assert [header for _, header, _ in place.headers()] == [b"one"]


def test_headers_that_were_half_written_are_no_headers(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.keep_headers("g1", [(NAME, b"one")])
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda opened, block: write(opened, block[:20]) and _die())
        with pytest.raises(KeyboardInterrupt):
            place.keep_headers("g2", [("f" * 64, b"two")])

    assert [name for name, _, _ in place.headers()] == [NAME]


def _die() -> int:
    raise KeyboardInterrupt


def test_a_damaged_body_is_set_aside_for_examination(place: FolderPlace, tmp_path: Path) -> None:
    kept(place)

    place.quarantine(NAME, "case-7")

    assert list(place.names()) == []
    assert (tmp_path / "spool" / "case-7.damaged").read_bytes() == CONTENT
