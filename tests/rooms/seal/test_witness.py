"""Witnessing: the answers in their order, lies that get no cosignature, and proofs of forks."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import NoteError, ProofError, SealError
from svitlo.seal import checkpoint, note, signature, tree, witness
from tests.fakes import spine

NOW = datetime(2022, 11, 29, 9, 20, tzinfo=UTC)
TIME = 1669713600
LOG = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=bytes(range(32)))
LOG_QUANTUM = signature.SigningKey(name=spine.ORIGIN, kind=6, seed=bytes(range(0x60, 0x80)))
OURS = signature.SigningKey(name="lv.example/witness", kind=4, seed=bytes(range(32, 64)))
OURS_QUANTUM = signature.SigningKey(name="lv.example/witness", kind=6, seed=bytes(range(32, 64)))
LEAVES = tree.leaf_hashes(spine.entries(192))
OTHER_LEAVES = [*LEAVES[:-150], *reversed(LEAVES[-150:])]
TRUSTED = [signature.verifier(key.verifier_line) for key in (LOG, LOG_QUANTUM)]


def seen(
    size: int, leaves: list[bytes] = LEAVES, root: bytes | None = None
) -> checkpoint.Checkpoint:
    found = tree.root_of(leaves[:size]) if root is None else root
    return checkpoint.Checkpoint(spine.ORIGIN, size, found)


def note_of(size: checkpoint.Checkpoint, *keys: signature.SigningKey) -> bytes:
    lines = tuple(signature.sign_checkpoint(key, size, TIME) for key in keys or (LOG,))
    return note.format_note(note.Note(checkpoint.format_checkpoint(size), lines))


def asked(
    old: int,
    data: bytes,
    *,
    size: int = 0,
    proof: list[bytes] | None = None,
    leaves: list[bytes] = LEAVES,
) -> witness.Request:
    path = tree.consistency_path(old, size, leaves) if proof is None and 0 < old < size else proof
    return witness.parse_add_checkpoint(witness.format_add_checkpoint(old, path or [], data))


def answer(
    request: witness.Request,
    state: bytes | None = None,
    *keys: signature.SigningKey,
    trusted: list[note.Verifier] | None = None,
) -> witness.Verdict:
    return witness.examine(
        request,
        state=state,
        verifiers=TRUSTED if trusted is None else trusted,
        now=NOW,
        keys=keys or (OURS,),
    )


def refused(verdict: witness.Verdict, status: int) -> None:
    assert verdict.status == status
    assert verdict.stored is None
    assert b"\xe2\x80\x94" not in verdict.body


def test_the_first_checkpoint_is_cosigned_and_stored_whole() -> None:
    verdict = answer(asked(0, note_of(seen(64))))

    assert (verdict.status, verdict.content_type) == (200, "text/plain; charset=utf-8")
    stored = note.parse_note(verdict.stored or b"")
    (_, ours) = stored.signatures
    assert verdict.body == note.format_signature(ours)
    assert stored.text == checkpoint.format_checkpoint(seen(64))
    keys = [*TRUSTED, signature.verifier(OURS.verifier_line)]
    assert [line.time for line in note.verify_lines(stored, keys)] == [None, int(NOW.timestamp())]


def test_the_known_note_is_what_log_and_witness_make_of_it() -> None:
    now = datetime.fromtimestamp(TIME, UTC)

    verdict = witness.examine(
        asked(0, note_of(seen(64))), state=None, verifiers=TRUSTED, now=now, keys=[OURS]
    )

    assert verdict.stored == spine.NOTE


def test_the_known_consistency_proofs_are_accepted() -> None:
    state: bytes | None = None
    for old, size, proof in (
        (0, 64, []),
        (64, 128, ["T8PxmT7khFqjzInyn8SRtMliKM2rm33gy7b9yZPkd50="]),
        (128, 192, ["QmajIlSKx3GoBc29O+NUiNtKpFF3rHYuutTy+N/jxXE="]),
    ):
        root = bytes.fromhex(spine.ROOTS[size])
        steps = [base64.b64decode(step) for step in proof]
        state = answer(asked(old, note_of(seen(size, root=root)), proof=steps), state).stored

    assert state is not None


def test_sizes_one_three_five_as_a_log_meets_them() -> None:
    one, three, five = (note_of(seen(size)) for size in (1, 3, 5))

    first = answer(asked(0, one))
    assert first.status == 200
    second = answer(asked(1, three, size=3), first.stored)
    assert second.status == 200

    behind = answer(asked(1, five, size=5), second.stored)
    refused(behind, 409)
    assert (behind.body, behind.content_type) == (b"3\n", "text/x.tlog.size")
    assert witness.parse_size(behind.body) == 3

    refused(answer(asked(3, five, proof=[bytes(32)]), second.stored), 422)
    refused(answer(asked(3, five, proof=[]), second.stored), 422)
    refused(answer(asked(3, one), second.stored), 400)
    assert answer(asked(3, five, size=5), second.stored).status == 200


def test_a_checkpoint_is_cosigned_again_with_a_new_time() -> None:
    state = answer(asked(0, note_of(seen(64)))).stored

    again = answer(asked(64, note_of(seen(64))), state)

    assert again.status == 200
    refused(answer(asked(64, note_of(seen(64)), proof=[bytes(32)]), state), 422)


def test_an_empty_log_is_cosigned_with_the_empty_root_only() -> None:
    empty = answer(asked(0, note_of(seen(0))))
    assert empty.status == 200
    assert answer(asked(0, note_of(seen(5))), empty.stored).status == 200

    refused(answer(asked(0, note_of(seen(0, root=bytes(32))))), 422)
    refused(answer(asked(0, note_of(seen(5)), proof=[bytes(32)])), 422)


def test_an_unknown_origin_is_answered_before_its_signature() -> None:
    refused(answer(asked(9, note_of(seen(5), OURS)), trusted=[]), 404)


def test_only_a_trusted_key_of_the_log_opens_the_door() -> None:
    stranger = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=bytes(32))
    refused(answer(asked(0, note_of(seen(5), stranger))), 403)
    assert answer(asked(0, note_of(seen(5), stranger, LOG))).status == 200

    good = note.parse_note(note_of(seen(5), LOG, LOG_QUANTUM))
    for bad in range(2):
        lines = [
            replace(line, signature=line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
            if n == bad
            else line
            for n, line in enumerate(good.signatures)
        ]
        request = asked(0, note.format_note(replace(good, signatures=tuple(lines))))
        refused(answer(request), 403)


def test_a_bad_signature_is_answered_before_the_size() -> None:
    stranger = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=bytes(32))

    refused(answer(asked(9, note_of(seen(5), stranger)), note_of(seen(3))), 403)


def test_old_beyond_size_is_answered_before_our_size() -> None:
    refused(answer(asked(9, note_of(seen(5))), note_of(seen(3))), 400)


def test_our_size_is_answered_before_the_proof() -> None:
    refused(answer(asked(0, note_of(seen(5)), proof=[bytes(32)]), note_of(seen(3))), 409)


def test_a_rotated_log_key_is_one_of_several() -> None:
    new = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=bytes([9] * 32))
    trusted = [*TRUSTED, signature.verifier(new.verifier_line)]

    for keys in ((LOG,), (LOG, new), (new,)):
        verdict = answer(asked(0, note_of(seen(5), *keys)), trusted=trusted)

        assert len(note.parse_note(verdict.stored or b"").signatures) == len(keys) + 1


def test_lines_of_others_and_repeated_lines_are_not_stored() -> None:
    crowd = [signature.SigningKey(name="crowd", kind=4, seed=bytes([n] * 32)) for n in range(60)]
    data = note_of(seen(5), LOG, LOG_QUANTUM, LOG_QUANTUM, LOG, *crowd)

    verdict = answer(asked(0, data), None, OURS, OURS_QUANTUM)

    stored = note.parse_note(verdict.stored or b"")
    assert [line.key_id for line in stored.signatures] == [
        key.verifier_line.key_id for key in (LOG, LOG_QUANTUM, OURS, OURS_QUANTUM)
    ]
    assert len(note.parse_signatures(verdict.body)) == 2


def test_a_log_that_rewrites_its_past_gets_no_cosignature() -> None:
    state = answer(asked(0, note_of(seen(100)))).stored
    lie = note_of(seen(150, OTHER_LEAVES))

    verdict = answer(asked(100, lie, size=150, leaves=OTHER_LEAVES), state)

    refused(verdict, 422)
    assert verdict.evidence is None


@pytest.mark.parametrize("old", [0, 64, 100])
def test_another_root_of_the_same_size_is_refused_and_is_evidence(old: int) -> None:
    state = answer(asked(0, note_of(seen(100)))).stored or b""
    lie = note_of(seen(100, OTHER_LEAVES), LOG, LOG_QUANTUM)

    verdict = answer(asked(old, lie, proof=[]), state)

    refused(verdict, 422 if old == 100 else 409)
    assert verdict.evidence == lie
    witness.check_fork(state, verdict.evidence or b"", TRUSTED)


def test_what_strangers_sign_is_no_evidence() -> None:
    stranger = signature.SigningKey(name=spine.ORIGIN, kind=1, seed=bytes(32))
    state = answer(asked(0, note_of(seen(100)))).stored

    verdict = answer(asked(100, note_of(seen(100, OTHER_LEAVES), stranger)), state)

    refused(verdict, 403)
    assert verdict.evidence is None


def test_two_racing_requests_never_roll_back() -> None:
    state = answer(asked(0, note_of(seen(64)))).stored
    short, long = (asked(64, note_of(seen(size)), size=size) for size in (100, 150))
    early, late = answer(short, state), answer(long, state)
    assert (early.status, late.status) == (200, 200)

    kept = late.stored  # the one whose compare-and-store came first

    second = answer(short, kept)
    refused(second, 409)
    assert second.body == b"150\n"


def test_a_damaged_or_foreign_state_is_never_signed_over() -> None:
    other = checkpoint.Checkpoint("other", 3, bytes(32))
    for state in (b"", b"damaged", note_of(other)):
        with pytest.raises(SealError):
            answer(asked(0, note_of(seen(5))), state)


def test_cosignatures_are_added_and_renewed() -> None:
    data = note_of(seen(64))
    body = answer(asked(0, data)).body
    known = [signature.verifier(OURS.verifier_line)]

    once, cosigned = witness.add_cosignatures(data, body, known)
    twice, _ = witness.add_cosignatures(once, body, known)

    assert [line.time for line in cosigned] == [int(NOW.timestamp())]
    assert len(note.parse_note(once).signatures) == 2
    assert twice == once


def test_strange_lines_of_an_answer_are_left_out_and_bad_ones_refused() -> None:
    data = note_of(seen(64))
    other = signature.SigningKey(name="other", kind=4, seed=bytes(32))
    body = answer(asked(0, data), None, OURS, other).body
    known = [signature.verifier(OURS.verifier_line)]

    added, cosigned = witness.add_cosignatures(data, body, known)

    assert [line.name for line in cosigned] == ["lv.example/witness"]
    assert len(note.parse_note(added).signatures) == 2
    with pytest.raises(NoteError):
        witness.add_cosignatures(note_of(seen(65)), body, known)


@pytest.mark.parametrize(
    "body", [b"", b"3", b"3\n\n", b" 3\n", b"03\n", b"-3\n", b"x\n", b"\xff\n"]
)
def test_a_size_answer_is_a_number_and_a_line_end(body: bytes) -> None:
    with pytest.raises(NoteError):
        witness.parse_size(body)


GOOD = witness.format_add_checkpoint(64, [bytes(32), bytes([1] * 32)], note_of(seen(128)))


def test_a_request_is_read_back() -> None:
    read = witness.parse_add_checkpoint(GOOD)

    assert (read.old, read.proof) == (64, (bytes(32), bytes([1] * 32)))
    assert read.checkpoint == seen(128)
    assert witness.format_add_checkpoint(read.old, read.proof, note.format_note(read.note)) == GOOD


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 64\n",
        b"\n\n" + note_of(seen(5)),
        GOOD.removeprefix(b"old "),
        GOOD.replace(b"old 64", b"old 064"),
        GOOD.replace(b"old 64", b"old  64"),
        GOOD.replace(b"old 64", b"old +64"),
        GOOD.replace(b"old 64", b"old -1"),
        GOOD.replace(b"old 64", b"old"),
        GOOD.replace(b"old 64", "old ٣".encode()),
        GOOD.replace(b"old 64", b"OLD 64"),
        GOOD.replace(b"old 64\n", b"old 64\r\n"),
        GOOD.replace(b"AAA=\n", b"AAB=\n"),
        GOOD.replace(b"AAA=\n", b"\n"),
        GOOD.replace(b"AAA=\n", b"AAA= \n"),
        GOOD.replace(b"AAA=\n", b"AAA=\n\n"),
        GOOD.replace(b"\n128\n", b"\n128\nextension\n"),
        GOOD[:-1],
        witness.format_add_checkpoint(64, [bytes(31)], note_of(seen(5))),
        witness.format_add_checkpoint(64, [bytes(32)] * 64, note_of(seen(5))),
    ],
)
def test_malformed_requests_are_answered_with_400(body: bytes) -> None:
    with pytest.raises(SealError) as caught:
        witness.parse_add_checkpoint(body)

    refused(witness.malformed(caught.value), 400)


def test_sixty_three_proof_lines_are_read() -> None:
    body = witness.format_add_checkpoint(64, [bytes(32)] * 63, note_of(seen(5)))

    assert len(witness.parse_add_checkpoint(body).proof) == 63


def test_no_body_beyond_the_limit_is_read() -> None:
    with pytest.raises(NoteError):
        witness.parse_add_checkpoint(GOOD + b"x" * witness.MAX_BODY_BYTES)


def test_a_smaller_checkpoint_that_the_larger_never_contained_is_a_fork() -> None:
    ours, theirs = note_of(seen(100, OTHER_LEAVES)), note_of(seen(150))
    root, path = tree.root_of(LEAVES[:100]), tree.consistency_path(100, 150, LEAVES)

    witness.check_fork(ours, theirs, TRUSTED, root=root, path=path)
    witness.check_fork(theirs, ours, TRUSTED, root=root, path=path)

    with pytest.raises(ProofError):
        witness.check_fork(ours, theirs, TRUSTED)
    with pytest.raises(ProofError):
        witness.check_fork(ours, theirs, TRUSTED, root=bytes(32), path=path)
    with pytest.raises(ProofError):
        witness.check_fork(note_of(seen(100)), theirs, TRUSTED, root=root, path=path)


def test_honest_logs_are_accused_of_nothing() -> None:
    foreign = signature.SigningKey(name="other", kind=1, seed=LOG.seed)
    other = note_of(checkpoint.Checkpoint("other", 64, bytes(32)), foreign)
    both = [*TRUSTED, signature.verifier(foreign.verifier_line)]

    with pytest.raises(ProofError):
        witness.check_fork(note_of(seen(64)), note_of(seen(64), LOG_QUANTUM), TRUSTED)
    with pytest.raises(ProofError):
        witness.check_fork(note_of(seen(64)), other, both)
    with pytest.raises(NoteError):
        witness.check_fork(note_of(seen(64)), other, TRUSTED)


@given(st.binary(max_size=99) | st.text("old 0\n—a+=YWJj", max_size=80).map(str.encode))
def test_no_bytes_make_the_reader_fail_otherwise(body: bytes) -> None:
    with pytest.raises(SealError):
        witness.parse_add_checkpoint(body)


STATE = note_of(seen(64))
REQUEST = witness.format_add_checkpoint(
    64, tree.consistency_path(64, 128, LEAVES), note_of(seen(128))
)


@given(st.integers(0, len(REQUEST) - 1), st.integers(1, 255))
def test_a_request_with_any_byte_changed_never_gets_another_checkpoint_cosigned(
    at: int, change: int
) -> None:
    changed = REQUEST[:at] + bytes([REQUEST[at] ^ change]) + REQUEST[at + 1 :]

    try:
        verdict = answer(witness.parse_add_checkpoint(changed), STATE)
    except SealError:
        return

    if verdict.stored is not None:
        assert checkpoint.parse_checkpoint(note.parse_note(verdict.stored).text) == seen(128)
