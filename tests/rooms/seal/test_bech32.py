"""Bech32 against the strings of BIP 173 and the age specification."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal import bech32

VALID = (  # BIP 173, "Test vectors", those whose letters are whole bytes
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
)

INVALID = (  # BIP 173, "Test vectors", but for the limit of length, which age lifts
    "\x201nwldj5",
    "\x7f1axkwrx",
    "\x801eym55h",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "",
    "1",
)


@pytest.mark.parametrize("text", VALID)
def test_published_strings_are_read_and_written_again(text: str) -> None:
    prefix, content = bech32.decode(text)

    assert bech32.encode(prefix, content) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_published_faults_are_found(text: str) -> None:
    with pytest.raises(AgeError):
        bech32.decode(text)


def test_both_cases_in_one_text_are_refused() -> None:
    with pytest.raises(AgeError, match="one case"):
        bech32.decode("a12UEL5L")


@given(content=st.binary(max_size=1300))
def test_bytes_come_back(content: bytes) -> None:
    text = bech32.encode("age1pq", content)

    assert bech32.decode(text) == ("age1pq", content)
    assert bech32.decode(text.upper()) == ("age1pq", content)


@given(content=st.binary(min_size=1, max_size=40), drawn=st.data())
def test_one_wrong_letter_is_found(content: bytes, drawn: st.DataObject) -> None:
    text = bech32.encode("age", content)
    at = drawn.draw(st.integers(4, len(text) - 1))
    letter = drawn.draw(st.sampled_from(bech32.ALPHABET.replace(text[at], "")))

    with pytest.raises(AgeError):
        bech32.decode(text[:at] + letter + text[at + 1 :])


def test_stray_bits_at_the_end_are_refused() -> None:
    values = [0] * 6 + [1]  # 35 bits: four bytes and three bits, the last of which is set
    check = bech32._polymod([*bech32._expand("a"), *values, *[0] * 6]) ^ 1  # noqa: SLF001
    letters = values + [check >> 5 * (5 - index) & 31 for index in range(6)]

    with pytest.raises(AgeError, match="stray"):
        bech32.decode("a1" + "".join(bech32.ALPHABET[letter] for letter in letters))


@given(text=st.text(max_size=60))
def test_only_age_errors_escape(text: str) -> None:
    with suppress(AgeError):
        bech32.decode(text)


def test_messages_never_quote_what_may_be_a_secret() -> None:
    mistyped = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWQ"

    with pytest.raises(AgeError) as caught:
        bech32.decode(mistyped)

    assert mistyped[16:24].lower() not in str(caught.value).lower()
