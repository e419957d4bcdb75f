"""Recipients and identities of both kinds."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal import bech32, recipients
from svitlo.seal.header import Stanza, encode_base64
from svitlo.seal.recipients import (
    HybridIdentity,
    HybridRecipient,
    X25519Identity,
    X25519Recipient,
)
from tests.fakes.streams import counted

ANSWERS = json.loads((Path(__file__).parents[2] / "vectors/age/known-answers.json").read_text())
KEY = counted(16)
OLD, NEW = X25519Identity(counted(0, 32)), HybridIdentity(counted(0, 32))
LOW_ORDER = (  # points of order 1, 2, 4 and 8 (RFC 7748 section 6.1 has them yield zero)
    bytes(32),
    b"\1" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
)


def test_the_known_x25519_identity_is_read_and_written() -> None:
    answer = ANSWERS["x25519"]

    identity = recipients.parse_identity(answer["identity"])

    assert identity == OLD
    assert identity.secret.hex() == answer["secret"]
    assert recipients.format_identity(OLD) == answer["identity"]
    assert recipients.format_recipient(identity.recipient) == answer["recipient"]
    assert recipients.parse_recipient(answer["recipient"]) == OLD.recipient


def test_the_known_hybrid_identity_is_read_and_written() -> None:
    answer = ANSWERS["mlkem768x25519"]

    identity = recipients.parse_identity(answer["identity"])

    assert identity == NEW
    assert recipients.format_identity(NEW) == answer["identity"]
    assert hashlib.sha256(NEW.recipient.public).hexdigest() == answer["public_sha256"]
    text = recipients.format_recipient(NEW.recipient)
    assert text.startswith("age1pq1")
    assert recipients.parse_recipient(text) == NEW.recipient


def test_the_specification_s_x25519_example_is_understood() -> None:
    identity = recipients.parse_identity(
        "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
    )

    assert (
        recipients.format_recipient(identity.recipient)
        == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    )


@given(secret=st.binary(min_size=32, max_size=32), share=st.binary(min_size=32, max_size=32))
def test_both_kinds_unwrap_what_they_wrapped(secret: bytes, share: bytes) -> None:
    for identity in (X25519Identity(secret), HybridIdentity(secret)):
        stanza = identity.recipient.wrap(KEY, lambda _: share)

        assert identity.unwrap([stanza]) == KEY
        assert OLD.unwrap([NEW.recipient.wrap(KEY, lambda _: share)]) is None


def test_secrets_do_not_show() -> None:
    assert "0102" not in repr(OLD) + repr(NEW)
    assert repr(OLD) == "X25519Identity()"


@pytest.mark.parametrize("public", LOW_ORDER)
def test_keys_of_low_order_are_refused(public: bytes) -> None:
    with pytest.raises(AgeError, match="low order"):
        X25519Recipient(public).wrap(KEY, lambda size: counted(64, size))
    with pytest.raises(AgeError, match="low order"):
        HybridRecipient(NEW.recipient.public[:1184] + public).wrap(KEY, bytes)
    with pytest.raises(AgeError, match="low order"):
        OLD.unwrap([Stanza("X25519", (encode_base64(public),), bytes(32))])
    with pytest.raises(AgeError, match="low order"):
        NEW.unwrap([Stanza("mlkem768x25519", (encode_base64(bytes(1088) + public),), bytes(32))])


@pytest.mark.parametrize("identity", [OLD, NEW])
def test_stanzas_of_our_kind_but_not_our_form_are_refused(
    identity: X25519Identity | HybridIdentity,
) -> None:
    good = identity.recipient.wrap(KEY, lambda size: counted(64, size))
    for bad in (
        Stanza(good.kind, (), good.body),
        Stanza(good.kind, (*good.arguments, "x"), good.body),
        Stanza(good.kind, (good.arguments[0] + "AA",), good.body),
        Stanza(good.kind, good.arguments, good.body + b"x"),
        Stanza(good.kind, good.arguments, good.body[1:]),
    ):
        with pytest.raises(AgeError):
            identity.unwrap([bad])


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_a_wrong_length_are_refused(size: int) -> None:
    for kind in (X25519Identity, HybridIdentity, X25519Recipient, HybridRecipient):
        with pytest.raises(AgeError):
            kind(bytes(size))


def test_bytes_that_are_no_ml_kem_key_are_refused() -> None:
    with pytest.raises(AgeError, match="ML-KEM"):
        HybridRecipient(b"\xff" * 1184 + bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        ANSWERS["x25519"]["recipient"].upper(),
        ANSWERS["x25519"]["identity"],
        bech32.encode("age1tag", bytes(33)),
        bech32.encode("age", bytes(31)),
        "",
    ],
)
def test_what_is_no_recipient_is_refused(text: str) -> None:
    with pytest.raises(AgeError):
        recipients.parse_recipient(text)


@pytest.mark.parametrize(
    "text",
    [
        ANSWERS["x25519"]["identity"].lower(),
        ANSWERS["x25519"]["recipient"].upper(),
        bech32.encode("age-plugin-x-", bytes(32)).upper(),
    ],
)
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(AgeError):
        recipients.parse_identity(text)


def test_an_identity_file_may_have_comments() -> None:
    old, new = ANSWERS["x25519"]["identity"], ANSWERS["mlkem768x25519"]["identity"]

    found = recipients.parse_identities(f"# created: 2026\n\n{old}\r\n # public: x\n{new}\n")

    assert found == (OLD, NEW)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "not a key\n"])
def test_an_identity_file_without_identities_is_refused(text: str) -> None:
    with pytest.raises(AgeError):
        recipients.parse_identities(text)


@given(prefix=st.sampled_from(["age", "age1pq"]), content=st.binary(max_size=1300))
def test_only_age_errors_escape(prefix: str, content: bytes) -> None:
    with suppress(AgeError):
        recipients.parse_recipient(bech32.encode(prefix, content)).wrap(KEY, bytes)
