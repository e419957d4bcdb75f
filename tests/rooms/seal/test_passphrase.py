"""Files under a passphrase."""

from __future__ import annotations

import pyrage
import pytest

from svitlo.errors import AgeError, NotForThisIdentity
from svitlo.seal import age, passphrase
from svitlo.seal.header import Stanza, encode_base64, parse_header, split_file
from svitlo.seal.recipients import X25519Identity
from tests.fakes.streams import counted

WORDS = "кіт спить на вікні"


def draw(size: int) -> bytes:
    return counted(0x40, size)


def sealed(work_factor: int = 2) -> bytes:
    return passphrase.seal_with_passphrase(b"svitlo\n", WORDS, draw, work_factor=work_factor)


def test_the_passphrase_opens_it() -> None:
    assert passphrase.open_with_passphrase(sealed(), WORDS) == b"svitlo\n"


def test_the_other_implementation_opens_ours() -> None:
    assert pyrage.passphrase.decrypt(sealed(10), WORDS) == b"svitlo\n"


@pytest.mark.slow
def test_we_open_what_the_other_implementation_sealed() -> None:
    theirs = pyrage.passphrase.encrypt(b"svitlo\n", WORDS)

    assert passphrase.open_with_passphrase(theirs, WORDS) == b"svitlo\n"


def test_file_key_nonce_and_salt_are_drawn_apart() -> None:
    asked: list[int] = []

    def watched(size: int) -> bytes:
        asked.append(size)
        return counted(len(asked), size)

    passphrase.seal_with_passphrase(b"", WORDS, watched, work_factor=1)

    assert asked == [16, 16, 16]


def test_another_passphrase_does_not() -> None:
    with pytest.raises(NotForThisIdentity):
        passphrase.open_with_passphrase(sealed(), WORDS + " ")


def test_a_key_does_not_open_a_passphrase_s_file_nor_the_other_way() -> None:
    identity = X25519Identity(counted(0, 32))

    with pytest.raises(NotForThisIdentity):
        age.open_bytes(sealed(), [identity])
    with pytest.raises(NotForThisIdentity, match="keys"):
        passphrase.open_with_passphrase(age.seal_bytes(b"", [identity.recipient], draw), WORDS)


@pytest.mark.parametrize("words", ["", "\udc80"])
def test_what_is_no_passphrase_is_refused(words: str) -> None:
    with pytest.raises(AgeError, match="passphrase"):
        passphrase.seal_with_passphrase(b"", words, draw, work_factor=1)


@pytest.mark.parametrize("work_factor", [0, 21, -1])
def test_work_that_nobody_could_open_is_not_asked_for(work_factor: int) -> None:
    with pytest.raises(AgeError, match="1 to 20"):
        sealed(work_factor)


@pytest.mark.parametrize("factor", ["21", "020", "1 8", "+9", "0x9", "99999999999999999999", "٣"])
def test_work_that_would_exhaust_us_is_refused(factor: str) -> None:
    header = parse_header(split_file(sealed())[0])
    salt = header.stanzas[0].arguments[0]
    greedy = Stanza("scrypt", (salt, factor), bytes(32))

    with pytest.raises(AgeError, match="1 to 20"):
        passphrase.unwrap_with_passphrase(type(header)((greedy,), b"", b""), WORDS)


@pytest.mark.parametrize(
    "stanza",
    [
        Stanza("scrypt", (), bytes(32)),
        Stanza("scrypt", (encode_base64(bytes(16)), "1", "1"), bytes(32)),
        Stanza("scrypt", (encode_base64(bytes(15)), "1"), bytes(32)),
        Stanza("scrypt", (encode_base64(bytes(16)), "1"), bytes(40)),
    ],
)
def test_stanzas_of_another_form_are_refused(stanza: Stanza) -> None:
    header = parse_header(split_file(sealed())[0])

    with pytest.raises(AgeError, match="expected"):
        passphrase.unwrap_with_passphrase(type(header)((stanza,), b"", b""), WORDS)
