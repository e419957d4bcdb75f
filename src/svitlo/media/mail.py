"""What a message or a text says of itself: headers, parts, encoding. Nothing is fetched or shown.

Headers are claims like all others: any of them can be forged, the lower Received lines too.

Sources: RFC 5322, RFC 2045 to 2047; the encodings as Python names them.
"""

from __future__ import annotations

import email
import email.policy
import re
from email.errors import MessageError
from typing import TYPE_CHECKING, BinaryIO

from svitlo.media.claim import PARSER_ERRORS, clean_text, reason

if TYPE_CHECKING:
    from email.message import EmailMessage

    from svitlo.media.claim import Claims, Value
    from svitlo.media.signature import Kind

WHOLE_BYTES = 64 << 20
_HEADERS = (
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "reply-to",
    "x-mailer",
)
_PARTS = 200
_RECEIVED = 20
_TEXT_BYTES = 1 << 20
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_CYRILLIC = re.compile("[\u0400-\u045f\u0490\u0491\u2116]")


def note_mail(stream: BinaryIO, size: int, kind: Kind, claims: Claims) -> str:
    """Note headers, signatures present and attachments; comes back with why not all was read."""
    stream.seek(0)
    data = stream.read(WHOLE_BYTES)
    if kind.extension == "mbox":
        claims.add("mail.messages", len(re.findall(rb"(?:\A|\n)From [^\r\n]+\r?\n", data)))
        _, _, data = data.partition(b"\n")
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        _note_headers(message, claims)
        _note_parts(message, claims)
    except (*PARSER_ERRORS, MessageError) as error:
        claims.add("mail.unreadable", reason(error))
    return "too_large" if size > WHOLE_BYTES else ""


def note_text(stream: BinaryIO, size: int, claims: Claims) -> None:
    """Note encoding, line ends and number of lines of the first MiB."""
    stream.seek(0)
    data = stream.read(_TEXT_BYTES)
    encoding = encoding_of(data, is_cut=size > len(data))
    claims.add("text.encoding", encoding)
    breaks = {"crlf": data.count(b"\r\n"), "lf": data.count(b"\n"), "cr": data.count(b"\r")}
    breaks["lf"] -= breaks["crlf"]
    breaks["cr"] -= breaks["crlf"]
    found: list[Value] = [name for name, count in breaks.items() if count]
    claims.add("text.line_ends", found)
    if size <= len(data):
        claims.add("text.lines", len(data.splitlines()))


def encoding_of(data: bytes, *, is_cut: bool = False) -> str:
    """`ascii`, `utf-8`, another Unicode form by its mark, or `windows-1251` by content."""
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name
    if data.isascii():
        return "ascii"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if not is_cut or error.start < len(data) - 3:
            return _single_byte(data)
    return "utf-8"


def _single_byte(data: bytes) -> str:
    """Cyrillic when most high bytes are its letters; else nothing is guessed."""
    high = bytes(byte for byte in data[:65536] if byte >= 0x80)  # noqa: PLR2004 - beyond ASCII
    text = high.decode("windows-1251", "replace")
    is_cyrillic = len(_CYRILLIC.findall(text)) > 0.9 * len(text)
    return "windows-1251" if is_cyrillic else "unknown-8bit"


def _note_headers(message: EmailMessage, claims: Claims) -> None:
    for name in _HEADERS:
        text = _header(message, name)
        if text:
            claims.add(f"mail.{name.replace('-', '_')}", text, tag=name)
    try:
        moment = message["date"].datetime if message["date"] is not None else None
    except PARSER_ERRORS:
        moment = None
    if moment is not None:
        zone = "" if moment.tzinfo is None else moment.strftime("%z")
        local = moment.replace(tzinfo=None).isoformat()
        claims.add("time.sent", local + (f"{zone[:3]}:{zone[3:5]}" if zone else ""), tag="date")
    received: list[Value] = [
        clean_text(" ".join(str(line).split()), 300)
        for line in message.get_all("received", [])[:_RECEIVED]
    ]
    if received:
        claims.add("mail.received", received, tag="received")
    for name in ("dkim-signature", "arc-seal"):
        if name in message:
            claims.add(f"mail.{name.replace('-', '_')}", "present, not verified", tag=name)


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message[name]
    except PARSER_ERRORS:
        return ""
    return "" if value is None else " ".join(str(value).split())


def _note_parts(message: EmailMessage, claims: Claims) -> None:
    parts: list[Value] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        entry: dict[str, Value] = {"mime": clean_text(part.get_content_type(), 100)}
        name = part.get_filename()
        if name:
            entry["name"] = clean_text(str(name), 200)
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            entry["size_bytes"] = len(payload)
        parts.append(entry)
        if len(parts) >= _PARTS:
            break
    claims.add("mail.parts", parts)
    kinds = {str(entry["mime"]) for entry in parts if isinstance(entry, dict)}
    for mime in ("application/pgp-signature", "application/pkcs7-signature"):
        if mime in kinds or f"application/x-{mime.partition('/')[2]}" in kinds:
            claims.add("mail.signature", "present, not verified", tag=mime)
