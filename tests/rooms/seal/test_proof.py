"""Proof files: the known one, what is refused, and what is checked."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import NoteError, ProofError, SealError
from svitlo.seal import note, proof, signature, tree
from tests.fakes import spine

KNOWN = proof.format_tlog_proof(
    1, tree.inclusion_path(1, 64, tree.leaf_hashes(spine.entries(64))), spine.NOTE
)


def log_key() -> note.Verifier:
    return signature.verifier(note.parse_vkey(spine.LOG_VKEY))


def test_the_known_proof_file_of_the_design() -> None:
    assert len(KNOWN) == 614
    assert hashlib.sha256(KNOWN).hexdigest() == (
        "308c61d0cdacaa6a055650a0c3dd21072fe822e91dfe2a2647fcab73badc5c2f"
    )


def test_a_proof_shows_the_entry_in_the_signed_tree() -> None:
    read = proof.parse_tlog_proof(KNOWN)

    checkpoint = proof.check_tlog_proof(read, spine.entries(2)[1], [log_key()])

    assert (checkpoint.origin, checkpoint.size) == (spine.ORIGIN, 64)
    assert checkpoint.root.hex() == spine.ROOTS[64]


def test_a_proof_of_another_entry_or_by_another_key_is_refused() -> None:
    read = proof.parse_tlog_proof(KNOWN)

    with pytest.raises(ProofError):
        proof.check_tlog_proof(read, b"another", [log_key()])
    with pytest.raises(NoteError):
        proof.check_tlog_proof(read, spine.entries(2)[1], [])


@given(st.integers(0, len(KNOWN) - 1), st.integers(1, 255))
def test_a_proof_with_any_byte_changed_is_refused_or_says_the_same(at: int, change: int) -> None:
    changed = KNOWN[:at] + bytes((KNOWN[at] ^ change,)) + KNOWN[at + 1 :]

    try:
        read = proof.parse_tlog_proof(changed)
        checkpoint = proof.check_tlog_proof(read, spine.entries(2)[1], [log_key()])
    except SealError:
        return

    assert (read.index, checkpoint.size, checkpoint.root.hex()) == (1, 64, spine.ROOTS[64])


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_what_is_written_reads_the_same(index: int, path: list[bytes]) -> None:
    for extra in (None, b"", b"more"):
        read = proof.parse_tlog_proof(proof.format_tlog_proof(index, path, b"note\n", extra))

        assert read == proof.TlogProof(index, tuple(path), b"note\n", extra)


@given(st.binary() | st.binary().map(lambda tail: KNOWN[:60] + tail))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read = proof.parse_tlog_proof(data)
    except SealError:
        return
    assert proof.format_tlog_proof(read.index, read.path, read.note, read.extra) == data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"index 1\n", b"index 01\n"),
        (b"index 1\n", b"index +1\n"),
        (b"index 1\n", b"index 1_0\n"),
        (b"index 1\n", b"index 9223372036854775808\n"),
        (b"index 1\n", b""),
        (b"index 1\n", b"index 1\nindex 1\n"),
        (b"index 1\n", b"extra QUJDRB==\nindex 1\n"),
        (b"index 1\n", b"extra \xd1\x8f\nindex 1\n"),
        (b"@v1\n", b"@v2\n"),
        (b"@v1\n", b"@v1\r\n"),
        (b"xDC9", b"AAAA\nxDC9"),
        (b"xDC9", b"xDC9\xe2\x80\xa8"),
    ],
)
def test_other_ways_to_write_are_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(ProofError):
        proof.parse_tlog_proof(KNOWN.replace(old, new, 1))


def test_a_path_longer_than_any_tree_is_refused() -> None:
    with pytest.raises(ProofError, match="63 hashes"):
        proof.format_tlog_proof(0, [bytes(32)] * 64, spine.NOTE)
    with pytest.raises(ProofError, match="32 bytes"):
        proof.format_tlog_proof(0, [bytes(31)], spine.NOTE)
    with pytest.raises(ProofError):
        proof.format_tlog_proof(-1, [], spine.NOTE)
