"""Archives made for tests, and what comes out of them."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

from svitlo.node.archives import ArchiveReader, with_members
from svitlo.node.census import Offered, Walk
from svitlo.node.containers import LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
MODES = ["w:", "w:gz", "w:bz2", "w:xz"]


def noise(size: int) -> bytes:
    return os.urandom(size)


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
    return list(with_members(Walk([path]).offered(), limits))[1:]


def content_of(reader: ArchiveReader, member: Offered, step: int = 1 << 16) -> bytes:
    with reader.member(member.container, member.place) as (read_into, size, _mtime_ns):
        taken, room = bytearray(), bytearray(step)
        while got := read_into(memoryview(room)):
            taken += room[:got]
        assert len(taken) == size
    return bytes(taken)


def all_contents(path: bytes, limits: Limits = LIMITS, step: int = 1 << 16) -> list[bytes]:
    with ArchiveReader(limits) as reader:
        return [content_of(reader, m, step) for m in members_of(path, limits) if not m.code]


def codes(members: Sequence[Offered]) -> list[str]:
    return [member.code for member in members]


def patched(made: bytes, offset: int, form: str, value: int) -> bytes:
    """The zip with one field of its first directory entry changed."""
    at = made.index(b"PK\x01\x02") + offset
    size = struct.calcsize(form)
    return made[:at] + struct.pack(form, value) + made[at + size :]


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
