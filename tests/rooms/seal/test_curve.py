"""Plain-Python signature checks against published vectors and against a library."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from svitlo.errors import SealError, SignatureError, VerifierKeyError
from svitlo.seal import cosignature, curve, note, signature
from tests.fakes import spine

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
SEED = bytes(range(0x40, 0x60))
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVES = {"P-256": curve.P256, "P-384": curve.P384}


def test_published_ed25519_signatures_verify_and_changed_ones_do_not() -> None:
    vectors = json.loads((VECTORS / "ed25519" / "rfc8032.json").read_text())
    assert len(vectors) == 4
    for vector in vectors:
        public, message, signed = (
            bytes.fromhex(vector[name]) for name in ("public", "message", "signature")
        )

        curve.verify_ed25519(public, message, signed)

        with pytest.raises(SignatureError):
            curve.verify_ed25519(public, message + b"x", signed)


def test_published_ecdsa_signatures_verify_and_changed_ones_do_not() -> None:
    vectors = json.loads((VECTORS / "ecdsa" / "rfc6979.json").read_text())
    assert len(vectors) == 2
    for vector in vectors:
        digest = hashlib.new(vector["hash"], vector["message"].encode()).digest()
        public = bytes.fromhex("04" + vector["x"] + vector["y"])
        signed = utils.encode_dss_signature(int(vector["r"], 16), int(vector["s"], 16))

        curve.verify_ecdsa(CURVES[vector["curve"]], public, digest, signed)

        with pytest.raises(SignatureError, match="does not verify"):
            curve.verify_ecdsa(CURVES[vector["curve"]], public, digest[::-1], signed)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
@settings(max_examples=30)
def test_what_a_library_signs_verifies_also_often(seed: bytes, message: bytes) -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()

    for turn in range(6):
        curve.verify_ed25519(public, message + bytes(turn), key.sign(message + bytes(turn)))
        with pytest.raises(SignatureError):
            curve.verify_ed25519(public, message + b"x", key.sign(message))


@given(st.integers(0, 511), st.binary(max_size=40))
@settings(max_examples=50)
def test_a_signature_with_a_flipped_bit_is_refused(bit: int, message: bytes) -> None:
    signed = int.from_bytes(signature.sign_person(SEED, message), "big") ^ 1 << bit

    with pytest.raises(SignatureError):
        curve.verify_ed25519(signature.person_public(SEED), message, signed.to_bytes(64, "big"))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
@settings(max_examples=100)
def test_any_bytes_get_the_verdict_of_the_library(public: bytes, signed: bytes) -> None:
    assert holds(public, b"text", signed) == library_holds(public, b"text", signed)


def holds(public: bytes, message: bytes, signed: bytes) -> bool:
    try:
        curve.verify_ed25519(public, message, signed)
    except SealError:
        return False
    return True


def library_holds(public: bytes, message: bytes, signed: bytes) -> bool:
    try:
        signature.verify_person(public, message, signed)
    except SealError:
        return False
    return True


def test_a_number_not_below_the_order_is_refused() -> None:
    signed = signature.sign_person(SEED, b"text")
    larger = int.from_bytes(signed[32:], "little") + ORDER

    with pytest.raises(SignatureError, match="below the order"):
        curve.verify_ed25519(
            signature.person_public(SEED), b"text", signed[:32] + larger.to_bytes(32, "little")
        )
    with pytest.raises(SignatureError, match="64 bytes"):
        curve.verify_ed25519(signature.person_public(SEED), b"text", signed[:63])


@pytest.mark.parametrize(
    "public",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "00",
    ],
)
def test_weak_and_impossible_keys_are_refused(public: str) -> None:
    forged = bytes((1,)) + bytes(63)

    with pytest.raises(VerifierKeyError):
        curve.verify_ed25519(bytes.fromhex(public), b"text", forged)


def test_a_verifier_checks_notes_as_the_library_does() -> None:
    lines = [note.parse_vkey(spine.LOG_VKEY), note.parse_vkey(spine.WITNESS_VKEY)]

    opened, good = note.open_note(spine.NOTE, [curve.verifier(line) for line in lines])

    assert [one.kind for one in good] == [note.KIND_ED25519, note.KIND_COSIGNATURE]
    assert cosignature.verify_line(
        opened.text, opened.signatures[1], curve.verifier(lines[1])
    ) == cosignature.verify_line(opened.text, opened.signatures[1], signature.verifier(lines[1]))
    assert not curve.verifier(lines[0]).verify(b"other", opened.signatures[0].signature)


def test_a_verifier_of_a_kind_not_checked_here_is_refused() -> None:
    key = signature.SigningKey(name="a", kind=note.KIND_ML_DSA_44, seed=SEED)

    with pytest.raises(VerifierKeyError, match="not checked here"):
        curve.verifier(key.verifier_line)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    made: ec.EllipticCurve = ec.SECP256R1() if name == "P-256" else ec.SECP384R1()
    return ec.generate_private_key(made)


def uncompressed(name: str) -> bytes:
    return (
        ec_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )


@pytest.mark.parametrize("name", ["P-256", "P-384"])
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_ecdsa_signatures_of_a_library_verify(name: str, algorithm: hashes.HashAlgorithm) -> None:
    digest = hashlib.new(algorithm.name, b"text").digest()
    signed = ec_key(name).sign(b"text", ec.ECDSA(algorithm))

    curve.verify_ecdsa(CURVES[name], uncompressed(name), digest, signed)

    r, s = utils.decode_dss_signature(signed)
    for numbers in [(r, s + 1), (r + 1, s), (s, r), (0, s), (r, 0), (-r, s), (r, CURVES[name].n)]:
        other = utils.encode_dss_signature(*numbers) if min(numbers) >= 0 else b""
        with pytest.raises(SignatureError):
            curve.verify_ecdsa(CURVES[name], uncompressed(name), digest, other)


def test_ecdsa_with_equal_and_opposite_points_comes_out_right() -> None:
    # Keys 1 and n - 1: the public point is the base point or its negative, so sums meet doubles.
    for secret in (1, curve.P256.n - 1, 2):
        key = ec.derive_private_key(secret, ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        for turn in range(4):
            text = bytes((turn,))
            signed = key.sign(text, ec.ECDSA(hashes.SHA256()))
            curve.verify_ecdsa(curve.P256, public, hashlib.sha256(text).digest(), signed)


@given(st.binary(max_size=80) | st.binary(max_size=70).map(lambda tail: b"\x30\x44\x02\x20" + tail))
@settings(max_examples=50)
def test_any_bytes_for_an_ecdsa_signature_are_refused(signed: bytes) -> None:
    with pytest.raises(SealError):
        curve.verify_ecdsa(curve.P256, uncompressed("P-256"), bytes(32), signed)


def test_other_encodings_of_an_ecdsa_signature_are_refused() -> None:
    signed = ec_key("P-256").sign(b"text", ec.ECDSA(hashes.SHA256()))
    digest = hashlib.sha256(b"text").digest()

    for other in (signed + b"\x00", b"\x30\x81" + signed[1:], signed[:-1], signed[2:]):
        with pytest.raises(SignatureError):
            curve.verify_ecdsa(curve.P256, uncompressed("P-256"), digest, other)


def test_keys_off_the_curve_are_refused() -> None:
    public = uncompressed("P-256")

    for other in (public[:-1] + bytes((public[-1] ^ 1,)), public[:-1], b"\x02" + public[1:33]):
        with pytest.raises(VerifierKeyError):
            curve.verify_ecdsa(curve.P256, other, bytes(32), b"")


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_rsa_signatures_of_a_library_verify(algorithm: hashes.HashAlgorithm) -> None:
    key = rsa_key(2048)
    n, digest = key.public_key().public_numbers().n, hashlib.new(algorithm.name, b"text").digest()
    signed = key.sign(b"text", padding.PKCS1v15(), algorithm)

    curve.verify_rsa(n, 65537, digest, signed)

    more = (int.from_bytes(signed, "big") + n).to_bytes(257, "big")
    for other in (signed[:-1], b"\x00" + signed, bytes((signed[0] ^ 1,)) + signed[1:], more):
        with pytest.raises(SignatureError):
            curve.verify_rsa(n, 65537, digest, other)
    with pytest.raises(SignatureError):
        curve.verify_rsa(n, 65537, digest[:20], signed)


def test_weak_rsa_keys_are_refused() -> None:
    small = rsa_key(1024)
    signed = small.sign(b"text", padding.PKCS1v15(), hashes.SHA256())
    digest = hashlib.sha256(b"text").digest()
    n = rsa_key(2048).public_key().public_numbers().n

    with pytest.raises(VerifierKeyError, match="1024 bits"):
        curve.verify_rsa(small.public_key().public_numbers().n, 65537, digest, signed)
    with pytest.raises(VerifierKeyError, match="8200 bits"):
        curve.verify_rsa(1 << 8199, 65537, digest, signed)
    for exponent in (0, 1, 4, 1 << 40 | 1):
        with pytest.raises(VerifierKeyError, match="exponent"):
            curve.verify_rsa(n, exponent, digest, signed)
