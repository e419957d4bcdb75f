"""What a dossier proves by its log: statements, persons' signatures, batches, tiles up to a root.

Python 3.9, standard library only: the court's verifier carries this module.
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from svitlo.dossier.folder import Finding
from svitlo.errors import ProofError, SvitloError
from svitlo.seal.checkpoint import HASH_BYTES, decode_base64
from svitlo.seal.commitment import commit, commitment_entry, person_key_id, person_message
from svitlo.seal.curve import verify_ed25519
from svitlo.seal.tiles import FULL_WIDTH, tile_path, width_of
from svitlo.seal.tree import EMPTY_ROOT, fold, leaf_hash, node_hash, parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")
_OPENING = re.compile(rb'\{"i":(0|[1-9][0-9]{0,15}),"s":(\{.*\}),"salt":"([A-Za-z0-9+/]{43}=)"\}')
_NAMED = ("type", "id", "node", "at", "actor")


_PLAIN_WRITER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
)


def plain_bytes(value: object) -> bytes:
    """The canonical bytes (RFC 8785) of a value that `plain_value` could have read."""
    return _PLAIN_WRITER.encode(value).encode("utf-8", "surrogatepass")


def plain_value(text: bytes) -> dict[str, Any]:
    """The object that canonical JSON holds, of the plain kind that statements are made of.

    That is: no floats, no null, integers within +-(2^53-1), ASCII names; for such a value the
    canonical form of RFC 8785 is that of `plain_bytes`, which costs less. A member that stands
    twice cannot come out of `plain_bytes` again, so only doubtful text is read with more care.

    Raises:
        ProofError: it is anything else.
    """
    try:
        is_doubtful = b"null" in text or not text.isascii() or _LONG_NUMBER.search(text)
        reader = _CAREFUL if is_doubtful else _PLAIN_READER
        value = reader.decode(text.decode())
        if isinstance(value, dict) and plain_bytes(value) == text:
            return value
    except (ValueError, RecursionError):
        raise ProofError("is not JSON of the plain kind") from None
    raise ProofError("is not an object in canonical form")


def _members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    names_are_plain = len(value) == len(members) and "".join(value).isascii()
    if not names_are_plain or any(
        member is None or (type(member) is int and abs(member) >= 1 << 53)
        for member in value.values()
    ):
        raise ProofError("has a member twice, or one that statements do not have")
    return value


def _refused(number: str) -> float:
    raise ProofError(f"holds the number {number[:40]!a}; statements hold integers only")


_LONG_NUMBER = re.compile(rb":-?[0-9]{16}")
_PLAIN_READER = json.JSONDecoder(parse_float=_refused, parse_constant=_refused)
_CAREFUL = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_refused, parse_constant=_refused
)


@dataclass(frozen=True)
class Opening:
    """A statement as the log holds it: index, salt, canonical bytes, and what they say."""

    index: int
    salt: bytes
    text: bytes
    value: Mapping[str, Any]

    @property
    def leaf(self) -> bytes:
        """The hash of the log entry that commits to this statement."""
        return leaf_hash(commitment_entry(commit(self.salt, self.text)))

    @property
    def kind(self) -> str:
        """The type of the statement."""
        return str(self.value["type"])

    @property
    def name(self) -> str:
        """The statement as findings speak of it."""
        return f"statement {self.index} ({self.kind} {self.value['id']})"

    @property
    def subject(self) -> list[str]:
        """What the statement speaks of."""
        return list(self.value["subject"])

    @property
    def body(self) -> Mapping[str, Any]:
        """What the statement says."""
        body: Mapping[str, Any] = self.value["body"]
        return body


def opening_line(index: int, salt: bytes, text: bytes) -> bytes:
    """A line of proof/statements.jsonl: canonical JSON with its line end."""
    return b'{"i":%d,"s":%s,"salt":"%s"}\n' % (index, text, base64.b64encode(salt))


def read_lines(
    data: bytes, about: str, parse: Callable[[bytes], T], findings: list[Finding]
) -> Iterator[T]:
    """What each line of a file says; a line that cannot be read is a finding."""
    if not data.endswith(b"\n") and data:
        findings.append(Finding("malformed", about, "its last line has no end"))
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            yield parse(line)
        except SvitloError as error:
            findings.append(Finding("malformed", f"{about} line {number}", str(error)))


def read_openings(data: bytes) -> tuple[list[Opening], list[Finding]]:
    """The statements of proof/statements.jsonl, and what is wrong with its lines."""
    openings: list[Opening] = []
    findings: list[Finding] = []
    last, ids = -1, set()
    for opening in read_lines(data, "proof/statements.jsonl", _opening, findings):
        if opening.index <= last or opening.value["id"] in ids:
            findings.append(Finding("order", opening.name, "stands twice, or not in log order"))
            continue
        openings.append(opening)
        ids.add(opening.value["id"])
        last = opening.index
    return openings, findings


def _opening(line: bytes) -> Opening:
    match = _OPENING.fullmatch(line)
    value = plain_value(match.group(2)) if match else {}
    if match is None or not _is_statement(value):
        raise ProofError("is not an opened statement")
    salt = decode_base64(match.group(3).decode(), ProofError)
    return Opening(int(match.group(1)), salt, match.group(2), value)


def _is_statement(value: Mapping[str, Any]) -> bool:
    subject = value.get("subject")
    return (
        all(isinstance(value.get(name), str) for name in _NAMED)
        and isinstance(subject, list)
        and all(isinstance(item, str) for item in subject)
        and isinstance(value.get("body"), dict)
    )


def person_keys(openings: Iterable[Opening]) -> dict[str, tuple[bytes, str, int]]:
    """Public key, person and log index of each `person.key` statement, by key id."""
    keys: dict[str, tuple[bytes, str, int]] = {}
    for opening in openings:
        if opening.kind == "person.key" and opening.subject:
            try:
                public = decode_base64(str(opening.body.get("public", "")), ProofError)
            except ProofError:
                continue
            keys.setdefault(person_key_id(public), (public, opening.subject[0], opening.index))
    return keys


def signature_fault(opening: Opening, keys: Mapping[str, tuple[bytes, str, int]]) -> str | None:
    """Why the person's signature on a statement does not hold; None when it does."""
    sig = opening.value["sig"]
    if not isinstance(sig, dict) or sig.get("alg") != "ed25519":
        return "is signed in a way that is not known here"
    public, person, since = keys.get(str(sig.get("key")), (b"", "", 0))
    if not public:
        return "is signed by a key that no person.key statement here names"
    if person != opening.value["actor"] or since > opening.index:
        return f"acts for {opening.value['actor']}, whose key this was not at that time"
    bare = {name: member for name, member in opening.value.items() if name != "sig"}
    try:
        signature = decode_base64(str(sig.get("sig")), ProofError)
        verify_ed25519(public, person_message(plain_bytes(bare)), signature)
    except SvitloError as error:
        return f"is not signed by the key it names: {error}"
    return None


def check_batches(openings: Sequence[Opening], data: bytes) -> list[Finding]:
    """What is wrong with proof/batches.jsonl: each batched statement is under its signed root."""
    findings: list[Finding] = []
    batches = {str(o.value["id"]): o for o in openings if o.kind == "intake.batch"}
    waiting = {o.index: o for o in openings if "batch" in o.value}

    def parse(line: bytes) -> tuple[Opening, list[int]]:
        return _batch(plain_value(line), batches, waiting)

    for batch, proven in read_lines(data, "proof/batches.jsonl", parse, findings):
        for index in proven:
            del waiting[index]
        if "sig" not in batch.value:
            findings.append(Finding("unsigned", batch.name, "a batch is signed by a person"))
    return findings + [Finding("batch", o.name, "no batch proves it") for o in waiting.values()]


def _batch(
    value: Mapping[str, Any], batches: Mapping[str, Opening], waiting: Mapping[int, Opening]
) -> tuple[Opening, list[int]]:
    """The batch of a line, and the log indices of the statements that it proves."""
    batch, count = batches.get(str(value.get("batch"))), value.get("count")
    if batch is None or count != batch.body.get("count") or type(count) is not int or count < 1:
        raise ProofError("there is no statement of that batch with that count")
    leaves: dict[int, bytes] = {}
    proven: list[int] = []
    for place, index in _places(value.get("runs"), count):
        opening = waiting.get(index)
        if opening is None or opening.value["batch"] != batch.value["id"] or place in leaves:
            raise ProofError(f"log index {index} is not of this batch, or given twice")
        leaves[place] = opening.leaf
        proven.append(index)
    proof = [decode_base64(str(item), ProofError) for item in as_list(value.get("proof"))]
    root = decode_base64(str(batch.body.get("root")), ProofError)
    if batch_root(count, leaves, proof) != root:
        raise ProofError("the statements do not lead to the root that the batch names")
    return batch, proven


def _places(runs: object, count: int) -> Iterator[tuple[int, int]]:
    for run in as_list(runs):
        if not isinstance(run, list) or [type(item) for item in run] != [int] * 3:
            raise ProofError("a run is place, log index, length")
        place, index, length = run
        if not 0 <= place <= place + length <= count or index < 0:
            raise ProofError("a run is outside its batch")
        for step in range(length):
            yield place + step, index + step


def as_list(value: object) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def batch_root(count: int, leaves: Mapping[int, bytes], proof: Sequence[bytes]) -> bytes:
    """The root of a tree of `count` leaves, out of some leaves and the roots of all other spans.

    Raises:
        ProofError: the proof has another number of hashes than these leaves need.
    """
    places, rest = sorted(leaves), iter(proof)

    def span(low: int, high: int) -> bytes:
        if bisect_left(places, low) == bisect_left(places, high):
            return next(rest, b"")
        if high - low == 1:
            return leaves[low]
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        return node_hash(span(low, middle), span(middle, high))

    root = span(0, count)
    if len(root) != HASH_BYTES or next(rest, None) is not None:
        raise ProofError("the proof of a batch has too few or too many hashes")
    return root


class ProvenTiles:
    """The tiles of a log, each one shown to stand under the root of a checkpoint."""

    def __init__(self, size: int, root: bytes, read: Callable[[str], bytes]) -> None:
        """Read the right edge and compare its root.

        Raises:
            ProofError: the edge does not lead to this root, or a tile of it is not there.
        """
        self._size, self._read = size, read
        self._known: dict[tuple[int, int], list[bytes]] = {}
        peaks: list[bytes] = []
        for level in reversed(range((size.bit_length() + 7) // 8)):
            n, width = divmod(size >> 8 * level, FULL_WIDTH)
            if width:
                row = self._known[level, n] = self._row(level, n, width)
                peaks += _peaks(row)
        if (fold(peaks) if peaks else EMPTY_ROOT) != root:
            raise ProofError("the tiles do not lead to the root of the checkpoint")

    def _row(self, level: int, n: int, width: int) -> list[bytes]:
        path = "proof/" + tile_path(level, n, width)
        tile = self._read(path)
        if len(tile) != width * HASH_BYTES:
            raise ProofError(f"{path} has {len(tile)} bytes, not {width * HASH_BYTES}")
        return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]

    def row(self, level: int, n: int) -> list[bytes]:
        """The hashes of a tile.

        Raises:
            ProofError: it is not there, or not under the root.
        """
        if (level, n) not in self._known:
            row = self._row(level, n, width_of(level, n, self._size))
            if _peaks(row) != [self.row(level + 1, n >> 8)[n & FULL_WIDTH - 1]]:
                raise ProofError(f"proof/{tile_path(level, n)} is not under the root")
            self._known[level, n] = row
        return self._known[level, n]

    def leaf(self, index: int) -> bytes:
        """The hash of the entry at an index.

        Raises:
            ProofError: the log has no such entry, or its tile does not hold.
        """
        if not 0 <= index < self._size:
            raise ProofError(f"the log has {self._size} entries, none at {index}")
        return self.row(0, index >> 8)[index & FULL_WIDTH - 1]


def _peaks(row: Sequence[bytes]) -> list[bytes]:
    """The roots of the full subtrees over a row of hashes, the largest first."""
    peaks: list[bytes] = []
    rest = list(row)
    while rest:
        if len(rest) & 1:
            peaks.insert(0, rest[-1])
        rest = parents(rest)
    return peaks


def check_leaves(openings: Iterable[Opening], tiles: ProvenTiles) -> list[Finding]:
    """What is wrong between statements and tiles: each one is the log's entry at its index."""
    findings: list[Finding] = []
    for opening in openings:
        try:
            if tiles.leaf(opening.index) != opening.leaf:
                findings.append(Finding("not in the log", opening.name, "the entry is another"))
        except SvitloError as error:
            findings.append(Finding("not in the log", opening.name, str(error)))
    return findings
