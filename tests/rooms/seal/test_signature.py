"""Signing keys: key lines, secrecy, published ML-DSA vector, and people's signatures."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import NoteError, SealError, SignatureError, VerifierKeyError
from svitlo.seal import checkpoint, note, signature

VECTOR = json.loads(
    (Path(__file__).parents[2] / "vectors" / "ml-dsa" / "ml-dsa-44.json").read_text()
)
KINDS = [note.KIND_ED25519, note.KIND_COSIGNATURE, note.KIND_ML_DSA_44]
SEED = bytes(range(0x40, 0x60))


def published(member: str) -> bytes:
    return base64.b64decode(VECTOR[member])


def test_the_published_ml_dsa_key_comes_from_its_seed() -> None:
    seed = bytes.fromhex(VECTOR["private_key_seed_hex"])

    key = signature.SigningKey(name="a", kind=note.KIND_ML_DSA_44, seed=seed)

    assert key.verifier_line.public == published("public_key_base64")
    assert hashlib.sha256(key.verifier_line.public).hexdigest() == (
        "275ee838486da500342c040ef9f0cdf1e69957248e3b4d1bf05d3b1fea2a1c3c"
    )


def test_the_published_ml_dsa_signature_verifies() -> None:
    line = note.make_vkey("a", note.KIND_ML_DSA_44, published("public_key_base64"))
    message, bare = published("signature_base_base64"), published("deterministic_signature_base64")

    assert signature.verifier(line).verify(message, bare)
    assert not signature.verifier(line).verify(message + b"\0", bare)
    assert not signature.verifier(line).verify(message, bytes([bare[0] ^ 1]) + bare[1:])


def test_ed25519_is_deterministic_and_ml_dsa_is_hedged() -> None:
    plain, quantum = (signature.SigningKey(name="a", kind=kind, seed=SEED) for kind in (1, 6))

    assert plain.sign(b"m") == plain.sign(b"m")
    assert quantum.sign(b"m") != quantum.sign(b"m")


@pytest.mark.parametrize("kind", KINDS)
def test_private_key_lines_are_read_back(kind: int) -> None:
    key = signature.SigningKey(name="ee.example/spine/1", kind=kind, seed=SEED)

    line = signature.format_skey(key)

    assert line.startswith("PRIVATE+KEY+ee.example/spine/1+")
    assert signature.parse_skey(line) == key


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_never_shows_its_seed(kind: int) -> None:
    key = signature.SigningKey(name="a", kind=kind, seed=SEED)

    for shown in (repr(key), str(key), f"{key}"):
        assert SEED.hex() not in shown
        assert repr(SEED)[2:-1] not in shown
    assert repr(key) == f"SigningKey(name='a', kind={kind})"


GOOD = signature.format_skey(signature.SigningKey(name="a.example", kind=1, seed=SEED))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "PRIVATE+KEY+",
        GOOD.removeprefix("PRIVATE+KEY+"),
        GOOD.replace("PRIVATE", "private"),
        GOOD.replace("a.example", "b.example"),
        GOOD.replace("a.example", "a example"),
        GOOD[:-4],
        GOOD + "\n",
        GOOD + "====",
    ],
)
def test_malformed_private_key_lines_are_refused(line: str) -> None:
    with pytest.raises(VerifierKeyError):
        signature.parse_skey(line)


@pytest.mark.parametrize("kind", [0, 2, 3, 5, 7])
def test_other_kinds_do_not_sign(kind: int) -> None:
    with pytest.raises(VerifierKeyError):
        signature.SigningKey(name="a", kind=kind, seed=SEED)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_is_32_bytes(kind: int, length: int) -> None:
    with pytest.raises(VerifierKeyError):
        signature.SigningKey(name="a", kind=kind, seed=bytes(length))


def test_a_cosigner_signs_no_other_texts() -> None:
    for kind in (4, 6):
        with pytest.raises(NoteError):
            signature.sign_text(signature.SigningKey(name="a", kind=kind, seed=SEED), b"text\n")


def test_a_malformed_ml_dsa_key_is_refused() -> None:
    with pytest.raises(VerifierKeyError):
        signature.verifier(note.VerifierLine("a", b"abcd", 6, bytes(1311)))


def test_a_person_signs_and_only_that_message() -> None:
    public, bare = signature.person_public(SEED), signature.sign_person(SEED, b"message")

    signature.verify_person(public, b"message", bare)

    for wrong in (
        (public, b"massage", bare),
        (public, b"message", bare[:-1]),
        (public, b"message", b""),
        (signature.person_public(bytes(32)), b"message", bare),
    ):
        with pytest.raises(SignatureError):
            signature.verify_person(*wrong)


def test_forty_cosignatures_are_checked_in_one_note() -> None:
    seen = checkpoint.Checkpoint("ee.example/spine/1", 5, bytes(32))
    keys = [signature.SigningKey(name=f"w{n}", kind=4, seed=bytes([n] * 32)) for n in range(40)]
    lines = tuple(signature.sign_checkpoint(key, seen, 9) for key in keys)
    data = note.format_note(note.Note(checkpoint.format_checkpoint(seen), lines))

    _, good = note.open_note(data, [signature.verifier(key.verifier_line) for key in keys])

    assert [key.name for key in good] == [key.name for key in keys]


@given(st.text(max_size=60) | st.text("PRIVATE+KEY0Aa=/", max_size=80).map("PRIVATE+KEY+".__add__))
def test_no_text_makes_the_reader_fail_otherwise(line: str) -> None:
    try:
        key = signature.parse_skey(line)
    except SealError:
        return

    assert signature.format_skey(key) == line


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=70))
def test_no_bytes_make_the_check_of_a_person_fail_otherwise(
    public: bytes, message: bytes, bare: bytes
) -> None:
    with pytest.raises(SealError):
        signature.verify_person(public, message, bare)
