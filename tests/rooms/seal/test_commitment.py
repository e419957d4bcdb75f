"""Commitments, control records and dummies: the known answers, and what is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import CanonicalError, CommitmentError
from svitlo.seal import canonical, commitment, signature
from tests.fakes import spine

SALT = bytes(range(32))
SEED = bytes(range(0x40, 0x60))
UNSIGNED: dict[str, object] = {
    "actor": "p-7f3a",
    "at": "2022-11-29T09:15:00Z",
    "body": {"event": "verify", "note": "Підстанція «Світло»", "result": "intact"},
    "id": "01gk1ap2h0000g40r40m30e209",
    "node": "ee.example",
    "subject": ["x-0192"],
    "type": "custody.event",
    "v": 1,
}
SIG = "DLlZJ5LE/apeezDA9YMvsF9DzI3XlsRGFW+kP9F6U0Nd1X+Gpf6U9jW2ILY3ep6wnwxaGqpaYhOq2bSIDc7NBQ=="
SIGNED = UNSIGNED | {"sig": {"alg": "ed25519", "key": "03396219237f75a6", "sig": SIG}}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_known_statement_has_the_known_bytes() -> None:
    unsigned, signed = canonical.dumps(UNSIGNED), canonical.dumps(SIGNED)

    assert (len(unsigned), sha256(unsigned)) == (
        241,
        "872fa33601fe5b96c7d2724c145f50dcb54b83965487c9919e0053a933b83368",
    )
    assert (len(signed), sha256(signed)) == (
        387,
        "a02210dff4378a4f055a1c0ab1e2ba5e84d26a0b8f6b98427270acf7c43c028b",
    )


def test_the_known_person_signs_as_known() -> None:
    public = signature.person_public(SEED)
    message = commitment.person_message(canonical.dumps(UNSIGNED))

    assert public.hex() == "2543b92ff1095511476adc8369db6ddc933665a11978dda1404ee1066ca9559d"
    assert commitment.person_key_id(public) == "03396219237f75a6"
    assert message.startswith(b"svitlo/sign/v1\0{")
    assert signature.sign_person(SEED, message).hex() == base64.b64decode(SIG).hex()


def test_the_known_commitment() -> None:
    assert commitment.commit(SALT, canonical.dumps(SIGNED)) == spine.COMMITMENT


def test_the_known_genesis() -> None:
    record = spine.GENESIS[1:]

    assert commitment.control_entry(record) == spine.GENESIS
    assert len(spine.GENESIS) == 111
    assert commitment.control_record(spine.GENESIS) == record


def test_the_known_dummy() -> None:
    entry = commitment.dummy_entry(spine.DUMMY_KEY, 2)

    assert entry.hex() == "01d61c85aac29a265937f1365e30199a676c43e476c36eb9dac3864dcb461d64ec"
    assert [commitment.dummy_entry(spine.DUMMY_KEY, i) for i in range(2, 64)] == spine.entries(64)[
        2:
    ]


def test_an_opening_fits_its_entry_only() -> None:
    statement = canonical.dumps(SIGNED)
    entry = commitment.commitment_entry(commitment.commit(SALT, statement))

    commitment.check_opening(entry, SALT, statement)

    for wrong in (
        (entry, SALT[:-1] + b"\0", statement),
        (entry, SALT, canonical.dumps(UNSIGNED)),
        (b"\x02" + entry[1:], SALT, statement),
        (entry + b"\0", SALT, statement),
        (b"", SALT, statement),
        (entry, SALT[:-1], statement),
    ):
        with pytest.raises(CommitmentError):
            commitment.check_opening(*wrong)


@given(
    st.binary(min_size=32, max_size=32), st.binary(max_size=99), st.integers(0), st.integers(1, 255)
)
def test_any_changed_byte_of_an_opening_is_found(
    salt: bytes, statement: bytes, at: int, change: int
) -> None:
    entry = commitment.commitment_entry(commitment.commit(salt, statement))
    opening = bytearray(salt + statement)
    opening[at % len(opening)] ^= change

    with pytest.raises(CommitmentError):
        commitment.check_opening(entry, bytes(opening[:32]), bytes(opening[32:]))


def test_a_commitment_is_32_bytes() -> None:
    with pytest.raises(CommitmentError):
        commitment.commitment_entry(bytes(31))


def test_a_control_record_is_a_canonical_object_of_8_kib_at_most() -> None:
    largest = canonical.dumps({"a": "x" * (8192 - 8)})

    assert len(commitment.control_entry(largest)) == 8193
    with pytest.raises(CommitmentError):
        commitment.control_entry(canonical.dumps({"a": "x" * (8192 - 7)}))
    with pytest.raises(CommitmentError):
        commitment.control_entry(b"[]")
    with pytest.raises(CanonicalError):
        commitment.control_entry(b'{"b":1,"a":1}')
    with pytest.raises(CommitmentError):
        commitment.control_record(b"\x01" + bytes(32))
