"""What an archive or an office file says of itself: members, sizes, and what makes it a trap.

Nothing is unpacked to a disk. Archives within archives are looked into three deep, in memory and
within one budget. A bomb is a finding, not an error: its codes stand in `archive.alarms`.

Sources: ECMA-376-2 and ODF 1.3 for office files; the limits are our own.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal

from svitlo.media import zipped
from svitlo.media.claim import PARSER_ERRORS, clean_text, reason, time_of
from svitlo.media.kind import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from svitlo.media.claim import Claims, Value
    from svitlo.media.signature import Kind

DEPTH = 3
NESTED_BYTES = 64 << 20
_LISTED_BYTES = 20 * 1024
_NESTED = 50
_BLOCK = 1 << 20
_INSIDE = re.compile(
    r"\.(zip|jar|apk|docx|xlsx|pptx|odt|ods|odp|epub|wacz|docm|xlsm)$", re.IGNORECASE
)
_SQUEEZED = frozenset({"gz", "tar.gz", "bz2", "xz"})
_OFFICE_PARTS = ("docProps/core.xml", "docProps/app.xml", "meta.xml")
_OFFICE_TEXTS = {
    "office.author": ("dc:creator", "meta:initial-creator"),
    "office.last_author": ("cp:lastModifiedBy",),
    "office.application": ("Application", "meta:generator"),
    "office.title": ("dc:title",),
}
_OFFICE_TIMES = {
    "time.created": ("dcterms:created", "meta:creation-date"),
    "time.modified": ("dcterms:modified", "dc:date"),
}


@dataclass(slots=True)
class _Tally:
    """What adds up over the members of one archive and of those inside it."""

    alarms: set[str] = field(default_factory=set)
    nested: list[Value] = field(default_factory=list)
    left_bytes: int = NESTED_BYTES
    unpacked_limit: int = zipped.TOTAL_BYTES


def note_archive(stream: BinaryIO, size: int, kind: Kind, claims: Claims) -> str:
    """Note members and alarms; comes back with why not all was read."""
    tally = _Tally(unpacked_limit=min(zipped.TOTAL_BYTES, zipped.RATIO * max(size, _BLOCK)))
    try:
        if kind.extension == "tar":
            stream.seek(0)
            _note_tar(stream, claims, tally, "r:")
            why = ""
        elif kind.extension in _SQUEEZED:
            why = _note_squeezed(stream, kind, claims, tally)
        else:
            why = _note_zip(stream, size, claims, tally)
    except (*PARSER_ERRORS, tarfile.TarError, lzma.LZMAError) as error:
        claims.add("archive.unreadable", reason(error))
        why = ""
    if tally.nested:
        claims.add("archive.nested", tally.nested)
    if tally.alarms:
        claims.add("archive.alarms", [*sorted(tally.alarms)])
    return why


def _note_zip(stream: BinaryIO, size: int, claims: Claims, tally: _Tally) -> str:
    directory = zipped.read_directory(stream, size)
    members = directory.members
    claims.add("archive.member_count", directory.announced)
    claims.add("archive.unpacked_bytes", sum(member.size for member in members))
    _sound(directory, tally)
    for name in ("leading_bytes", "trailing_bytes", "comment_bytes"):
        if getattr(directory, name):
            claims.add(f"archive.{name}", getattr(directory, name))
    _note_members(((member.path, member.size) for member in members), claims)
    _note_office(stream, members, claims)
    _look_inside(stream, members, tally, depth=1)
    is_locked = bool(members) and all(
        member.is_encrypted for member in members if not member.path.endswith("/")
    )
    if any(member.is_encrypted for member in members):
        claims.add("archive.encrypted", value=True)
    return "encrypted" if is_locked else ""


def _sound(directory: zipped.Directory, tally: _Tally) -> None:
    """Name what makes this directory a trap."""
    members = directory.members
    tests = {
        "too_many_members": directory.announced > zipped.MEMBERS,
        "members_differ": len(members) < min(directory.announced, zipped.MEMBERS),
        "too_large_unpacked": sum(member.size for member in members) > zipped.TOTAL_BYTES,
        "ratio": any(member.size > zipped.RATIO * max(member.packed, 64) for member in members),
        "overlap": zipped.overlaps(members),
        "unsafe_name": any(zipped.is_unsafe(member.path) for member in members),
        "link": any(member.is_link for member in members),
        "same_name": len({member.path for member in members}) < len(members),
    }
    tally.alarms |= {name for name, holds in tests.items() if holds}


def _note_members(listed: Iterable[tuple[str, int]], claims: Claims) -> None:
    """List members as far as the room in a statement goes."""
    room = min(claims.room_bytes() // 2, _LISTED_BYTES)
    members: list[Value] = []
    for path, size in listed:
        text = clean_text(path, 300)
        room -= len(json.dumps(text, ensure_ascii=False).encode()) + 40
        if room < 0:
            claims.add("archive.members_cut", value=True)
            break
        members.append({"path": text, "size_bytes": size})
    claims.add("archive.members", members)


def _look_inside(
    stream: BinaryIO, members: tuple[zipped.Member, ...], tally: _Tally, depth: int
) -> None:
    for member in members:
        if not _INSIDE.search(member.path) or len(tally.nested) >= _NESTED:
            continue
        entry: dict[str, Value] = {"path": clean_text(member.path, 300), "depth": depth}
        tally.nested.append(entry)
        if depth >= DEPTH:
            tally.alarms.add("nesting")
            continue
        if member.size > tally.left_bytes:
            entry["unread"] = "too_large"
            continue
        try:
            data = zipped.read_member(stream, member, member.size)
            tally.left_bytes -= len(data)
            inner = io.BytesIO(data)
            directory = zipped.read_directory(inner, len(data))
        except PARSER_ERRORS as error:
            entry["unread"] = reason(error)
            continue
        entry["member_count"] = directory.announced
        entry["unpacked_bytes"] = sum(found.size for found in directory.members)
        _sound(directory, tally)
        _look_inside(inner, directory.members, tally, depth + 1)


def _note_squeezed(stream: BinaryIO, kind: Kind, claims: Claims, tally: _Tally) -> str:
    """A single compressed file: how long it is unpacked, and what it holds."""
    stream.seek(0)
    opened = _opened(stream, kind.extension)
    head = opened.read(_BLOCK)
    inner = kind_of(io.BytesIO(head), len(head))
    claims.add("archive.holds", inner.mime)
    if inner.extension == "tar":
        bounded = _Bounded(opened, head, tally.unpacked_limit)
        try:
            _note_tar(bounded, claims, tally)
        finally:
            claims.add("archive.unpacked_bytes", bounded.count)
            if bounded.is_over:
                tally.alarms.add("ratio")
        return ""
    total = len(head)
    while block := opened.read(_BLOCK):
        total += len(block)
        if total > tally.unpacked_limit:
            tally.alarms.add("ratio")
            break
    claims.add("archive.unpacked_bytes", total)
    return "too_large" if tally.alarms else ""


def _opened(stream: BinaryIO, extension: str) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if extension == "bz2":
        return bz2.BZ2File(stream)
    if extension == "xz":
        return lzma.LZMAFile(stream)
    return gzip.GzipFile(fileobj=stream)


class _Bounded(io.RawIOBase):
    """An unpacked stream that ends at a limit, with its first block read before."""

    def __init__(self, rest: BinaryIO | io.BufferedIOBase, head: bytes, limit: int) -> None:
        super().__init__()
        self._rest, self._head, self._limit = rest, head, limit
        self.count = 0
        self.is_over = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        wanted = _BLOCK if size < 0 else min(size, _BLOCK)
        block, self._head = self._head[:wanted], self._head[wanted:]
        if not block:
            block = self._rest.read(wanted)
        self.count += len(block)
        self.is_over = self.count > self._limit
        return b"" if self.is_over else block


def _note_tar(
    stream: BinaryIO | io.RawIOBase, claims: Claims, tally: _Tally, mode: Literal["r:", "r|"] = "r|"
) -> None:
    """The members of a tar archive; links and special files are alarms."""
    listed: list[tuple[str, int]] = []
    count = total = 0
    try:
        with tarfile.open(fileobj=stream, mode=mode, errorlevel=0) as archive:
            for member in archive:
                count, total = count + 1, total + member.size
                if count > zipped.MEMBERS:
                    tally.alarms.add("too_many_members")
                    break
                if len(listed) <= _LISTED_BYTES // 40:
                    listed.append((member.name, member.size))
                _sound_tar(member, tally)
    finally:
        claims.add("archive.member_count", count)
        claims.add("archive.content_bytes", total)
        _note_members(listed, claims)
    if len(listed) < count:
        claims.add("archive.members_cut", value=True)
    if total > zipped.TOTAL_BYTES:
        tally.alarms.add("too_large_unpacked")


def _sound_tar(member: tarfile.TarInfo, tally: _Tally) -> None:
    if zipped.is_unsafe(member.name):
        tally.alarms.add("unsafe_name")
    if member.islnk() or member.issym():
        tally.alarms.add("link")
    if member.isdev():
        tally.alarms.add("special_file")


def _note_office(stream: BinaryIO, members: tuple[zipped.Member, ...], claims: Claims) -> None:
    """Authors and times of an office file, from its property parts."""
    by_path = {member.path: member for member in members[:5000]}
    if any(path.endswith("vbaProject.bin") for path in by_path):
        claims.add("office.macros", value=True)
    for part in _OFFICE_PARTS:
        if part not in by_path:
            continue
        try:
            text = zipped.read_member(stream, by_path[part], 256 * 1024).decode("utf-8", "replace")
        except PARSER_ERRORS:
            continue
        for name, elements in _OFFICE_TEXTS.items():
            claims.add(name, _element(text, elements), tag=part)
        for name, elements in _OFFICE_TIMES.items():
            raw = _element(text, elements)
            claims.add(name, time_of(raw), raw=raw, tag=part)


def _element(text: str, names: tuple[str, ...]) -> str:
    for name in names:
        found = re.search(rf"<{name}(?:\s[^>]{{0,200}})?>([^<]{{1,500}})<", text)
        if found:
            return found.group(1).strip()
    return ""
