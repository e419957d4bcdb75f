"""What a PDF says of itself; it is never rendered.

Marks of active content are looked for in the plain bytes and in compressed object streams, and with
`#xx` undone in names. More than one `%%EOF` means that earlier states of the document lie in the
file (a linearised file has two at once, which is said).

Sources: ISO 32000-2, 7.3.5 (names), 7.5.4 to 7.5.8 (trailer, updates, object streams), 14.3.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from svitlo.media.claim import time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from svitlo.media.claim import Claims, Value

WHOLE_BYTES = 64 << 20
INFLATED_BYTES = 128 << 20
"""How much is read, and how much of compressed streams is looked at."""

_MARKS = {
    "javascript": rb"JavaScript|JS",
    "launch": rb"Launch",
    "embedded_file": rb"EmbeddedFiles?",
    "open_action": rb"OpenAction",
    "additional_action": rb"AA",
    "submit_form": rb"SubmitForm",
    "remote_go_to": rb"GoTo[RE]",
    "uri": rb"URI",
    "rich_media": rb"RichMedia",
    "xfa_form": rb"XFA",
    "signature": rb"ByteRange",
}
_PATTERNS = {
    mark: re.compile(rb"/(?:" + names + rb")(?![A-Za-z0-9])") for mark, names in _MARKS.items()
}
_TEXTS = {
    "pdf.producer": rb"/Producer",
    "pdf.creator": rb"/Creator",
    "pdf.title": rb"/Title",
    "pdf.author": rb"/Author",
}
_TIMES = {"time.created": rb"/CreationDate", "time.modified": rb"/ModDate"}
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:(Z)|([+-]\d\d)'?(\d\d)?)?")
_XMP = re.compile(rb"<x:xmpmeta.{0,262144}?</x:xmpmeta>", re.DOTALL)
_XMP_TIMES = {"time.xmp_created": rb"CreateDate", "time.xmp_modified": rb"ModifyDate"}
_STREAM = re.compile(rb"/FlateDecode[^>]{0,512}>>\s{0,8}stream\r?\n")
_PAGE = re.compile(rb"/Type\s*/Page[\s/>]")


def note_pdf(stream: BinaryIO, size: int, claims: Claims) -> str:
    """Note version, revisions, marks, texts and times; comes back with why not all was read."""
    stream.seek(0)
    data = stream.read(WHOLE_BYTES)
    version = re.search(rb"%PDF-(\d\.\d)", data[:1024])
    if version:
        claims.add("pdf.version", version.group(1).decode())
    is_linear = b"/Linearized" in data[:1024]
    ends = data.count(b"%%EOF")
    claims.add("pdf.end_marks", ends)
    claims.add("pdf.revisions", max(1, ends - (1 if is_linear else 0)))
    if is_linear:
        claims.add("pdf.linearised", value=True)
    last = data.rfind(b"%%EOF")
    if last >= 0 and data[last + 5 :].strip(b"\r\n \0"):
        claims.add("trailing.bytes", size - last - 5)
    is_encrypted = re.search(rb"/Encrypt[\s<]", data) is not None
    if is_encrypted:
        claims.add("pdf.encrypted", value=True)
    _note_contents(data, claims)
    _note_xmp(data, claims)
    return "encrypted" if is_encrypted else "too_large" if size > WHOLE_BYTES else ""


def _note_contents(data: bytes, claims: Claims) -> None:
    counts = dict.fromkeys(_PATTERNS, 0)
    pages = 0
    for part in (data, *_inflated(data)):
        plain = _without_escapes(part)
        pages += len(_PAGE.findall(plain))
        for name, pattern in _PATTERNS.items():
            counts[name] += len(pattern.findall(plain))
        _note_information(plain, claims)
    marks: list[Value] = [name for name, count in counts.items() if count]
    claims.add("pdf.marks", marks)
    if pages:
        claims.add("pdf.pages", pages)


def _note_information(data: bytes, claims: Claims) -> None:
    for name, key in _TEXTS.items():
        claims.add(name, _text_after(data, key), tag=key.decode())
    for name, key in _TIMES.items():
        raw = _text_after(data, key)
        found = _DATE.match(raw)
        if found:
            year, month, day, hour, minute, second, zulu, zone, minutes = found.groups()
            moment = f"{year}-{month}-{day} {hour}:{minute}:{second}"
            offset = zulu or (f"{zone}:{minutes or '00'}" if zone else "")
            claims.add(name, time_of(moment, offset), raw=raw, tag=key.decode())


def _note_xmp(data: bytes, claims: Claims) -> None:
    found = _XMP.search(data)
    if not found:
        return
    packet = found.group()
    claims.add("pdf.xmp_bytes", len(packet))
    for name, key in _XMP_TIMES.items():
        text = re.search(rb"xmp:" + key + rb"(?:>|\s*=\s*[\"'])([^<\"']{1,40})", packet)
        if text:
            raw = text.group(1).decode("utf-8", "replace")
            claims.add(name, time_of(raw), raw=raw, tag=f"xmp:{key.decode()}")


def _text_after(data: bytes, key: bytes) -> str:
    """The literal or hexadecimal string that follows a key (7.3.4)."""
    found = re.search(
        key + rb"\s*(?:\(((?:[^()\\]|\\.){0,2000})\)|<([0-9A-Fa-f\s]{0,4000})>)", data
    )
    if not found:
        return ""
    if found.group(2) is not None:
        digits = re.sub(rb"\s", b"", found.group(2)).decode()
        raw = bytes.fromhex(digits + "0" * (len(digits) % 2))
    else:
        raw = re.sub(rb"\\([()\\])", rb"\1", found.group(1))
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    return raw.decode("utf-8" if raw.startswith(b"\xef\xbb\xbf") else "latin-1", "replace")


def _without_escapes(data: bytes) -> bytes:
    if b"#" not in data:
        return data
    return re.sub(
        rb"#([2-7][0-9A-Fa-f])", lambda found: bytes.fromhex(found.group(1).decode()), data
    )


def _inflated(data: bytes) -> Iterator[bytes]:
    """What compressed streams hold, as far as the limit goes; pictures do not inflate to text."""
    left = INFLATED_BYTES
    for found in _STREAM.finditer(data):
        if b"/Image" in found.group() or left <= 0:
            continue
        try:
            part = zlib.decompressobj().decompress(data[found.end() : found.end() + left], left)
        except zlib.error:
            continue
        left -= len(part)
        yield part
