"""Armor: an age file as ASCII text, for channels that carry nothing else.

Strict PEM: lines of 64 columns, canonical base64 with padding, LF or CRLF throughout; only white
space may stand before and after. Source: the age specification, "ASCII armor"; RFC 7468 section 3.
"""

from __future__ import annotations

import base64
import binascii

from svitlo.errors import AgeError

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"
COLUMNS = 64
BLANKS = b" \t\r\n"


def format_armor(content: bytes) -> bytes:
    """The age file as text."""
    text = base64.b64encode(content)
    lines = [text[start : start + COLUMNS] for start in range(0, len(text), COLUMNS)]
    return b"\n".join([BEGIN, *lines, END, b""])


def is_armored(content: bytes) -> bool:
    """Whether the bytes (or the first of them) look like armor."""
    return content.lstrip(BLANKS).startswith(BEGIN)


def parse_armor(text: bytes) -> bytes:
    """The age file in the text.

    Raises:
        AgeError: it is not the one form that `format_armor` writes.
    """
    lines = text.strip(BLANKS).replace(b"\r\n", b"\n").split(b"\n")
    if lines[0] != BEGIN or lines[-1] != END:
        raise AgeError("an armored age file was expected, with a line at its begin and at its end")
    widths = [len(line) for line in lines[1:-1]]
    if any(width != COLUMNS for width in widths[:-1]) or not 0 < (widths or [1])[-1] <= COLUMNS:
        raise AgeError("lines of 64 columns, the last not empty, were expected in an armored file")
    letters = b"".join(lines[1:-1])
    try:
        content = base64.b64decode(letters, validate=True)
    except binascii.Error:
        raise AgeError("base64 with padding was expected in an armored file") from None
    if base64.b64encode(content) != letters:
        raise AgeError("canonical base64 was expected in an armored file")
    return content
