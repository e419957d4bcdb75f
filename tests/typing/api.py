"""The Python interface as its users write it: the type checker reads this file, nothing runs it."""

from __future__ import annotations

from datetime import datetime
from typing import assert_type

from svitlo.errors import ProofError, SealError, SvitloError
from svitlo.seal import (
    canonical,
    checkpoint,
    commitment,
    curve,
    digest,
    note,
    policy,
    proof,
    signature,
    timestamp,
    tree,
)


def fix_a_statement(salt: bytes) -> bytes:
    statement = canonical.dumps({"type": "custody.event", "v": 1, "subject": ["x-1"]})
    assert_type(statement, bytes)
    entry = commitment.commitment_entry(commitment.commit(salt, statement))
    commitment.check_opening(entry, salt, statement)
    return entry


def grow_a_log(entries: list[bytes]) -> tuple[bytes, list[bytes]]:
    leaves = tree.leaf_hashes(entries)
    path = tree.inclusion_path(1, len(leaves), leaves)
    root = tree.root_of(leaves)
    tree.verify_inclusion(leaves[1], 1, len(leaves), path, root=root)
    assert_type(path, list[bytes])
    return root, path


def sign_and_open_a_checkpoint(root: bytes, seed: bytes) -> str:
    key = signature.SigningKey(name="a.example/spine/1", kind=note.KIND_ED25519, seed=seed)
    head = checkpoint.Checkpoint("a.example/spine/1", 2, root)
    line = signature.sign_checkpoint(key, head, 0)
    signed = note.format_note(note.Note(checkpoint.format_checkpoint(head), (line,)))
    opened, signers = note.open_note(signed, [curve.verifier(key.verifier_line)])
    assert_type(opened, note.Note)
    assert_type(checkpoint.parse_checkpoint(opened.text), checkpoint.Checkpoint)
    return signers[0].name


def ask_for_a_quorum(text: str, signed: bytes) -> bool:
    accepted = policy.check_note(policy.parse_policy(text), signed, curve.verifier)
    assert_type(accepted.quorum.names, tuple[str, ...])
    return accepted.quorum.reached


def check_a_proof(content: bytes, entry: bytes, vkey: str) -> int:
    found = proof.parse_tlog_proof(content)
    verifier = signature.verifier(note.parse_vkey(vkey))
    try:
        head = proof.check_tlog_proof(found, entry, [verifier])
    except ProofError as error:
        assert_type(error, ProofError)
        raise
    return head.size


def check_a_stamp(response: bytes, imprint: bytes, roots: list[bytes]) -> datetime:
    stamp = timestamp.verify_stamp(response, imprint, roots)
    assert_type(stamp.gen_time, datetime)
    return stamp.gen_time


def compare_a_digest(content: bytes, recorded: digest.Digest) -> None:
    recorded.check(content)
    assert_type(digest.digest_of(content).sha256, str)


def every_error_is_one_tree(error: SealError) -> SvitloError:
    return error
