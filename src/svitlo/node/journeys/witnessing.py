"""Witness other people's logs: cosign a checkpoint only when the log grew out of the last one.

Whose logs are witnessed is said by people, in `peer.trusted` statements; a key is never trusted
because it came first. The whole note of a log is kept, not its root, so that two of them can prove
a fork to others; then the origin is frozen here and gets no cosignature any more.

C2SP tlog-witness.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from svitlo.errors import InvalidInput, NoteError, SealError
from svitlo.node.acting import Actor
from svitlo.node.asserting import new_statement
from svitlo.node.audit import record
from svitlo.node.keyring import WITNESS
from svitlo.node.opening import Node
from svitlo.record.statement import Statement
from svitlo.seal.note import (
    KIND_COSIGNATURE,
    Verifier,
    VerifierLine,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
)
from svitlo.seal.signature import verifier
from svitlo.seal.witness import (
    Request,
    Status,
    Verdict,
    examine,
    malformed,
    parse_add_checkpoint,
)
from svitlo.store.models import Statement as StatementRow
from svitlo.store.models import Witnessed
from svitlo.store.writing import unit

TRUSTED = "peer.trusted"
FORK = "fork.evidence"
MAX_LINE = 1 << 20
"""Longest question on the line protocol; an add-checkpoint body in base64 fits twice."""

MAX_EVIDENCE_BYTES = 24 * 1024
"""A longer note is stated with the lines of its log only, since a statement holds two."""

_TRIES = 8


def trust(node: Node, actor: Actor, vkeys: Sequence[str]) -> list[VerifierLine]:
    """From now on the node witnesses the logs of these keys; a key's name is its log's origin.

    Raises:
        InvalidInput: a key line is malformed, weak, a cosigner's, or of a log of this node.
        AccessDenied: the person's key is not held here.
    """
    keys = [_log_key(node, line) for line in vkeys]
    signer = actor.needed_signer("trusting a log")
    known = {line for key in keys for line in _trusted_lines(key.name)}
    fresh = [key for key in keys if format_vkey(key) not in known]
    statements = [
        new_statement(
            node,
            TRUSTED,
            actor=actor.person,
            subject=[key.name],
            body={"vkey": format_vkey(key)},
            basis=actor.purpose.basis,
        )
        for key in fresh
    ]
    if statements:
        record(node, *map(signer.signed, statements))
    return keys


def _log_key(node: Node, line: str) -> VerifierLine:
    try:
        key = parse_vkey(line)
        verifier(key)
    except SealError as error:
        raise InvalidInput(f"not the key line of a log: {error}") from None
    if key.kind == KIND_COSIGNATURE:
        raise InvalidInput(f"{key.name} is the key of a witness, which signs no log")
    if key.name in {node.spine, node.audit}:
        raise InvalidInput("a node is no witness of its own logs")
    return key


def _trusted_lines(origin: str) -> list[str]:
    return [str(said.body.get("vkey", "")) for said in _said_of(origin, TRUSTED)]


def _said_of(origin: str, kind: str) -> list[Statement]:
    rows = StatementRow.objects.filter(type=kind, subjects__name=origin, state="active")
    return [row.value for row in rows.order_by("seq")]


def trusted_verifiers(origin: str) -> tuple[Verifier, ...]:
    """What checks the signatures of a log that people of this node trust; empty for others."""
    keys = map(parse_vkey, dict.fromkeys(_trusted_lines(origin)))
    return tuple(verifier(key) for key in keys if key.name == origin)


def last_note(origin: str) -> bytes | None:
    """The last checkpoint of a log that this node cosigned, None when there is none."""
    row = Witnessed.objects.filter(origin=origin).first()
    return bytes(row.note) if row else None


def add_checkpoint(node: Node, body: bytes, now: datetime) -> Verdict:
    """The answer to a request to cosign; what it commits to is durable before it is given."""
    try:
        request = parse_add_checkpoint(body)
    except SealError as error:
        return malformed(error)
    origin = request.checkpoint.origin
    if origin and _said_of(origin, FORK):
        words = b"this witness has frozen the origin: it has shown two histories\n"
        return Verdict(status=Status.NOT_SIGNED, body=words)
    for _ in range(_TRIES):
        state = last_note(origin)
        verdict = examine(
            request,
            state=state,
            verifiers=trusted_verifiers(origin),
            now=now,
            keys=node.keyring.signing_keys(WITNESS),
        )
        if verdict.evidence is not None and state is not None:
            _freeze(node, origin, state, verdict.evidence)
            return verdict
        if verdict.stored is None or _is_kept(request, state, verdict):
            return verdict
    raise NoteError(f"too many processes ask for cosignatures of {origin} at once")


def _is_kept(request: Request, state: bytes | None, verdict: Verdict) -> bool:
    """Whether the note is kept, durably: it is, unless another one came first."""
    origin, size = request.checkpoint.origin, request.checkpoint.size
    fields = {"size": size, "note": verdict.stored, "cosigned": verdict.body}
    with unit():
        row = Witnessed.objects.filter(origin=origin).first()
        if (bytes(row.note) if row else None) != state:
            return False
        Witnessed.objects.update_or_create(origin=origin, defaults=fields)
    return True


def _freeze(node: Node, origin: str, ours: bytes, theirs: bytes) -> None:
    """Both notes are stated: the proof that the log has two histories."""
    record(node, fork_evidence(node, origin, ours, theirs))


def fork_evidence(node: Node, origin: str, ours: bytes, theirs: bytes) -> Statement:
    """The statement that keeps two notes which contradict each other."""
    both = {"ours": _text(origin, ours), "theirs": _text(origin, theirs)}
    return new_statement(
        node,
        FORK,
        actor=node.settings.origin,
        subject=[origin],
        body={"origin": origin, **both},
    )


def _text(origin: str, note: bytes) -> str:
    """The note as a statement can hold it: without the lines of others where it is long."""
    if len(note) > MAX_EVIDENCE_BYTES:
        parsed = parse_note(note)
        lines = tuple(line for line in parsed.signatures if line.name == origin)
        note = format_note(replace(parsed, signatures=lines))
    return note.decode("utf-8", "replace")


def answer_lines(node: Node, lines: Iterable[bytes]) -> Iterator[bytes]:
    """The answers to the questions of one process, a JSON object a line.

    `{"get": origin}` gives `{"note": base64 or null}`, `{"add": base64}` gives `{"status": number,
    "type": text, "body": base64}`; anything else gives status 400.
    """
    for line in lines:
        yield json.dumps(_answer(node, line)).encode() + b"\n"


def _answer(node: Node, line: bytes) -> dict[str, object]:
    try:
        question = json.loads(line)
        if isinstance(question, dict) and set(question) == {"get"}:
            note = last_note(str(question["get"]))
            return {"note": None if note is None else base64.b64encode(note).decode()}
        if not isinstance(question, dict) or set(question) != {"add"}:
            raise NoteError("a question is get or add")
        body = base64.b64decode(str(question["add"]), validate=True)
    except (ValueError, SealError) as error:
        verdict = malformed(NoteError(f"not a question: {error}"))
    else:
        verdict = add_checkpoint(node, body, node.now())
    verdict = replace(verdict, stored=None)
    return {
        "status": int(verdict.status),
        "type": verdict.content_type,
        "body": base64.b64encode(verdict.body).decode(),
    }
