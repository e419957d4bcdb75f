"""Witnessing: a log gets a cosignature for growing, and for nothing else."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from svitlo.errors import InvalidInput
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from svitlo.seal.note import (
    KIND_ED25519,
    Note,
    NoteSignature,
    format_note,
    format_vkey,
    parse_note,
)
from svitlo.seal.signature import SigningKey, sign_checkpoint
from svitlo.seal.tree import MemoryTree, leaf_hash
from svitlo.seal.witness import Status, add_cosignatures, examine, format_add_checkpoint
from tests.fakes.witness import Neighbour, neighbour, run, settled

if TYPE_CHECKING:
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node
    from svitlo.seal.witness import Verdict

__all__ = ["neighbour", "settled"]

ORIGIN = "ee.example/spine/1"


@dataclass(frozen=True)
class Grown:
    """Somebody's log, and what it sends to have a size of it cosigned."""

    key: SigningKey
    mark: bytes = b"entry"

    @property
    def vkey(self) -> str:
        return format_vkey(self.key.verifier_line)

    def tree(self, size: int) -> MemoryTree:
        return MemoryTree([leaf_hash(self.mark + bytes([n])) for n in range(size)])

    def request(self, old: int, size: int, *, proof: list[bytes] | None = None) -> bytes:
        tree = self.tree(size)
        checkpoint = Checkpoint(ORIGIN, size, tree.root())
        note = Note(format_checkpoint(checkpoint), (sign_checkpoint(self.key, checkpoint, 1),))
        path = tree.consistency(old) if old and proof is None else proof or []
        return format_add_checkpoint(old, path, format_note(note))


@pytest.fixture
def grown() -> Grown:
    return Grown(SigningKey(name=ORIGIN, kind=KIND_ED25519, seed=bytes(range(32))))


@pytest.fixture
def witnessing(node: Node, actor: Actor, grown: Grown) -> Node:
    from svitlo.node.journeys.witnessing import trust

    trust(node, actor, [grown.vkey])
    return node


def added(node: Node, body: bytes) -> Verdict:
    from svitlo.node.journeys.witnessing import add_checkpoint

    return add_checkpoint(node, body, node.now())


def kept_size() -> int:
    from svitlo.node.journeys.witnessing import last_note

    note = last_note(ORIGIN)
    return parse_checkpoint(parse_note(note).text).size if note else 0


def test_a_log_that_grows_is_cosigned_at_each_size(witnessing: Node, grown: Grown) -> None:
    for old, size in ((0, 1), (1, 3), (3, 5), (5, 5)):
        verdict = added(witnessing, grown.request(old, size))

        assert verdict.status is Status.COSIGNED
        assert kept_size() == size


def test_the_cosignature_verifies_under_the_key_of_the_witness(
    witnessing: Node, grown: Grown
) -> None:
    from svitlo.node.keyring import WITNESS
    from svitlo.seal.signature import verifier

    body = grown.request(0, 3)
    key = witnessing.keyring.signing_keys(WITNESS)[0].verifier_line

    answer = added(witnessing, body).body

    _, lines = add_cosignatures(body.split(b"\n\n", 1)[1], answer, [verifier(key)])
    assert [line.name for line in lines] == [witnessing.witness]


def test_refusals_leave_what_is_kept(witnessing: Node, grown: Grown) -> None:
    added(witnessing, grown.request(0, 3))
    stranger = Grown(SigningKey(name=ORIGIN, kind=KIND_ED25519, seed=bytes(32)))

    statuses = [
        added(witnessing, grown.request(1, 5)).status,
        added(witnessing, stranger.request(3, 5)).status,
        added(witnessing, grown.request(3, 5, proof=[bytes(32)])).status,
        added(witnessing, grown.request(6, 5, proof=[])).status,
        added(witnessing, b"old 3").status,
    ]

    assert statuses == [409, 403, 422, 400, 400]
    assert kept_size() == 3


def test_a_wrong_old_size_is_answered_with_the_size_that_is_kept(
    witnessing: Node, grown: Grown
) -> None:
    added(witnessing, grown.request(0, 3))

    verdict = added(witnessing, grown.request(1, 5))

    assert verdict.body == b"3\n"
    assert verdict.content_type == "text/x.tlog.size"


def test_a_key_is_not_trusted_because_it_came_first(node: Node, grown: Grown) -> None:
    verdict = added(node, grown.request(0, 1))

    assert verdict.status is Status.UNKNOWN_ORIGIN
    assert kept_size() == 0


def test_two_histories_freeze_the_origin_and_both_notes_are_kept(
    witnessing: Node, grown: Grown
) -> None:
    from svitlo.store.models import Statement

    added(witnessing, grown.request(0, 3))
    other = Grown(grown.key, mark=b"other")

    verdict = added(witnessing, other.request(3, 3, proof=[]))
    after = added(witnessing, grown.request(3, 5))

    assert verdict.status is Status.INCONSISTENT
    assert after.status is Status.NOT_SIGNED
    body = Statement.objects.get(type="fork.evidence").value.body
    roots = {
        parse_checkpoint(parse_note(body[who].encode()).text).root
        for who in body
        if who in {"ours", "theirs"}
    }
    assert roots == {grown.tree(3).root(), other.tree(3).root()}


def test_of_two_requests_at_once_the_smaller_never_rolls_back_the_larger(
    witnessing: Node, grown: Grown, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(witnessing, grown.request(0, 1))
    raced: list[bool] = []

    def overtaken(request: Any, **said: Any) -> Verdict:
        verdict = examine(request, **said)
        if not raced:
            raced.append(True)
            assert added(witnessing, grown.request(1, 5)).status is Status.COSIGNED
        return verdict

    monkeypatch.setattr("svitlo.node.journeys.witnessing.examine", overtaken)

    late = added(witnessing, grown.request(1, 3))

    assert late.status is Status.OTHER_SIZE
    assert kept_size() == 5


def test_trust_is_signed_by_a_person_and_stated_once(
    node: Node, actor: Actor, grown: Grown
) -> None:
    from svitlo.node.journeys.witnessing import trust
    from svitlo.store.models import Statement

    trust(node, actor, [grown.vkey])
    trust(node, actor, [grown.vkey])

    said = Statement.objects.get(type="peer.trusted").value
    assert said.sig is not None
    assert said.subject == (ORIGIN,)
    assert said.body == {"vkey": grown.vkey}


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "lv.example/witness+fd13f4b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X",
    ],
)
def test_what_is_no_key_of_a_log_is_not_trusted(node: Node, actor: Actor, line: str) -> None:
    from svitlo.node.journeys.witnessing import trust

    with pytest.raises(InvalidInput):
        trust(node, actor, [line])


def test_a_node_does_not_witness_itself(node: Node, actor: Actor) -> None:
    from svitlo.node.journeys.rotation import vkeys_of
    from svitlo.node.journeys.witnessing import trust

    with pytest.raises(InvalidInput, match="own logs"):
        trust(node, actor, vkeys_of(node)[:1])


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{}\n", b'{"add":"?"}\n', b"\xff\n", b'"get"\n'])
def test_a_line_that_is_no_question_is_answered_as_malformed(node: Node, line: bytes) -> None:
    from svitlo.node.journeys.witnessing import answer_lines

    (answer,) = answer_lines(node, [line])

    assert json.loads(answer)["status"] == 400


def test_the_process_answers_line_by_line(neighbour: Neighbour, grown: Grown) -> None:
    question = {"add": base64.b64encode(grown.request(0, 1)).decode()}
    assert run(neighbour.folder, "log", "trust", grown.vkey).returncode == 0

    last = json.dumps({"get": ORIGIN})
    done = run(neighbour.folder, "log", "witness", text=f"{last}\n{json.dumps(question)}\n{last}\n")

    before, said, after = map(json.loads, done.stdout.splitlines())
    assert before == {"note": None}
    assert said["status"] == 200
    assert base64.b64decode(after["note"]).endswith(base64.b64decode(said["body"]))


def test_evidence_fits_a_statement_however_many_cosigned(node: Node, grown: Grown) -> None:
    from svitlo.node.journeys.witnessing import fork_evidence

    note = grown.request(0, 3).split(b"\n\n", 1)[1]
    parsed = parse_note(note)
    others = tuple(NoteSignature(f"w{n}.example/witness", bytes(4), bytes(2428)) for n in range(40))
    long = format_note(Note(parsed.text, parsed.signatures + others))

    said = fork_evidence(node, ORIGIN, long, note)

    assert said.canonical()
    assert said.body["ours"] == said.body["theirs"] == note.decode()
