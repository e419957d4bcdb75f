"""Bech32: bytes as text that survives being read aloud, with a checksum that finds typing errors.

Strict as age demands it: all upper or all lower case, the checksum always over the lower case, no
limit of length, no stray bits at the end. Source: BIP 173; the age specification, "Conventions".
"""

from __future__ import annotations

from svitlo.errors import AgeError

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
CHECKSUM_LETTERS = 6
LETTER_BITS = 5


def encode(prefix: str, content: bytes) -> str:
    """Lower-case Bech32 of the bytes under a lower-case, human-readable prefix."""
    groups = _regroup(content, 8, LETTER_BITS)
    if bits := len(content) * 8 % LETTER_BITS:
        groups.append(content[-1] << (LETTER_BITS - bits) & 31)
    check = _polymod([*_expand(prefix), *groups, *([0] * CHECKSUM_LETTERS)]) ^ 1
    groups += [check >> 5 * (5 - index) & 31 for index in range(CHECKSUM_LETTERS)]
    return prefix + "1" + "".join(ALPHABET[group] for group in groups)


def decode(text: str) -> tuple[str, bytes]:
    """The prefix, in lower case, and the bytes.

    Raises:
        AgeError: the text is not Bech32; the message never quotes it, for it may be a secret key.
    """
    if text not in {text.lower(), text.upper()} or not text.isascii():
        raise AgeError("one case was expected throughout a Bech32 text, both were found")
    prefix, mark, letters = text.lower().rpartition("1")
    if not mark or not prefix or len(letters) < CHECKSUM_LETTERS:
        raise AgeError("a prefix, the digit 1 and a checksum were expected in a Bech32 text")
    if not all("!" <= letter <= "~" for letter in prefix):
        raise AgeError("the prefix of a Bech32 text has a character that cannot be seen")
    if not VALUES.keys() >= set(letters):
        raise AgeError("a Bech32 text has a letter that is not in its alphabet")
    groups = [VALUES[letter] for letter in letters]
    if _polymod([*_expand(prefix), *groups]) != 1:
        raise AgeError("the checksum of a Bech32 text does not hold: it was mistyped or cut")
    groups = groups[:-CHECKSUM_LETTERS]
    spare_bits = len(groups) * LETTER_BITS % 8
    if spare_bits >= LETTER_BITS or (groups and groups[-1] & ((1 << spare_bits) - 1)):
        raise AgeError("a Bech32 text has stray bits at its end")
    return prefix, bytes(_regroup(groups, LETTER_BITS, 8))


def _polymod(values: list[int]) -> int:
    """The checksum state after the values, as BIP 173 computes it."""
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(GENERATOR):
            if top >> bit & 1:
                state ^= generator
    return state


def _expand(prefix: str) -> list[int]:
    """The prefix as the checksum sees it: high bits, a zero, low bits."""
    codes = prefix.encode("ascii")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _regroup(values: bytes | list[int], width: int, new_width: int) -> list[int]:
    """The same bits in groups of another width, without what does not fill a last group."""
    pending, bits, groups = 0, 0, []
    for value in values:
        pending = (pending << width | value) & 0xFFF
        bits += width
        while bits >= new_width:
            bits -= new_width
            groups.append(pending >> bits & ((1 << new_width) - 1))
    return groups
