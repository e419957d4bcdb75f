"""Key lines: their form, identifiers and kinds, and keys too weak to trust."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import SealError, VerifierKeyError
from svitlo.seal import cosignature, note, signature
from tests.fakes import spine

PRIME = 2**255 - 19

names = st.text(
    st.characters(codec="utf-8", min_codepoint=0x21, exclude_categories=["Z", "C"]), min_size=1
).filter(note.is_key_name)


def test_known_key_lines_are_those_of_the_known_keys() -> None:
    seeds = {1: bytes(range(32)), 4: bytes(range(32, 64)), 6: bytes(range(0x60, 0x80))}
    log = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=seeds[1])
    witness = signature.SigningKey(name="lv.example/witness", kind=4, seed=seeds[4])
    quantum = signature.SigningKey(name=spine.ORIGIN, kind=6, seed=seeds[6]).verifier_line

    assert note.format_vkey(log.verifier_line) == spine.LOG_VKEY
    assert note.format_vkey(witness.verifier_line) == spine.WITNESS_VKEY
    assert quantum.key_id.hex() == "2b1d2a6f"
    assert note.parse_vkey(note.format_vkey(quantum)) == quantum
    assert hashlib.sha256(quantum.public).hexdigest() == (
        "ba1a2ea785823a387afc0ea22203630595b74e280f10cf41bbb17db1d75a9eae"
    )


def test_a_key_line_is_split_at_the_first_two_plus_signs_only() -> None:
    public = next(
        key
        for n in range(100)
        if b"+" in base64.b64encode(b"\1" + (key := signature.person_public(bytes([n] * 32))))
    )
    line = note.format_vkey(note.make_vkey("a", note.KIND_ED25519, public))

    assert line.count("+") > 2
    assert note.parse_vkey(line).public == public


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a",
        "a+b",
        "++",
        spine.LOG_VKEY.replace("6879dc7e", "6879dc7f"),
        spine.LOG_VKEY.replace("6879dc7e", "6879DC7E"),
        spine.LOG_VKEY.replace("6879dc7e", "06879dc7e"),
        spine.LOG_VKEY.replace("ee.example", "ee.exämple"),
        spine.LOG_VKEY.replace("ee.example", "ee example"),
        spine.LOG_VKEY.replace("ee.example/spine/1", ""),
        spine.LOG_VKEY.replace("ee.example", "\ud800"),
        spine.LOG_VKEY + "\n",
        " " + spine.LOG_VKEY,
        spine.LOG_VKEY + "+",
        spine.LOG_VKEY[:-4],
        spine.LOG_VKEY[:-1] + "5",
        spine.LOG_VKEY.replace("+AQOh", "+BQOh"),
        spine.LOG_VKEY.replace("+AQOh", "+CQOh"),
    ],
)
def test_malformed_key_lines_are_refused(line: str) -> None:
    with pytest.raises(VerifierKeyError):
        note.parse_vkey(line)


@pytest.mark.parametrize("kind", [note.KIND_ECDSA, note.KIND_TREE_HEAD])
def test_kinds_that_are_not_checked_are_recognised(kind: int) -> None:
    key = note.make_vkey("ct.example", kind, b"spki or log id")

    assert note.parse_vkey(note.format_vkey(key)) == key
    with pytest.raises(VerifierKeyError):
        signature.verifier(key)


def test_an_ecdsa_key_goes_by_the_hash_of_its_spki() -> None:
    key = note.make_vkey("ct.example", note.KIND_ECDSA, b"spki")

    assert key.key_id == hashlib.sha256(b"spki").digest()[:4]


@pytest.mark.parametrize("kind", [0, 3, 7, 255])
def test_unknown_kinds_are_refused(kind: int) -> None:
    with pytest.raises(VerifierKeyError):
        note.make_vkey("a", kind, bytes([9] * 32))


@pytest.mark.parametrize(
    ("kind", "length"), [(1, 31), (1, 33), (4, 0), (6, 32), (6, 1311), (2, 0), (5, 0)]
)
def test_a_key_has_the_length_of_its_kind(kind: int, length: int) -> None:
    with pytest.raises(VerifierKeyError):
        note.make_vkey("a", kind, bytes([9] * length))


def on_the_curve(y: int) -> tuple[int, int] | None:
    """A point of edwards25519 with this y, by RFC 8032, section 5.1.3."""
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    square = (y * y - 1) * pow(d * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return (x, y) if x * x % PRIME == square else None


def doubled(point: tuple[int, int]) -> tuple[int, int]:
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    x, y = point
    k = d * x * x * y * y % PRIME
    return (
        2 * x * y * pow(1 + k, -1, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - k, -1, PRIME) % PRIME,
    )


def small_order_ys() -> list[int]:
    """The y of all points whose eightfold is nothing: doubling them three times reaches (0, 1)."""
    stated = [
        int.from_bytes(bytes.fromhex(text), "little")
        for text in (
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        )
    ]
    return [0, 1, PRIME - 1, *stated]


@pytest.mark.parametrize("y", small_order_ys())
def test_the_refused_points_have_small_order(y: int) -> None:
    point = on_the_curve(y)
    assert point is not None

    assert doubled(doubled(doubled(point))) == (0, 1)


@pytest.mark.parametrize("sign", [0, 2**255])
@pytest.mark.parametrize("y", [*small_order_ys(), *range(PRIME, 2**255)])
def test_weak_ed25519_keys_are_refused_at_import(y: int, sign: int) -> None:
    public = (y | sign).to_bytes(32, "little")

    for kind in (note.KIND_ED25519, note.KIND_COSIGNATURE):
        with pytest.raises(VerifierKeyError):
            note.make_vkey("a", kind, public)
    with pytest.raises(VerifierKeyError):
        signature.verify_person(public, b"", bytes(64))
    for kind in (1, 4):
        line = note.VerifierLine("a", note.key_id("a", kind, public), kind, public)
        with pytest.raises(VerifierKeyError):
            note.parse_vkey(note.format_vkey(line))
        with pytest.raises(VerifierKeyError):
            signature.verifier(line)


@given(st.text(max_size=60) | st.text("a+=0A/", max_size=40))
def test_no_text_makes_the_reader_of_key_lines_fail_otherwise(line: str) -> None:
    try:
        key = note.parse_vkey(line)
    except SealError:
        return

    assert note.format_vkey(key) == line


@given(names, st.sampled_from([1, 4]), st.binary(min_size=32, max_size=32))
def test_every_seed_gives_a_key_line_that_is_read_back(name: str, kind: int, seed: bytes) -> None:
    key = signature.SigningKey(name=name, kind=kind, seed=seed)

    assert note.parse_vkey(note.format_vkey(key.verifier_line)) == key.verifier_line


@given(st.sampled_from([spine.LOG_VKEY, spine.WITNESS_VKEY]), st.integers(0), st.characters())
def test_a_key_line_with_any_character_changed_is_refused(line: str, at: int, new: str) -> None:
    changed = line[: at % len(line)] + new + line[at % len(line) + 1 :]

    if changed != line:
        with pytest.raises(VerifierKeyError):
            note.parse_vkey(changed)


def test_the_kinds_are_those_of_the_specification() -> None:
    assert (note.KIND_ED25519, note.KIND_COSIGNATURE, note.KIND_ML_DSA_44) == (1, 4, 6)
    assert note.Verifier is cosignature.Verifier
