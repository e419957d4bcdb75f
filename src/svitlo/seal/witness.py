"""Witnessing: examine the checkpoint of somebody's log, and cosign it if it only grew.

Rules: questions are asked in the order of the specification, and the first that fails answers. The
whole log-signed note is what a witness keeps: a bare root would prove a fork to nobody. Nothing is
stored here: compare the state, store `Verdict.stored` and commit in one transaction, then reply.

```
old 64
9LQklvp1Vp+XM+ZfYdJEHxIASgPEIOQ1Oa4exnXXep0=

ee.example/spine/1
128
...
```

Source: C2SP tlog-witness; RFC 6962, section 2.1.2 (consistency).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from svitlo.errors import NoteError, ProofError, SealError
from svitlo.seal.checkpoint import (
    HASH_BYTES,
    Checkpoint,
    decode_base64,
    parse_checkpoint,
    parse_decimal,
)
from svitlo.seal.note import (
    MAX_NOTE_BYTES,
    Note,
    Verifier,
    format_note,
    format_signature,
    parse_note,
    parse_signatures,
    verify_lines,
)
from svitlo.seal.signature import SigningKey, sign_checkpoint
from svitlo.seal.tree import EMPTY_ROOT, verify_consistency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from svitlo.seal.cosignature import Cosigned

MAX_PROOF_LINES = 63
MAX_BODY_BYTES = MAX_NOTE_BYTES + 4096
"""The note, and 63 proof lines of 45 bytes."""

PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
"""The content type of the answer that names the size of the last checkpoint cosigned."""


class Status(IntEnum):
    """What a witness answers, by the status codes of the specification."""

    COSIGNED = 200
    MALFORMED = 400
    NOT_SIGNED = 403
    UNKNOWN_ORIGIN = 404
    OTHER_SIZE = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True)
class Request:
    """A checkpoint that a log asks to have cosigned, and the proof that it grew from size `old`."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a request.

    `stored` is the note to keep (the log's lines and ours) if the checkpoint was cosigned;
    `evidence` is the log's note if it proves, against the note we keep, that the log has forked.
    """

    status: Status
    body: bytes
    content_type: str = PLAIN
    stored: bytes | None = None
    evidence: bytes | None = None


def parse_add_checkpoint(body: bytes) -> Request:
    """The request in the body of add-checkpoint.

    Raises:
        SealError: malformed; the answer is `malformed`.
    """
    if len(body) > MAX_BODY_BYTES:
        raise NoteError(f"a request is at most {MAX_BODY_BYTES} bytes")
    head, separator, data = body.partition(b"\n\n")
    if not separator or not head.isascii():
        raise NoteError("a request is a size, a proof, an empty line, a note")
    old, *rows = head.decode().split("\n")
    if not old.startswith("old ") or len(rows) > MAX_PROOF_LINES:
        raise NoteError(f'a request begins with "old <size>" and at most {MAX_PROOF_LINES} hashes')
    proof = tuple(decode_base64(row, ProofError) for row in rows)
    if any(len(step) != HASH_BYTES for step in proof):
        raise ProofError("a proof consists of hashes of 32 bytes")
    note = parse_note(data)
    size = parse_decimal(old.removeprefix("old "), NoteError)
    return Request(size, proof, note, parse_checkpoint(note.text))


def format_add_checkpoint(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of add-checkpoint, as a log sends it."""
    rows = [f"old {old}", *(base64.b64encode(step).decode() for step in proof)]
    return "".join(f"{row}\n" for row in rows).encode() + b"\n" + note


def malformed(error: SealError) -> Verdict:
    """The answer to a body that is no request."""
    return _refusal(Status.MALFORMED, str(error))


def examine(
    request: Request,
    *,
    state: bytes | None,
    verifiers: Sequence[Verifier],
    now: datetime,
    keys: Sequence[SigningKey],
) -> Verdict:
    """The answer to a request, from what this witness knows of the request's origin.

    `state` is the note stored for that origin, None before the first; `verifiers` are the keys of
    its log, none if the origin is unknown; `keys` are the witness's own, of kinds 0x04 and 0x06.

    Raises:
        SealError: the state is damaged, or of another log; nothing may be cosigned.
    """
    known = None if state is None else parse_checkpoint(parse_note(state).text)
    asked = request.checkpoint
    if known is not None and known.origin != asked.origin:
        raise NoteError(f"the state is of {known.origin}, the request of {asked.origin!a}")
    if not verifiers:
        return _refusal(Status.UNKNOWN_ORIGIN, "this witness does not know the origin")
    try:
        signed = _log_signed(request.note, verifiers)
    except SealError as error:
        return _refusal(Status.NOT_SIGNED, str(error))
    refusal = _compare(request, known or Checkpoint(asked.origin, 0, EMPTY_ROOT))
    if refusal is None:
        return _cosign(signed, asked, keys=keys, now=now)
    if known is not None and known.size == asked.size and known.root != asked.root:
        return replace(refusal, evidence=format_note(signed))
    return refusal


def add_cosignatures(
    data: bytes, answer: bytes, verifiers: Iterable[Verifier]
) -> tuple[bytes, tuple[Cosigned, ...]]:
    """A note with the lines of a witness's answer that its known keys have signed, and those lines.

    Raises:
        SealError: the answer is malformed, or a known key's line does not verify.
    """
    note, known = parse_note(data), tuple(verifiers)
    lines = _of_keys(Note(note.text, parse_signatures(answer)), known)
    cosigned = verify_lines(lines, known)
    fresh = {(line.name, line.key_id) for line in lines.signatures}
    kept = tuple(s for s in note.signatures if (s.name, s.key_id) not in fresh)
    return format_note(Note(note.text, kept + lines.signatures)), cosigned


def parse_size(body: bytes) -> int:
    """The size that a witness names in its 409 answer.

    Raises:
        NoteError: the answer is not one number and a line end.
    """
    if not body.endswith(b"\n") or not body.isascii():
        raise NoteError("a witness's size is a number and a line end")
    return parse_decimal(body[:-1].decode(), NoteError)


def check_fork(
    ours: bytes,
    theirs: bytes,
    verifiers: Iterable[Verifier],
    *,
    root: bytes | None = None,
    path: Sequence[bytes] = (),
) -> None:
    """Check that two signed notes prove a fork of their log.

    They do if they have one size and two roots; or sizes m < n, when `root` is another root of
    size m than the smaller note's and `path` proves that the larger note's tree grew out of it.

    Raises:
        SealError: the log's keys have not signed both, or they do not contradict each other.
    """
    known = tuple(verifiers)
    notes = [_log_signed(parse_note(data), known) for data in (ours, theirs)]
    small, large = sorted((parse_checkpoint(n.text) for n in notes), key=lambda c: c.size)
    if small.origin != large.origin:
        raise ProofError("the notes are of two logs")
    if small.size == large.size:
        root = large.root
    if root is None or root == small.root:
        raise ProofError("the notes do not contradict each other")
    verify_consistency(small.size, large.size, root, large.root, path=path)


def _log_signed(note: Note, verifiers: Sequence[Verifier]) -> Note:
    if not verify_lines(note, verifiers):
        raise NoteError("no key of the log has signed the checkpoint")
    return _of_keys(note, verifiers)


def _of_keys(note: Note, verifiers: Sequence[Verifier]) -> Note:
    """The note with one line of each known key, without the lines of others."""
    ids = {(key.name, key.key_id) for key in verifiers}
    lines = {(s.name, s.key_id): s for s in note.signatures if (s.name, s.key_id) in ids}
    return replace(note, signatures=tuple(lines.values()))


def _compare(request: Request, last: Checkpoint) -> Verdict | None:
    asked = request.checkpoint
    if request.old > asked.size:
        return _refusal(Status.MALFORMED, "the old size is beyond that of the checkpoint")
    if request.old != last.size:
        return Verdict(status=Status.OTHER_SIZE, body=b"%d\n" % last.size, content_type=SIZE)
    if asked.size == 0 and asked.root != EMPTY_ROOT:
        return _refusal(Status.INCONSISTENT, "an empty log has the hash of nothing as its root")
    try:
        verify_consistency(last.size, asked.size, last.root, asked.root, path=request.proof)
    except ProofError as error:
        return _refusal(Status.INCONSISTENT, str(error))
    return None


def _cosign(
    note: Note, checkpoint: Checkpoint, *, keys: Sequence[SigningKey], now: datetime
) -> Verdict:
    time = int(now.timestamp())
    lines = tuple(sign_checkpoint(key, checkpoint, time) for key in keys)
    stored = format_note(replace(note, signatures=note.signatures + lines))
    body = b"".join(map(format_signature, lines))
    return Verdict(status=Status.COSIGNED, body=body, stored=stored)


def _refusal(status: Status, why: str) -> Verdict:
    return Verdict(status=status, body=f"{why}\n".encode("utf-8", "replace"))
