"""Witness policies: which logs are known, which witnesses, and how many of them must agree.

```
log ee.example/spine/1+6879dc7e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
witness lv lv.example/witness+fd13f4b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X
quorum lv
```

Rules: names are octet strings (bytes beyond ASCII are kept as surrogate escapes), only space and
tab separate, a name refers to a line above it and is a member of one group at most.

Source: C2SP tlog-policy. Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from svitlo.errors import PolicyError, SealError, VerifierKeyError
from svitlo.seal.checkpoint import Checkpoint, parse_checkpoint, parse_decimal
from svitlo.seal.cosignature import (
    KIND_COSIGNATURE,
    KIND_ECDSA,
    KIND_ED25519,
    KIND_ML_DSA_44,
    KIND_TREE_HEAD,
    Cosigned,
    Verifier,
)
from svitlo.seal.note import VerifierLine, format_vkey, parse_note, parse_vkey, verify_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_POLICY_BYTES = 512 * 1024
"""Room for 250 ML-DSA-44 keys, 1,780 bytes each."""

NO_QUORUM = "none"
_LOG_KINDS = (KIND_ED25519, KIND_ML_DSA_44, KIND_ECDSA, KIND_TREE_HEAD)  # the last two: ignored
_WITNESS_KINDS = (KIND_COSIGNATURE, KIND_ML_DSA_44)
_WITH_URL = (1, 2)  # how many words a key takes, its address included
_GROUP_WORDS = 2  # before the members: name and rule
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_BLANKS = re.compile("[ \t]+")


@dataclass(frozen=True)
class Log:
    """A log whose checkpoints are accepted: the key's name is the origin."""

    key: VerifierLine
    url: str = ""


@dataclass(frozen=True)
class Witness:
    """A witness, under the name that groups and the quorum call it by."""

    name: str
    key: VerifierLine
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Members of which at least `threshold` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """The rules by which a checkpoint is accepted; `quorum` names a witness, a group or "none"."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str


@dataclass(frozen=True)
class Quorum:
    """Who has cosigned: `k` of `n` independent cosigners, their names and latest times (seconds).

    A cosigner with keys of two kinds counts once. `reached` says whether the policy is content.
    """

    k: int
    n: int
    names: tuple[str, ...]
    times: tuple[int, ...]
    reached: bool


@dataclass(frozen=True)
class Accepted:
    """A checkpoint that a policy accepts, with its quorum and the signing keys not checked here."""

    checkpoint: Checkpoint
    quorum: Quorum
    unchecked: tuple[VerifierLine, ...]


def parse_policy(text: bytes | str) -> Policy:
    """The policy of a policy file.

    Raises:
        PolicyError: a line is malformed or breaks a rule; the message names the line.
    """
    if len(text) > MAX_POLICY_BYTES:
        raise PolicyError(f"a policy is at most {MAX_POLICY_BYTES} bytes")
    lines = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    if _CONTROL.search(lines):
        raise PolicyError("a policy holds no control characters")
    draft = _Draft()
    for number, line in enumerate(lines.split("\n"), 1):
        words = [word for word in _BLANKS.split(line) if word]
        if words and not words[0].startswith("#"):
            try:
                draft.take(words)
            except SealError as error:
                raise PolicyError(f"line {number} of the policy: {error}") from error
    return draft.policy()


def format_policy(policy: Policy) -> bytes:
    """The policy file of a policy.

    Raises:
        PolicyError: the policy breaks a rule of the format.
    """
    rows: list[tuple[str, ...]] = [("log", format_vkey(log.key), log.url) for log in policy.logs]
    rows += [("witness", w.name, format_vkey(w.key), w.url) for w in policy.witnesses]
    rows += [("group", g.name, str(g.threshold), *g.members) for g in policy.groups]
    rows += [("quorum", policy.quorum)]
    text = "".join(" ".join(row).rstrip(" ") + "\n" for row in rows)
    if parse_policy(text) != policy:
        raise PolicyError("a name or an address has no form in a policy file")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise PolicyError("a name or an address holds half of a surrogate pair") from None


def evaluate(policy: Policy, cosigned: Iterable[Cosigned]) -> Quorum:
    """Who of a policy's witnesses has cosigned, from lines that have been verified."""
    latest: dict[tuple[str, bytes], int] = {}
    for line in cosigned:
        key = (line.name, line.key_id)
        latest[key] = max(latest.get(key, 0), line.time or 0)
    present = [w for w in policy.witnesses if (w.key.name, w.key.key_id) in latest]
    content = {witness.name for witness in present}
    for group in policy.groups:
        if len(content.intersection(group.members)) >= group.threshold:
            content.add(group.name)
    times: dict[str, int] = {}
    for witness in present:
        name = witness.key.name
        times[name] = max(times.get(name, 0), latest[name, witness.key.key_id])
    reached = policy.quorum == NO_QUORUM or policy.quorum in content
    count = len({witness.key.name for witness in policy.witnesses})
    return Quorum(len(times), count, tuple(times), tuple(times.values()), reached)


def examine_note(
    policy: Policy, data: bytes, make_verifier: Callable[[VerifierLine], Verifier | None]
) -> Accepted:
    """The checkpoint of a note that one of the policy's logs has signed, with its quorum.

    `make_verifier` is `signature.verifier` or `curve.verifier`. A key whose kind it cannot check,
    by VerifierKeyError or None, does not count and stands in `unchecked`.

    Raises:
        NoteError: malformed, or a known key's signature does not verify.
        CheckpointError: the text is no checkpoint.
        PolicyError: no known log of that origin has signed.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)
    logs = [log.key for log in policy.logs if log.key.name == checkpoint.origin]
    on_note = {(line.name, line.key_id) for line in note.signatures}
    verifiers, unchecked = [], []
    for key in (*logs, *(witness.key for witness in policy.witnesses)):
        if (key.name, key.key_id) in on_note:
            verifier = _try(make_verifier, key)
            if verifier is None:
                unchecked.append(key)
            else:
                verifiers.append(verifier)
    cosigned = verify_lines(note, verifiers)
    log_ids = {(key.name, key.key_id) for key in logs}
    if not any((line.name, line.key_id) in log_ids for line in cosigned):
        raise PolicyError(f"no log that the policy knows has signed for {checkpoint.origin!a}")
    return Accepted(checkpoint, evaluate(policy, cosigned), tuple(unchecked))


def check_note(
    policy: Policy, data: bytes, make_verifier: Callable[[VerifierLine], Verifier | None]
) -> Accepted:
    """The checkpoint of a note that a known log has signed and the quorum has cosigned.

    Raises:
        NoteError: malformed, or a known key's signature does not verify.
        CheckpointError: the text is no checkpoint.
        PolicyError: no known log has signed, or the quorum is not reached.
    """
    accepted = examine_note(policy, data, make_verifier)
    if not accepted.quorum.reached:
        k, n = accepted.quorum.k, accepted.quorum.n
        raise PolicyError(f"the quorum is not reached: {k} of {n} witnesses have cosigned")
    return accepted


@dataclass(frozen=True)
class Member:
    """A cosigner of a federation: its keys count as one; members of one bloc may lean one way."""

    name: str
    keys: tuple[VerifierLine, ...]
    bloc: str = ""
    url: str = ""


def generate_policy(
    logs: Sequence[Log], members: Sequence[Member], faulty: int | None = None
) -> Policy:
    """The policy of a federation: a quorum of its members that no bloc can reach alone.

    It is q of n members (`quorum_size`); where one bloc holds q members, it is most of the blocs,
    each with a quorum of its own. Members without a bloc are each their own.

    Raises:
        PolicyError: all belong to one bloc, too many are faulty, or names or keys stand twice.
    """
    draft = _Draft()
    draft.logs.extend(logs)
    blocs: dict[str, list[str]] = {}
    for number, member in enumerate(members):
        draft.join(member)
        blocs.setdefault(member.bloc or f"\n{number}", []).append(member.name)
    draft.quorum = draft.federate(blocs, faulty) if members else NO_QUORUM
    return parse_policy(format_policy(draft.policy()))


def quorum_size(members: int, faulty: int | None = None) -> int:
    """The smallest q above (n + f) / 2: any two quorums then share a witness that is honest.

    Without `faulty`, as many are allowed for as n members can bear, (n - 1) // 3.

    Raises:
        PolicyError: so many faulty members leave no quorum.
    """
    bad = max(members - 1, 0) // 3 if faulty is None else faulty
    q = (members + bad) // 2 + 1
    if not 0 <= bad < members or q > members - bad:
        raise PolicyError(f"{members} witnesses, {bad} of them faulty, cannot form a quorum")
    return q


def _try(
    make_verifier: Callable[[VerifierLine], Verifier | None], key: VerifierLine
) -> Verifier | None:
    try:
        return make_verifier(key)
    except VerifierKeyError:
        return None


class _Draft:
    """A policy as it grows line by line."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum = ""
        self._names: set[str] = {NO_QUORUM}
        self._free: set[str] = set()

    def take(self, words: Sequence[str]) -> None:
        keyword, *rest = words
        if keyword == "log" and len(rest) in _WITH_URL:
            self._add_log(Log(parse_vkey(rest[0]), *rest[1:]))
        elif keyword == "witness" and len(rest) - 1 in _WITH_URL:
            self._add_witness(Witness(rest[0], parse_vkey(rest[1]), *rest[2:]))
        elif keyword == "group" and len(rest) > _GROUP_WORDS:
            self._add_group(rest[0], rest[1], tuple(rest[2:]))
        elif keyword == "quorum" and len(rest) == 1 and not self.quorum:
            self.quorum = rest[0]
            if self.quorum not in self._names:
                raise PolicyError(f"no line above defines {self.quorum!a}")
        else:
            raise PolicyError(f"{keyword!a} has no such form, or stands twice")

    def policy(self) -> Policy:
        if not self.quorum:
            raise PolicyError("a policy has one quorum line")
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def join(self, member: Member) -> None:
        """A member with one key is a witness; one with several is a group of which any will do."""
        if len(member.keys) == 1:
            self.witnesses.append(Witness(member.name, member.keys[0], member.url))
            return
        named = [(f"{member.name}/{key.key_id.hex()}", key) for key in member.keys]
        self.witnesses.extend(Witness(name, key, member.url) for name, key in named)
        self.groups.append(Group(member.name, 1, tuple(name for name, _ in named)))

    def federate(self, blocs: dict[str, list[str]], faulty: int | None) -> str:
        """The name of the group of all members, of which no bloc is a quorum."""
        everyone = [name for names in blocs.values() for name in names]
        needed = quorum_size(len(everyone), faulty)
        if len(everyone) == 1:
            return everyone[0]
        if max(map(len, blocs.values())) >= needed:
            if len(blocs) == 1:
                raise PolicyError("all members belong to one bloc: add one from outside it")
            for bloc, names in blocs.items():
                if len(names) > 1:
                    name = f"bloc/{bloc}"
                    self.groups.append(Group(name, quorum_size(len(names), faulty), tuple(names)))
            everyone = [names[0] if len(names) == 1 else f"bloc/{b}" for b, names in blocs.items()]
            needed = quorum_size(len(everyone), 0)
        self.groups.append(Group("members", needed, tuple(everyone)))
        return "members"

    def _add_log(self, log: Log) -> None:
        if log.key.kind not in _LOG_KINDS:
            raise PolicyError("the key is not of a kind that logs sign with")
        if log.key.public in (known.key.public for known in self.logs):
            raise PolicyError("the key of a log stands twice")
        self.logs.append(log)

    def _add_witness(self, witness: Witness) -> None:
        if witness.key.kind not in _WITNESS_KINDS:
            raise PolicyError("the key is not of a kind that witnesses cosign with")
        if witness.key.public in (known.key.public for known in self.witnesses):
            raise PolicyError("the key of a witness stands twice")
        self._define(witness.name)
        self.witnesses.append(witness)

    def _add_group(self, name: str, rule: str, members: tuple[str, ...]) -> None:
        if len(set(members)) != len(members) or not self._free.issuperset(members):
            raise PolicyError("a member is defined above, and is in no other group")
        sizes = {"all": len(members), "any": 1}
        threshold = sizes[rule] if rule in sizes else parse_decimal(rule, PolicyError)
        if not 0 < threshold <= len(members):
            raise PolicyError(f"a group of {len(members)} has a threshold from 1 to that")
        self._free.difference_update(members)
        self._define(name)
        self.groups.append(Group(name, threshold, members))

    def _define(self, name: str) -> None:
        if name in self._names:
            raise PolicyError(f"the name {name!a} is taken")
        self._names.add(name)
        self._free.add(name)
