"""Digests of streams, and claims compared with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import DigestMismatch, InvalidInput
from svitlo.seal import digest
from tests.fakes.streams import counted, trickle

ANSWER = json.loads((Path(__file__).parents[2] / "vectors/age/known-answers.json").read_text())[
    "digest"
]


def test_the_known_answer_comes_out() -> None:
    found = digest.digest_of(ANSWER["text"].encode())

    assert found == digest.Digest(7, ANSWER["sha256"], ANSWER["blake3"])


@given(pieces=st.lists(st.binary(max_size=300)))
def test_pieces_have_the_digests_of_the_whole(pieces: list[bytes]) -> None:
    digests = digest.Digests()

    for piece in pieces:
        digests.update(piece)

    assert digests.value() == digest.digest_of(b"".join(pieces))


@pytest.mark.parametrize("at_most", [1000, 1 << 20, 1 << 22])
def test_a_stream_that_trickles_has_the_digests_of_the_whole(at_most: int) -> None:
    content = counted(3, 3 << 20)

    digests = digest.digest_stream(trickle(content, at_most), also=["md5"])

    assert digests.value() == digest.digest_of(content)
    assert digests.named("md5") == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert digest.blake3_stream(trickle(content, at_most)) == (
        len(content),
        blake3(content).hexdigest(),
    )


def test_true_claims_in_either_case_pass() -> None:
    digests = digest.Digests(also=["sha1"])

    digests.update(b"svitlo\n")

    digests.check({"sha1": digests.named("sha1").upper(), "blake3": ANSWER["blake3"]})


@pytest.mark.parametrize("claim", ["", "00" * 32, "ключ", "\udc80"])
def test_a_false_claim_is_found(claim: str) -> None:
    digests = digest.Digests()

    with pytest.raises(DigestMismatch):
        digests.check({"sha256": claim})


def test_a_digest_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput):
        digest.Digests(also=["crc32"])


def test_a_digest_that_was_not_taken_is_not_given() -> None:
    with pytest.raises(InvalidInput):
        digest.Digests().check({"md5": "00" * 16})


def test_a_changed_byte_is_found() -> None:
    recorded = digest.digest_of(b"svitlo\n")

    recorded.check(b"svitlo\n")

    with pytest.raises(DigestMismatch):
        recorded.check(b"svitlo ")
