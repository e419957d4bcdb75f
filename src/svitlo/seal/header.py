"""The header of an age file: the file key wrapped for each recipient, and a MAC over all of it.

Parsing is strict, so that one header has one form: canonical base64 without padding, lines of 64
columns, a short line at the end of every stanza, an scrypt stanza alone. Stanzas of unknown kinds
are kept and ignored. Source: the age specification, "Header".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from svitlo.errors import AgeError

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION_LINE = b"age-encryption.org/v1\n"
STANZA_MARK = b"-> "
END_MARK = b"---"
VISIBLE = re.compile(rb"[!-~]+")
COLUMNS = 64
MAC_BYTES = 32
MAX_HEADER_BYTES = 1 << 20
"""More than 600 post-quantum recipients; a longer header is an attempt to exhaust us."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """A file key wrapped for one recipient: what kind, its arguments, the wrapped key."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header; its MAC can be checked only with the file key."""

    stanzas: tuple[Stanza, ...]
    signed: bytes
    mac: bytes

    def check(self, file_key: bytes) -> None:
        """Nothing, when the MAC over the header is that of the file key.

        Raises:
            AgeError: it is not: the header was changed.
        """
        if not hmac.compare_digest(self.mac, header_mac(file_key, self.signed)):
            raise AgeError("the MAC of an age header does not hold: it was changed")


def header_mac(file_key: bytes, signed: bytes) -> bytes:
    """HMAC-SHA-256 over the header up to and with its `---`."""
    key = HKDF(SHA256(), 32, None, b"header").derive(file_key)
    return hmac.digest(key, signed, "sha256")


def format_header(stanzas: Iterable[Stanza], file_key: bytes) -> bytes:
    """The bytes of a header with these stanzas, in this order."""
    signed = VERSION_LINE + b"".join(map(_format_stanza, stanzas)) + END_MARK
    return signed + b" " + encode_base64(header_mac(file_key, signed)).encode() + b"\n"


def parse_header(header: bytes) -> Header:
    """The parts of a header that stands alone.

    Raises:
        AgeError: it breaks the grammar, or something follows it.
    """
    parsed, end = _parse(header)
    if end != len(header):
        raise AgeError(f"an age header of {end} bytes was expected, {len(header)} were found")
    return parsed


def split_file(content: bytes) -> tuple[bytes, bytes]:
    """The header and the body of a whole age file (or of its first bytes).

    Raises:
        AgeError: it does not begin with a header.
    """
    _, end = _parse(content)
    return content[:end], content[end:]


def encode_base64(content: bytes) -> str:
    """Base64 without padding (RFC 4648 section 4)."""
    return base64.b64encode(content).rstrip(b"=").decode("ascii")


def decode_base64(text: bytes | str) -> bytes:
    """The bytes of canonical base64 without padding.

    Raises:
        AgeError: it is not the one form that `encode_base64` writes.
    """
    letters = text if isinstance(text, bytes) else text.encode("ascii", "replace")
    try:
        content = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        raise AgeError("base64 was expected in an age header") from None
    if encode_base64(content).encode() != letters:
        raise AgeError("canonical base64 without padding was expected in an age header")
    return content


def _format_stanza(stanza: Stanza) -> bytes:
    text = encode_base64(stanza.body).encode()
    lines = [text[start : start + COLUMNS] for start in range(0, len(text) + 1, COLUMNS)]
    return b"%b%b\n%b\n" % (
        STANZA_MARK,
        " ".join((stanza.kind, *stanza.arguments)).encode("ascii"),
        b"\n".join(lines),
    )


def _parse(content: bytes) -> tuple[Header, int]:
    """The header that `content` begins with, and where it ends."""
    if not content.startswith(VERSION_LINE):
        raise AgeError("an age v1 file was expected; it begins with age-encryption.org/v1")
    stanzas, at = [], len(VERSION_LINE)
    while content.startswith(STANZA_MARK, at):
        stanza, at = _parse_stanza(content, at)
        stanzas.append(stanza)
    line, end = _line(content, at)
    if not stanzas or not line.startswith(END_MARK + b" "):
        raise AgeError("a stanza (->) or the end (---) was expected in an age header")
    mac = decode_base64(line[len(END_MARK) + 1 :])
    if len(mac) != MAC_BYTES:
        raise AgeError(f"a MAC of 32 bytes was expected in an age header, {len(mac)} were found")
    if len(stanzas) > 1 and any(stanza.kind == "scrypt" for stanza in stanzas):
        raise AgeError("a passphrase must be the only recipient of an age file")
    return Header(tuple(stanzas), content[: at + len(END_MARK)], mac), end


def _parse_stanza(content: bytes, at: int) -> tuple[Stanza, int]:
    """The stanza at that offset, and where the next one begins."""
    line, at = _line(content, at)
    words = line[len(STANZA_MARK) :].split(b" ")
    if not all(map(VISIBLE.fullmatch, words)):
        raise AgeError("visible words with one blank between were expected in an age stanza")
    kind, *arguments = (word.decode("ascii") for word in words)
    lines = []
    while True:
        line, at = _line(content, at)
        if len(line) > COLUMNS:
            raise AgeError("lines of at most 64 columns were expected in an age stanza")
        lines.append(line)
        if len(line) < COLUMNS:
            return Stanza(kind, tuple(arguments), decode_base64(b"".join(lines))), at


def _line(content: bytes, at: int) -> tuple[bytes, int]:
    """The line at that offset without its end, and where the next one begins."""
    end = content.find(b"\n", at, MAX_HEADER_BYTES)
    if end < 0:
        raise AgeError("an age header was cut, or is longer than 1 MiB")
    return content[at:end], end + 1
