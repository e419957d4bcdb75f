"""Commitments: what is fixed in the log, without telling what it says.

Rules: an entry is a commitment (0x01 and 32 bytes) or a public control record (0x02 and canonical
JSON). Only who holds the opening, salt and statement, can say what a commitment means; without the
salt a statement that can be guessed cannot be confirmed. Dummies look like commitments to all but
those who hold the dummy key.

Python 3.9, standard library only.
"""

from __future__ import annotations

import hashlib
import hmac

from svitlo.errors import CommitmentError
from svitlo.seal.canonical import loads_canonical

COMMITMENT = b"\x01"
"""The first byte of an entry that is a commitment, or a dummy."""

CONTROL = b"\x02"
"""The first byte of an entry that is a public control record."""

SALT_BYTES = 32
MAX_CONTROL_BYTES = 8 * 1024
PERSON_LABEL = b"svitlo/sign/v1\0"
_COMMITMENT_LABEL = b"svitlo/commit/v1\0"
_DUMMY_LABEL = b"svitlo/dummy/v1\0"
_PRIMED = hashlib.sha256(_COMMITMENT_LABEL)  # a copy is 1.3 times faster than the label each time


def commit(salt: bytes, statement: bytes) -> bytes:
    """The commitment C, 32 bytes: SHA-256 of label, salt and the statement's canonical bytes.

    Raises:
        CommitmentError: the salt is not 32 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise CommitmentError(f"a salt is {SALT_BYTES} bytes, this one is {len(salt)}")
    digest = _PRIMED.copy()
    digest.update(salt)
    digest.update(statement)
    return digest.digest()


def commitment_entry(commitment: bytes) -> bytes:
    """The 33 bytes that the log hashes for a commitment."""
    if len(commitment) != hashlib.sha256().digest_size:
        raise CommitmentError(f"a commitment is 32 bytes, this one is {len(commitment)}")
    return COMMITMENT + commitment


def control_entry(record: bytes) -> bytes:
    """The entry of a public control record, given as canonical JSON.

    Raises:
        CommitmentError: the record is too long, or not an object.
        CanonicalError: the record is not canonical JSON.
    """
    if len(record) > MAX_CONTROL_BYTES:
        raise CommitmentError(f"a control record is at most {MAX_CONTROL_BYTES} bytes")
    if not isinstance(loads_canonical(record), dict):
        raise CommitmentError("a control record is a JSON object")
    return CONTROL + record


def control_record(entry: bytes) -> bytes:
    """The canonical JSON of a control entry.

    Raises:
        CommitmentError: the entry is no control record.
        CanonicalError: its record is not canonical JSON.
    """
    if entry[:1] != CONTROL:
        raise CommitmentError("the entry is not a control record")
    control_entry(entry[1:])
    return entry[1:]


def dummy_entry(dummy_key: bytes, index: int) -> bytes:
    """The entry that pads the log at an index: an HMAC-SHA-256 in the place of a commitment."""
    return dummy_entries(dummy_key, index, 1)[0]


def dummy_entries(dummy_key: bytes, index: int, count: int) -> list[bytes]:
    """The dummies of `count` indices from `index` on."""
    digest, start = hmac.digest, _DUMMY_LABEL
    return [
        COMMITMENT + digest(dummy_key, start + at.to_bytes(8, "big"), "sha256")
        for at in range(index, index + count)
    ]


def check_opening(entry: bytes, salt: bytes, statement: bytes) -> None:
    """Check that salt and statement open the commitment of an entry.

    Raises:
        CommitmentError: the entry commits to something else.
    """
    if entry != COMMITMENT + commit(salt, statement):
        raise CommitmentError("the statement is not the one that the log's entry commits to")


def person_message(statement_without_sig: bytes) -> bytes:
    """What a person's key signs: the label, then the statement's canonical bytes without `sig`."""
    return PERSON_LABEL + statement_without_sig


def person_key_id(public: bytes) -> str:
    """The name of a person's key in statements: the first 8 bytes of its SHA-256, in hex."""
    return hashlib.sha256(public).hexdigest()[:16]
