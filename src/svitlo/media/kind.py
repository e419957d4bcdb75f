"""What kind of file some bytes are, by their content and never by their name.

The table is our own: the kinds that evidence comes in, those that matter because they should not be
there (programs), and those that puremagic misses. Containers (ZIP, RIFF, ISO media, OLE, EBML) are
looked into. What the table does not know is asked of puremagic, and what it does not know either is
text when it decodes, else `application/octet-stream`.

Sources: the formats' own specifications; IANA media types.
"""

from __future__ import annotations

import io
import re
import warnings
import zlib
from typing import BinaryIO

import puremagic

from svitlo.media.signature import (
    BRANDS,
    EMPTY,
    GENERAL_BRANDS,
    MATROSKA,
    MP4,
    RIFF_FORMS,
    SHAPES,
    SIGNATURES,
    TAR_MAGIC_AT,
    TEXT,
    THREE_GP,
    UNKNOWN,
    WEBM,
    ZIP,
    Kind,
)

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 64 * 1024 + 22
"""Where a ZIP archive's end record must lie (APPNOTE 4.3.16)."""

_OOXML = "application/vnd.openxmlformats-officedocument."
_ZIP_MARKS: tuple[tuple[bytes, Kind], ...] = (
    (b"word/", Kind(_OOXML + "wordprocessingml.document", "docx", "archive")),
    (b"xl/", Kind(_OOXML + "spreadsheetml.sheet", "xlsx", "archive")),
    (b"ppt/", Kind(_OOXML + "presentationml.presentation", "pptx", "archive")),
    (b"AndroidManifest.xml", Kind("application/vnd.android.package-archive", "apk", "archive")),
    (b"META-INF/MANIFEST.MF", Kind("application/java-archive", "jar", "archive")),
    (b"datapackage.json", Kind("application/wacz", "wacz", "wacz")),
)
_ODF_EXTENSIONS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp", "graphics": "odg"}

_MARKUP: tuple[tuple[bytes, Kind], ...] = (
    (rb"<!doctype html|<html[\s>]|<head[\s>]", Kind("text/html", "html", "text")),
    (rb"<svg[\s>]", Kind("image/svg+xml", "svg", "text")),
    (rb"<gpx[\s>]", Kind("application/gpx+xml", "gpx", "text")),
    (rb"<kml[\s>]", Kind("application/vnd.google-earth.kml+xml", "kml", "text")),
    (rb"<\?xml", Kind("application/xml", "xml", "text")),
)
_MAIL_HEADER = re.compile(
    rb"(?:received|return-path|delivered-to|message-id|mime-version|from|to|date|subject|x-[\w-]+)"
    rb":[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*",
    re.IGNORECASE,
)
_MAIL_HEADERS_NEEDED = 3
_HOLDS_MARKUP = frozenset({"text", "mail", "warc"})


def kind_of(stream: BinaryIO, size: int) -> Kind:
    """The kind of the file in `stream`, which holds `size` bytes."""
    head, tail = ends_of(stream, size)
    if not head:
        return EMPTY
    kind = _by_signature(head)
    if kind == ZIP:
        return _zip_kind(head, tail)
    if kind.mime == "application/gzip":
        return _gzip_kind(head)
    return kind


def ends_of(stream: BinaryIO, size: int) -> tuple[bytes, bytes]:
    """The first `HEAD_BYTES` and the last `TAIL_BYTES` of a file."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(max(0, size - TAIL_BYTES))
    return head, stream.read(TAIL_BYTES)


def others_in(kind: Kind, head: bytes, tail: bytes) -> list[str]:
    """Media types that these bytes could also be taken for, beside `kind`: a polyglot's faces."""
    found = []
    if b"%PDF-" in head[:1024] and kind.mime != "application/pdf":
        found.append("application/pdf")
    if kind.group not in {"archive", "wacz"} and _has_zip_end(tail):
        found.append("application/zip")
    if kind.group not in _HOLDS_MARKUP and re.search(
        rb"<(?:html|script)[\s>]", head[:4096], re.IGNORECASE
    ):
        found.append("text/html")
    return found


def _has_zip_end(tail: bytes) -> bool:
    at = tail.rfind(b"PK\x05\x06")
    return at >= 0 and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)


def _by_signature(head: bytes) -> Kind:
    found = _by_container(head)
    if found:
        return found
    for at, magic, kind in SIGNATURES:
        if head.startswith(magic, at) and (kind.extension != "bmp" or _is_bitmap(head)):
            return kind
    for pattern, kind in SHAPES:
        if pattern.match(head):
            return kind
    return _text_kind(head) or _by_puremagic(head)


def _by_container(head: bytes) -> Kind | None:
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return _media_kind(head)
    if head[:4] in {b"RIFF", b"RF64"}:
        return RIFF_FORMS.get(head[8:12], UNKNOWN)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return WEBM if b"webm" in head[:64] else MATROSKA
    return None


def _is_bitmap(head: bytes) -> bool:
    return head[14:18] in {bytes((length, 0, 0, 0)) for length in (12, 40, 52, 56, 64, 108, 124)}


def _media_kind(head: bytes) -> Kind:
    """By the brands of ISO 14496-12, the major one first."""
    if head[4:8] != b"ftyp":
        return BRANDS[b"qt  "]
    length = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
    for table in (BRANDS, GENERAL_BRANDS):
        for brand in brands:
            if brand in table:
                return table[brand]
    return THREE_GP if brands[0][:3] in {b"3gp", b"3g2"} else MP4


def _zip_kind(head: bytes, tail: bytes) -> Kind:
    if head[26:30] == b"\x08\x00\x00\x00" and head[30:38] == b"mimetype":
        declared = head[38:120].split(b"PK")[0].decode("ascii", "replace").strip()
        if declared == "application/epub+zip":
            return Kind(declared, "epub", "archive")
        for word, extension in _ODF_EXTENSIONS.items():
            if declared == f"application/vnd.oasis.opendocument.{word}":
                return Kind(declared, extension, "archive")
    for mark, kind in _ZIP_MARKS:
        if _names_member(head, mark, 26, 30) or _names_member(tail, mark, 28, 46):
            return kind
    return ZIP


def _names_member(data: bytes, mark: bytes, length_at: int, name_at: int) -> bool:
    """Whether a local (APPNOTE 4.3.7) or central (4.3.12) header names a member so."""
    signature = b"PK\x03\x04" if name_at == 30 else b"PK\x01\x02"  # noqa: PLR2004 - see above
    at = data.find(mark)
    while at >= 0:
        start = at - name_at
        if start >= 0 and data[start : start + 4] == signature:
            length = int.from_bytes(data[start + length_at : start + length_at + 2], "little")
            if mark.endswith(b"/") or length == len(mark):
                return True
        at = data.find(mark, at + 1)
    return False


def _gzip_kind(head: bytes) -> Kind:
    try:
        start = zlib.decompressobj(31).decompress(head, 1024)
    except zlib.error:
        start = b""
    if start.startswith(b"WARC/"):
        return Kind("application/warc", "warc.gz", "warc")
    if start.startswith(b"filedesc://"):
        return Kind("application/x-arc", "arc.gz", "warc")
    if start.startswith(b"ustar", TAR_MAGIC_AT):
        return Kind("application/gzip", "tar.gz", "archive")
    return Kind("application/gzip", "gz", "archive")


def _text_kind(head: bytes) -> Kind | None:
    start = head[:4096]
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return TEXT
    if not _is_text(head):
        return None
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if lowered.startswith(b"<"):
        for pattern, kind in _MARKUP:
            if re.search(pattern, lowered):
                return kind
    if lowered.startswith((b"{", b"[")):
        return Kind("application/json", "json", "text")
    if _is_mail(start):
        return Kind("message/rfc822", "eml", "mail")
    return TEXT


def _is_text(head: bytes) -> bool:
    """Whether this is text: no control characters but breaks, tabs, form feeds and escapes.

    Text in an older encoding is text too, so what is no UTF-8 is not refused.
    """
    return not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head)


def _is_mail(start: bytes) -> bool:
    count, at = 0, 0
    while count < _MAIL_HEADERS_NEEDED and (found := _MAIL_HEADER.match(start, at)):
        count, at = count + 1, found.end()
    return count >= _MAIL_HEADERS_NEEDED


def _by_puremagic(head: bytes) -> Kind:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = puremagic.magic_stream(io.BytesIO(head))
    except (puremagic.PureError, ValueError, LookupError):
        return UNKNOWN
    for match in found:
        extension = match.extension.lstrip(".").lower()
        if match.mime_type and re.fullmatch(r"[a-z0-9]{1,8}", extension):
            return Kind(match.mime_type, extension)
    return UNKNOWN
