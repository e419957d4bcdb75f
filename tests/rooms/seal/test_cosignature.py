"""Cosignatures: published and known ones, the layout of what is signed, and what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import CheckpointError, NoteError, SealError
from svitlo.seal import checkpoint, cosignature, note, signature
from tests.fakes import spine

VECTORS = Path(__file__).parents[2] / "vectors" / "cosignature"
SIGSUM_SEED = b"\x11" + bytes(31)
TIME = 1669713600
KNOWN = checkpoint.Checkpoint(spine.ORIGIN, 64, bytes.fromhex(spine.ROOTS[64]))
TEXT = checkpoint.format_checkpoint(KNOWN)
LOG = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=bytes(range(32)))
WITNESS = signature.SigningKey(name="lv.example/witness", kind=4, seed=bytes(range(32, 64)))
QUANTUM = signature.SigningKey(name=spine.ORIGIN, kind=6, seed=bytes(range(0x60, 0x80)))
KEYS = [LOG, WITNESS, QUANTUM]


def verified(
    key: signature.SigningKey, line: note.NoteSignature, text: bytes = TEXT
) -> cosignature.Cosigned:
    return cosignature.verify_line(text, line, signature.verifier(key.verifier_line))


def test_the_published_cosignature_verifies_and_is_made_again() -> None:
    read = note.parse_note((VECTORS / "witness.note").read_bytes())
    key = signature.SigningKey(name="example.org/witness", kind=4, seed=SIGSUM_SEED)

    cosigned = verified(key, read.signatures[0], read.text)

    assert cosigned.time == 1234
    made = signature.sign_checkpoint(key, checkpoint.parse_checkpoint(read.text), 1234)
    assert made == read.signatures[0]


def test_the_published_log_signature_verifies_and_is_made_again() -> None:
    read = note.parse_note((VECTORS / "log.note").read_bytes())
    origin = checkpoint.parse_checkpoint(read.text).origin
    key = signature.SigningKey(name=origin, kind=1, seed=SIGSUM_SEED)

    cosigned = verified(key, read.signatures[0], read.text)

    assert cosigned.time is None
    made = signature.sign_checkpoint(key, checkpoint.parse_checkpoint(read.text), 1234)
    assert made == read.signatures[0]


def test_the_known_note_is_made_again() -> None:
    lines = tuple(signature.sign_checkpoint(key, KNOWN, TIME) for key in (LOG, WITNESS))

    assert note.format_note(note.Note(TEXT, lines)) == spine.NOTE


def test_a_cosigner_signs_header_time_and_text() -> None:
    assert cosignature.cosignature_message(TIME, TEXT) == (
        b"cosignature/v1\ntime 1669713600\n" + TEXT
    )


def test_the_known_ml_dsa_message() -> None:
    message = cosignature.ml_dsa_message(spine.ORIGIN, TIME, KNOWN)

    assert (len(message), hashlib.sha256(message).hexdigest()) == (
        106,
        "3450edc0595be4041e32017a265642550b3caf2e68e9650ddaa0815ffc0405eb",
    )


def test_the_ml_dsa_message_is_laid_out_as_specified() -> None:
    message = cosignature.ml_dsa_message("w", 2, checkpoint.Checkpoint("log", 3, bytes([7] * 32)))

    assert message == (
        b"subtree/v1\n\0"
        b"\x01w" + bytes(7) + b"\x02" + b"\x03log" + bytes(15) + b"\x03" + b"\x07" * 32
    )


@pytest.mark.parametrize("key", KEYS)
def test_each_kind_signs_and_verifies(key: signature.SigningKey) -> None:
    cosigned = verified(key, signature.sign_checkpoint(key, KNOWN, TIME))

    assert (cosigned.name, cosigned.kind) == (key.name, key.kind)
    assert cosigned.key_id == key.verifier_line.key_id
    assert cosigned.time == (None if key.kind == 1 else TIME)


@pytest.mark.parametrize("key", KEYS)
@given(at=st.integers(0), change=st.integers(1, 255))
def test_any_changed_byte_of_a_signature_is_found(
    key: signature.SigningKey, at: int, change: int
) -> None:
    line = SIGNED[key.kind]
    blob = bytearray(line.signature)
    blob[at % len(blob)] ^= change

    with pytest.raises(SealError):
        verified(key, replace(line, signature=bytes(blob)))


SIGNED = {key.kind: signature.sign_checkpoint(key, KNOWN, TIME) for key in KEYS}


@pytest.mark.parametrize("key", KEYS)
def test_a_signature_is_of_one_checkpoint_only(key: signature.SigningKey) -> None:
    for other in (
        replace(KNOWN, size=65),
        replace(KNOWN, root=bytes(32)),
        replace(KNOWN, origin="ee.example/spine/2"),
    ):
        with pytest.raises(NoteError):
            verified(key, SIGNED[key.kind], checkpoint.format_checkpoint(other))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("cut", [0, 1, 7, 8, 63, 64, 71, 73, 2427, 2429])
def test_a_signature_of_another_length_is_refused(key: signature.SigningKey, cut: int) -> None:
    line = SIGNED[key.kind]
    blob = line.signature[:cut].ljust(cut, b"\0")

    if cut != len(line.signature):
        with pytest.raises(SealError):
            verified(key, replace(line, signature=blob))


def test_a_line_is_checked_with_its_own_key_only() -> None:
    with pytest.raises(NoteError):
        verified(WITNESS, SIGNED[1])
    with pytest.raises(NoteError):
        verified(LOG, replace(SIGNED[1], key_id=b"none"))


def test_a_log_signature_is_no_cosignature_under_the_same_seed() -> None:
    twin = signature.SigningKey(name=LOG.name, kind=4, seed=LOG.seed)
    forged = note.NoteSignature(
        twin.name, twin.verifier_line.key_id, cosignature.pack(TIME, SIGNED[1].signature)
    )

    with pytest.raises(NoteError):
        verified(twin, forged)


def test_ml_dsa_binds_the_cosigners_name_and_ed25519_does_not() -> None:
    other = signature.SigningKey(name="other.example", kind=6, seed=QUANTUM.seed)
    lent = replace(SIGNED[6], name=other.name, key_id=other.verifier_line.key_id)
    with pytest.raises(NoteError):
        verified(other, lent)

    twin = signature.SigningKey(name="other.example", kind=4, seed=WITNESS.seed)
    taken = replace(SIGNED[4], name=twin.name, key_id=twin.verifier_line.key_id)
    assert verified(twin, taken).name == "other.example"


def test_an_ml_dsa_cosignature_carries_a_time() -> None:
    with pytest.raises(CheckpointError):
        signature.sign_checkpoint(QUANTUM, KNOWN, 0)
    with pytest.raises(CheckpointError):
        verified(QUANTUM, replace(SIGNED[6], signature=bytes(8) + SIGNED[6].signature[8:]))


@pytest.mark.parametrize("key", [WITNESS, QUANTUM])
@pytest.mark.parametrize("time", [-1, 2**63, 2**64])
def test_times_end_at_two_to_the_63(key: signature.SigningKey, time: int) -> None:
    with pytest.raises(CheckpointError):
        signature.sign_checkpoint(key, KNOWN, time)
    if time == 2**63:
        late = time.to_bytes(8, "big") + SIGNED[key.kind].signature[8:]
        with pytest.raises(CheckpointError):
            verified(key, replace(SIGNED[key.kind], signature=late))


def test_extension_lines_are_never_cosigned_by_ml_dsa() -> None:
    with pytest.raises(CheckpointError):
        verified(QUANTUM, SIGNED[6], TEXT + b"extension\n")


@pytest.mark.parametrize("name", ["", "n" * 256, "ї" * 128])
def test_a_name_that_ml_dsa_signs_has_1_to_255_bytes(name: str) -> None:
    with pytest.raises(CheckpointError):
        cosignature.ml_dsa_message(name, 1, KNOWN)
    with pytest.raises(CheckpointError):
        cosignature.ml_dsa_message("a", 1, replace(KNOWN, origin=name))


def test_kinds_that_are_not_checked_are_refused() -> None:
    line = note.NoteSignature("a", b"abcd", bytes(72))
    for kind in (2, 5):
        key = cosignature.Verifier("a", b"abcd", kind, lambda _message, _signature: True)
        with pytest.raises(SealError):
            cosignature.verify_line(TEXT, line, key)


@given(st.integers(0, checkpoint.MAX_NUMBER), st.binary(max_size=70))
def test_time_and_signature_are_packed_and_unpacked(time: int, bare: bytes) -> None:
    assert cosignature.unpack(cosignature.pack(time, bare)) == (time, bare)


@pytest.mark.parametrize("key", KEYS)
@given(blob=st.binary(min_size=1, max_size=90), text=st.binary(max_size=40))
def test_no_bytes_make_the_check_fail_otherwise(
    key: signature.SigningKey, blob: bytes, text: bytes
) -> None:
    line = note.NoteSignature(key.name, key.verifier_line.key_id, blob)

    for found in (text, TEXT):
        with pytest.raises(SealError):
            verified(key, line, found)
