"""Ask witnesses: what they last saw of the node's log before it signs, and a cosignature after.

The first question is what keeps a restored machine from signing a second history: a snapshot rolls
tables and head file back together, and then only a witness still knows. Where none can be reached
the log is unconfirmed: it is sequenced, and nothing is signed. The second question may fail without
harm: what is missing is asked for again by the next command.

C2SP tlog-witness; RFC 6962 section 2.1.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from svitlo.errors import ForkError, LogStateError, NoteError, SealError, Unreachable
from svitlo.node.witnesses import Witness, Witnesses
from svitlo.seal.checkpoint import Checkpoint, parse_checkpoint
from svitlo.seal.note import Verifier, open_note, parse_note
from svitlo.seal.witness import Status, add_cosignatures, format_add_checkpoint, parse_size
from svitlo.store.log.reading import LogReader
from svitlo.store.models import Checkpoint as CheckpointRow


@dataclass(slots=True)
class Standing:
    """What the witnesses say of the log before it signs.

    `is_confirmed` says whether signing is allowed; `sizes` holds for each witness that answered the
    size that it last cosigned, 0 when it never did.
    """

    is_confirmed: bool = True
    remarks: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)


def stand_before(
    reader: LogReader, witnesses: Witnesses, verifiers: Sequence[Verifier]
) -> Standing:
    """What the witnesses say of the log that is about to be signed.

    `verifiers` are the keys that the log signs with, or has signed with.

    Raises:
        LogStateError: a witness has cosigned more entries than the tables hold.
        ForkError: a witness has cosigned another history.
    """
    standing = Standing()
    for witness in witnesses:
        try:
            last = _last(reader, witness, verifiers)
        except (Unreachable, SealError) as error:
            standing.remarks.append(f"not asked: {error}")
            continue
        if last is not None:
            _check_seen(reader, witness, *last)
        elif _has_cosigned(reader, witness):
            standing.remarks.append(
                f"{witness.name} has lost its memory of this log: give it a new name and key"
            )
            continue
        standing.sizes[witness.name] = last[0].size if last else 0
    if len(witnesses) and not standing.sizes:
        standing.is_confirmed = False
        standing.remarks.append(
            "no witness confirms the log: entries are kept and numbered, nothing is signed"
        )
    return standing


def _last(
    reader: LogReader, witness: Witness, verifiers: Sequence[Verifier]
) -> tuple[Checkpoint, bytes] | None:
    """The last checkpoint of this log that the witness holds, with the note, both verified."""
    data = witness.last(reader.log.origin)
    if data is None:
        return None
    note, signers = open_note(data, [*verifiers, witness.verifier])
    checkpoint = parse_checkpoint(note.text)
    if signers == (witness.verifier,) or checkpoint.origin != reader.log.origin:
        raise NoteError(f"{witness.name} shows a checkpoint that this log has not signed")
    return checkpoint, data


def _has_cosigned(reader: LogReader, witness: Witness) -> bool:
    newest = CheckpointRow.objects.filter(log_id=reader.log_id).order_by("-size")[:8]
    return any(has_line(bytes(row.note), witness) for row in newest)


def has_line(note: bytes, witness: Witness) -> bool:
    """Whether the note holds a line of the witness; it was verified before it was kept."""
    key = witness.verifier
    return (key.name, key.key_id) in {(s.name, s.key_id) for s in parse_note(note).signatures}


def _check_seen(reader: LogReader, witness: Witness, seen: Checkpoint, note: bytes) -> None:
    size = reader.size()
    if seen.size > size:
        raise LogStateError(
            f"{seen.origin} is behind: {witness.name} has cosigned {seen.size} entries and the"
            f" database holds {size}, as after a restore; nothing is signed until it is recovered"
        )
    if seen.size and reader.tiles(seen.size).root() != seen.root:
        rows = CheckpointRow.objects.filter(log_id=reader.log_id)
        ours = rows.filter(size=seen.size).first() or rows.order_by("-size").first()
        raise ForkError(
            f"{witness.name} has cosigned another history of {seen.origin} than the database holds",
            bytes(ours.note) if ours else b"",
            note,
        )


def cosign(
    reader: LogReader, witnesses: Witnesses, standing: Standing, note: bytes
) -> tuple[bytes, list[str]]:
    """The signed note with the lines that it lacked and witnesses gave, and words on the rest.

    Raises:
        ForkError: a witness holds another checkpoint of the same size.
    """
    remarks = []
    for witness in witnesses:
        if has_line(note, witness) or witness.name not in standing.sizes:
            continue
        try:
            note = _cosigned(reader, witness, note, standing.sizes[witness.name])
        except (Unreachable, NoteError) as error:
            remarks.append(f"not cosigned by {witness.name}: {error}")
    return note, remarks


def _cosigned(reader: LogReader, witness: Witness, note: bytes, old: int) -> bytes:
    """The note with the witness's line.

    Raises:
        Unreachable: it does not answer.
        NoteError: it refuses, or its line does not verify.
        ForkError: it holds another checkpoint of the same size.
    """
    asked = parse_checkpoint(parse_note(note).text)
    status, body = _requested(reader, witness, note, (old, asked))
    if status == Status.OTHER_SIZE:
        named = parse_size(body)
        if named < asked.size and named != old:
            status, body = _requested(reader, witness, note, (named, asked))
    if status == Status.COSIGNED:
        return _with_line(witness, note, body)
    _look_for_fork(witness, note, asked)
    words = body.decode("utf-8", "replace").strip()[:200]
    raise NoteError(f"it answers {status}: {words}")


def _requested(
    reader: LogReader, witness: Witness, note: bytes, sizes: tuple[int, Checkpoint]
) -> tuple[int, bytes]:
    old, asked = sizes
    proof = reader.tiles(asked.size).consistency(old) if old < asked.size else []
    return witness.add(format_add_checkpoint(old, proof, note))


def _with_line(witness: Witness, note: bytes, answer: bytes) -> bytes:
    try:
        merged, lines = add_cosignatures(note, answer, [witness.verifier])
    except SealError as error:
        raise NoteError(f"its line does not verify: {error}") from None
    if not lines:
        raise NoteError("its answer has no line of the key that is set for it")
    return merged


def _look_for_fork(witness: Witness, note: bytes, asked: Checkpoint) -> None:
    """Nothing, unless the refusal hides a second history of the size that was asked."""
    held = witness.last(asked.origin)
    if held is None:
        return
    try:
        seen = parse_checkpoint(open_note(held, [witness.verifier])[0].text)
    except SealError:
        return
    if seen.origin == asked.origin and seen.size == asked.size and seen.root != asked.root:
        raise ForkError(
            f"{witness.name} has cosigned another root of {asked.origin} at size {asked.size}",
            note,
            held,
        )
