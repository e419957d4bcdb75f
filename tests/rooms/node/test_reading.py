"""Real and hostile files through the whole cage: no escape, no hang, always an answer."""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from svitlo.node.description import parse_object
from svitlo.node.sandbox import Cage, CageLimits
from svitlo.seal import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from svitlo.node.description import Description, Value


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage.open(CageLimits(wall_s=20, cpu_s=8)) as built:
        yield built


def described(cage: Cage, data: bytes, name: str = "file") -> Description:
    return cage.describe(lambda offset, length: data[offset : offset + length], len(data), name)


def value(found: Description, name: str) -> Value:
    claim = found.fields[name]
    assert isinstance(claim, dict)
    return claim["value"]


def fits_a_statement(found: Description) -> bool:
    body: dict[str, Value] = {
        "kind": {**found.kind},
        "fields": found.fields,
        "provenance": found.provenance,
        "fingerprint": found.fingerprint,
        "params": found.params,
    }
    text = canonical.dumps(body)
    parse_object(text)
    return len(text) <= 56 * 1024


@pytest.mark.shared
def test_hostile_pictures_cost_at_most_themselves(cage: Cage, shared: Path) -> None:
    outcomes: Counter[str] = Counter()
    for path in sorted((shared / "hostile-files/pillow").iterdir()):
        if path.name == "LICENSE":
            continue
        began = time.monotonic()
        found = described(cage, path.read_bytes(), path.name)
        assert time.monotonic() - began < 20, path.name
        assert fits_a_statement(found), path.name
        seen = "seen" if found.preview else "unreadable"
        outcomes[found.skipped or seen] += 1
        if not found.preview and not found.skipped:
            assert "pixels.unreadable" in found.fields, path.name
    assert outcomes == {"unsupported": 24, "unreadable": 19, "seen": 11, "too_large": 1}


@pytest.mark.shared
def test_every_file_at_hand_is_described_and_fits_a_statement(cage: Cage, shared: Path) -> None:
    folders = ("media-metadata", "c2pa", "warc", "rfc3161", "hostile-files/blns")
    paths = [path for name in folders for path in (shared / name).rglob("*") if path.is_file()]
    assert len(paths) > 50
    for path in paths:
        found = described(cage, path.read_bytes(), path.name)
        assert fits_a_statement(found), path.name
        assert found.skipped in {None, "unsupported"}, path.name


def png_bomb() -> bytes:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


def zip_of(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def photograph() -> bytes:
    out = io.BytesIO()
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    Image.effect_noise((200, 150), 60).convert("RGB").save(out, "JPEG", exif=tags)
    return out.getvalue()


def test_a_picture_bomb_is_too_large(cage: Cage) -> None:
    found = described(cage, png_bomb(), "bomb.png")
    assert found.skipped == "too_large"
    assert value(found, "photo.width_px") == 30_000


def test_a_picture_beyond_memory_keeps_its_size_and_says_so() -> None:
    limits = CageLimits(memory_bytes=700 << 20, pixels=10**9, wall_s=30)
    with Cage.open(limits) as small:
        found = described(small, png_bomb(), "bomb.png")
        assert found.skipped in {"memory", "crashed"}
        assert found.kind["mime"] == "image/png"
        assert described(small, photograph()).skipped is None


def test_a_polyglot_is_flagged(cage: Cage) -> None:
    found = described(cage, photograph() + zip_of("a.txt", b"x"), "photo.zip")
    assert found.kind["mime"] == "image/jpeg"
    assert value(found, "kind.also") == ["application/zip"]
    assert value(found, "kind.extension_differs") == "zip"
    assert value(found, "trailing.kind") == "application/zip"


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a", "a.jpg.txt/b.jpg", ""])
def test_names_that_fit_are_not_flagged(cage: Cage, name: str) -> None:
    assert "kind.extension_differs" not in described(cage, photograph(), name).fields


def test_a_program_is_known_and_not_read(cage: Cage) -> None:
    found = described(cage, b"MZ\x90\0" + bytes(100), "photo.jpg")
    assert found.skipped == "unsupported"
    assert value(found, "kind.extension_differs") == "jpg"


def test_large_files_are_served_in_pieces_and_only_where_read(cage: Cage) -> None:
    data = zip_of("a.txt", b"hello")
    size = 5 << 30
    asked = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal asked
        asked += length
        start = size - len(data)
        block = bytearray(length)
        for place in range(max(offset, start), offset + length):
            block[place - offset] = data[place - start]
        if offset == 0:
            block[:4] = b"PK\x03\x04"
        return bytes(block)

    found = cage.describe(read, size, "big.zip")
    assert value(found, "archive.members") == [{"path": "a.txt", "size_bytes": 5}]
    assert asked < 1 << 20


def test_damaged_files_are_described_or_skipped_but_never_lost(cage: Cage) -> None:
    chance = random.Random(20221010)  # noqa: S311 - the same damage in every run
    for original in (photograph(), zip_of("a.zip", zip_of("b", b"x"))):
        for _ in range(25):
            data = bytearray(original)
            for _ in range(chance.randint(1, 20)):
                data[chance.randrange(4, len(data))] = chance.randrange(256)
            assert fits_a_statement(described(cage, bytes(data)))
