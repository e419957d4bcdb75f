"""Bodies written piece by piece and in one pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal.digest import Block, Digests, digest_of
from svitlo.seal.payload import CHUNK_BYTES, body_size, open_body
from svitlo.seal.stream import BodyWriter, encrypt_stream, seal_body
from tests.fakes.streams import counted, trickle

ANSWERS = json.loads((Path(__file__).parents[2] / "vectors/age/known-answers.json").read_text())
KEY, NONCE = bytes.fromhex(ANSWERS["file_key"]), bytes.fromhex(ANSWERS["nonce"])
MIB = 1 << 20
EDGES = (0, 1, 65535, 65536, 65537, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 65537)


def taken() -> tuple[bytearray, Any]:
    body = bytearray()
    return body, body.extend


@pytest.mark.parametrize("answer", ANSWERS["bodies"], ids=lambda a: f"{a['times']}x{a['text']!r}")
def test_known_answers_come_out_both_ways(answer: dict[str, Any]) -> None:
    plaintext = (answer["text"] * answer["times"]).encode()
    body, write = taken()

    sealed = encrypt_stream(trickle(plaintext, MIB), write, file_key=KEY, nonce=NONCE)

    assert seal_body(plaintext, file_key=KEY, nonce=NONCE) == body
    assert sealed.body_blake3 == blake3(body).hexdigest() == answer["blake3"]
    assert sealed.body_size == len(body) == answer["size"] == body_size(len(plaintext))
    assert sealed.digest == digest_of(plaintext)
    assert body[:16] == NONCE
    assert body[16:].hex() == answer.get("after_nonce", body[16:].hex())


@pytest.mark.parametrize("size", EDGES)
@pytest.mark.parametrize("piece", [4096, 65536, 700_001, MIB, 5 * MIB])
def test_pieces_of_any_size_make_one_body(size: int, piece: int) -> None:
    plaintext = counted(size, size)
    expected = seal_body(plaintext, file_key=KEY, nonce=NONCE)
    pushed, write = taken()
    writer = BodyWriter(KEY, NONCE, write)

    for start in range(0, size, piece):
        writer.update(memoryview(plaintext)[start : start + piece])
    body = writer.finish()

    assert pushed == expected
    assert (body.size, body.body_size) == (size, len(expected))
    assert body.body_blake3 == blake3(expected).hexdigest()
    read, write = taken()
    encrypt_stream(trickle(plaintext, piece), write, file_key=KEY, nonce=NONCE)
    assert read == expected


@given(sizes=st.lists(st.integers(0, 200_000), max_size=12), settles=st.sets(st.integers(0, 12)))
def test_settling_between_pieces_changes_nothing(sizes: list[int], settles: set[int]) -> None:
    plaintext = counted(1, sum(sizes))
    body, write = taken()
    writer = BodyWriter(KEY, NONCE, write)
    at = 0

    for index, size in enumerate(sizes):
        writer.update(plaintext[at : at + size])
        at += size
        if index in settles:
            assert writer.settle() % CHUNK_BYTES == 0
            assert at - CHUNK_BYTES <= writer.written <= at
    writer.finish()

    assert open_body(KEY, bytes(body)) == plaintext
    assert body == seal_body(plaintext, file_key=KEY, nonce=NONCE)


def test_claimed_digests_are_taken_in_the_same_pass() -> None:
    digests = Digests(also=["md5"])

    encrypt_stream(
        trickle(b"svitlo\n", 3), lambda _: None, file_key=KEY, nonce=NONCE, digests=digests
    )

    digests.check({"sha256": ANSWERS["digest"]["sha256"], "md5": digests.named("md5")})
    assert digests.size == 7


def test_a_finished_writer_refuses_more() -> None:
    writer = BodyWriter(KEY, NONCE, lambda _: None)
    writer.finish()

    with pytest.raises(AgeError, match="finished"):
        writer.finish()
    with pytest.raises(AgeError, match="finished"):
        writer.update(b"x")


def test_a_writer_that_failed_never_uses_a_nonce_again() -> None:
    written: list[bytes] = []

    def write(block: Block) -> None:
        if len(written) == 1:
            raise OSError("disk full")
        written.append(bytes(block))

    writer = BodyWriter(KEY, NONCE, write)
    with pytest.raises(OSError, match="disk full"):
        writer.update(bytes(2 * MIB))

    with pytest.raises(AgeError, match="broken off"):
        writer.update(b"other bytes")
    with pytest.raises(AgeError, match="broken off"):
        writer.finish()


@pytest.mark.parametrize(("key", "nonce"), [(b"", NONCE), (KEY, NONCE[:15]), (KEY * 2, NONCE)])
def test_keys_of_a_wrong_length_are_refused(key: bytes, nonce: bytes) -> None:
    with pytest.raises(AgeError, match="16 bytes"):
        seal_body(b"", file_key=key, nonce=nonce)
