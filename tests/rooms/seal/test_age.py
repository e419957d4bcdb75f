"""Whole files: known answers, the other implementation both ways, and headers made anew."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svitlo.errors import AgeError, NotForThisIdentity
from svitlo.seal import age, armor, recipients
from svitlo.seal.header import Stanza, encode_base64, format_header, parse_header
from svitlo.seal.recipients import HybridIdentity, X25519Identity
from svitlo.seal.stream import seal_body
from tests.fakes.streams import counted

ANSWERS = json.loads((Path(__file__).parents[2] / "vectors/age/known-answers.json").read_text())
KEY, NONCE = bytes.fromhex(ANSWERS["file_key"]), bytes.fromhex(ANSWERS["nonce"])
ANSWER = ANSWERS["x25519"]
OLD = X25519Identity(counted(0, 32))
OTHER_OLD = X25519Identity(counted(1, 32))
NEW = HybridIdentity(counted(0, 32))
OTHER_NEW = HybridIdentity(counted(1, 32))
THEIRS = pyrage.x25519.Identity.from_str(ANSWER["identity"])
SIZES = (0, 1, 65535, 65536, 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1)


def draw(size: int) -> bytes:
    """What stands for randomness in these tests."""
    return counted(0x40, size)


def test_the_known_header_comes_out() -> None:
    header = age.wrap(KEY, [OLD.recipient], lambda _: bytes.fromhex(ANSWER["ephemeral"]))

    stanza = parse_header(header).stanzas[0]
    assert (len(header), hashlib.sha256(header).hexdigest()) == (168, ANSWER["header_sha256"])
    assert stanza.arguments == (ANSWER["share"],)
    assert encode_base64(stanza.body) == ANSWER["stanza_body"]
    assert header.endswith(f"--- {ANSWER['mac']}\n".encode())


@pytest.mark.parametrize("answer", ANSWERS["bodies"], ids=lambda a: f"{a['times']}x{a['text']!r}")
def test_the_other_implementation_opens_known_headers_and_bodies(answer: dict[str, Any]) -> None:
    plaintext = (answer["text"] * answer["times"]).encode()
    header = age.wrap(KEY, [OLD.recipient], draw)

    whole = header + seal_body(plaintext, file_key=KEY, nonce=NONCE)

    assert pyrage.decrypt(whole, [THEIRS]) == plaintext


@pytest.mark.parametrize("size", SIZES)
def test_the_other_implementation_opens_ours(size: int) -> None:
    plaintext = counted(size, size)

    sealed = age.seal_bytes(plaintext, [OTHER_OLD.recipient, OLD.recipient], draw)

    assert pyrage.decrypt(sealed, [THEIRS]) == plaintext


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("armored", [False, True])
def test_we_open_what_the_other_implementation_sealed(size: int, armored: bool) -> None:  # noqa: FBT001
    plaintext = counted(size, size)

    sealed = pyrage.encrypt(plaintext, [THEIRS.to_public()], armored=armored)

    assert age.open_bytes(armor.parse_armor(sealed) if armored else sealed, [OLD]) == plaintext


def test_header_sizes_are_those_of_the_design() -> None:
    for count in (1, 2, 5):
        assert len(age.wrap(KEY, [NEW.recipient] * count, draw)) == 70 + 1557 * count
        assert len(age.wrap(KEY, [OLD.recipient] * count, draw)) == 70 + 98 * count


@given(plaintext=st.binary(max_size=300))
def test_a_post_quantum_file_opens_for_each_recipient(plaintext: bytes) -> None:
    sealed = age.seal_bytes(plaintext, [NEW.recipient, OTHER_NEW.recipient], draw)

    assert age.open_bytes(sealed, [OLD, OTHER_NEW]) == plaintext
    assert age.open_bytes(sealed, [NEW]) == plaintext


def test_nobody_else_opens_it() -> None:
    header = age.wrap(KEY, [NEW.recipient], draw)

    with pytest.raises(NotForThisIdentity, match="mlkem768x25519"):
        age.unwrap(header, [OLD, OTHER_NEW])
    with pytest.raises(NotForThisIdentity):
        age.unwrap(header, [])


def test_post_quantum_and_older_recipients_are_never_mixed() -> None:
    with pytest.raises(AgeError, match="cannot share"):
        age.wrap(KEY, [NEW.recipient, OLD.recipient], draw)


@pytest.mark.parametrize("key", [b"", bytes(15), bytes(32)])
def test_file_keys_of_a_wrong_length_are_refused(key: bytes) -> None:
    with pytest.raises(AgeError, match="16 bytes"):
        age.wrap(key, [OLD.recipient], draw)


def test_a_file_for_nobody_is_refused() -> None:
    with pytest.raises(AgeError, match="recipient"):
        age.wrap(KEY, [], draw)


def test_unknown_stanzas_are_ignored() -> None:
    grease = Stanza("joint-oil", ("x", "~"), bytes(100))
    ours = NEW.recipient.wrap(KEY, draw)

    header = format_header([grease, ours, grease], KEY)

    assert age.unwrap(header, [NEW]) == KEY


def test_an_added_stanza_does_not_pass_the_mac() -> None:
    header = age.wrap(KEY, [OLD.recipient], draw)

    with pytest.raises(AgeError, match="MAC"):
        age.unwrap(header.replace(b"---", b"-> X\n\n---", 1), [OLD])


def test_a_new_header_opens_the_same_body() -> None:
    body = seal_body(b"svitlo\n", file_key=KEY, nonce=NONCE)
    before = age.wrap(KEY, [NEW.recipient], draw)

    after = age.rewrap(before, [NEW], [OTHER_NEW.recipient], draw)

    assert age.open_bytes(after + body, [OTHER_NEW]) == b"svitlo\n"
    with pytest.raises(NotForThisIdentity):
        age.open_bytes(after + body, [NEW])


@settings(max_examples=50)
@given(drawn=st.data())
def test_no_changed_byte_of_a_file_passes(drawn: st.DataObject) -> None:
    sealed = age.seal_bytes(b"svitlo\n", [OLD.recipient], draw)
    at = drawn.draw(st.integers(0, len(sealed) - 1))
    change = drawn.draw(st.integers(1, 255))

    with pytest.raises(AgeError):
        age.open_bytes(sealed[:at] + bytes([sealed[at] ^ change]) + sealed[at + 1 :], [OLD])


@given(content=st.binary(max_size=300))
def test_only_age_errors_escape(content: bytes) -> None:
    with suppress(AgeError):
        age.open_bytes(b"age-encryption.org/v1\n-> X25519 " + content, [OLD, NEW])


def test_recipients_as_text_are_those_the_other_implementation_writes() -> None:
    text = recipients.format_recipient(OLD.recipient)

    assert text == str(THEIRS.to_public()) == ANSWER["recipient"]
