"""Identifiers: ULIDs in lower-case Crockford base32, 26 characters.

The first 48 bits are milliseconds since 1970, the other 80 are random; within one millisecond the
random part counts up, so that identifiers sort in the order in which they were made and none is
made twice. Prefixes say what is named: `x-` exhibit, `i-` intake, `p-` person, `h-` hold,
`d-` dossier. Source: the ULID specification, with lower-case letters.
"""

import re
from collections.abc import Callable

from svitlo.errors import InvalidInput

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BYTES = 10
LETTERS = 26
_LOW_BITS, _HIGH_LETTERS = 20, 22
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
_PATTERN = re.compile(r"(?:[xiphd]-)?[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)


class Ulids:
    """A source of identifiers, each greater than the one before."""

    def __init__(self, now_ms: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._now_ms = now_ms
        self._random = random
        self._last = 0
        self._high = (-1, "")

    def next(self) -> str:
        """A new identifier, 26 characters."""
        now = self._now_ms()
        if now <= self._last >> 80:
            value = self._last + 1
        else:
            value = now << 80 | int.from_bytes(self._random(RANDOM_BYTES))
        self._last = value
        high = value >> _LOW_BITS
        if high != self._high[0]:  # most identifiers differ from the last in their end only
            self._high = (high, encode_ulid(value)[:_HIGH_LETTERS])
        pairs = _PAIRS
        return f"{self._high[1]}{pairs[value >> 10 & 1023]}{pairs[value & 1023]}"


def encode_ulid(value: int) -> str:
    """The 26 characters of a 128-bit number."""
    pairs = _PAIRS
    return "".join([pairs[value >> shift & 1023] for shift in range(120, -1, -10)])


def is_bare_ulid(text: str) -> bool:
    """Whether the text is a ULID, without a prefix."""
    return len(text) == LETTERS and _PATTERN.fullmatch(text) is not None


def check_identifier(text: str, prefix: str = "") -> str:
    """The identifier itself, when it is well formed and starts with `prefix` (such as `x-`).

    Raises:
        InvalidInput: it is neither a bare ULID nor one with a known prefix.
    """
    if not _PATTERN.fullmatch(text) or not text.startswith(prefix):
        example = f"{prefix}01gk1ap2h0000g40r40m30e209"
        raise InvalidInput(f"expected an identifier like {example}, found {text[:60]!r}")
    return text
