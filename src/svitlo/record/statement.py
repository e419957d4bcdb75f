"""The statement: the one thing that a node asserts, signs and commits to its log.

Rules: at most 60 KiB of canonical JSON; strings, booleans, arrays, objects and integers within
+-(2^53-1), no floats and no null; member names are `[a-z0-9_.]+`; times are UTC, whole seconds,
`Z`. A correction is a new statement with `supersedes`; nothing is rewritten. The type says which
log it goes to. An unknown type is kept and shown raw. Source: RFC 8785 for the bytes, and
docs/understand/house.md for the envelope.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from svitlo.errors import SealError, StatementError
from svitlo.record.ulid import is_bare_ulid
from svitlo.seal import canonical, commitment

VERSION = 1
MAX_BYTES = 60 * 1024
MAX_DEPTH = 32
MAX_SUBJECTS = 400
"""Of one custody statement; more exhibits take more statements, so that each one is named."""


class LogKind(Enum):
    """Which log of the node a statement goes to."""

    SPINE = "spine"
    AUDIT = "audit"


_AUDIT_TYPES = frozenset({"read", "search", "denied", "query", "login", "export"})
_TYPE = re.compile(r"[a-z]+(?:\.[a-z_]+)+", re.ASCII)
_NAME = re.compile(r"[a-z0-9_.]+", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_REQUIRED = {"v", "type", "id", "node", "at", "actor", "subject", "body"}
_OPTIONAL = {"supersedes", "batch", "basis", "sig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One assertion: who (`actor`), when (`at`), of what (`subject`), what (`type`, `body`)."""

    type: str
    id: str
    node: str
    at: str
    actor: str
    subject: tuple[str, ...]
    body: Mapping[str, Any]
    supersedes: str | None = None
    batch: str | None = None
    basis: str | None = None
    sig: Mapping[str, str] | None = None

    def value(self) -> dict[str, Any]:
        """The JSON object, members that are absent left out."""
        value: dict[str, Any] = {
            "v": VERSION,
            "type": self.type,
            "id": self.id,
            "node": self.node,
            "at": self.at,
            "actor": self.actor,
            "subject": list(self.subject),
            "body": dict(self.body),
        }
        for name in ("supersedes", "batch", "basis", "sig"):
            member = getattr(self, name)
            if member is not None:
                value[name] = dict(member) if name == "sig" else member
        return value

    def canonical(self) -> bytes:
        """The canonical bytes that the log commits to.

        Raises:
            StatementError: a rule of the envelope is broken, or it is larger than 60 KiB.
        """
        value = self.value()
        check_value(value)
        return _bytes_of(value)

    @property
    def log(self) -> LogKind:
        """The log that statements of this type go to."""
        return log_of(self.type)


def log_of(kind: str) -> LogKind:
    """The log that a type of statement goes to: `read.*` and the like are audit, the rest spine."""
    return LogKind.AUDIT if kind.partition(".")[0] in _AUDIT_TYPES else LogKind.SPINE


def utc_text(moment: datetime) -> str:
    """The moment as a statement writes it: UTC, whole seconds, `Z`.

    Raises:
        StatementError: the moment has no zone.
    """
    if moment.tzinfo is None:
        raise StatementError("a time in a statement needs a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sign_statement(
    statement: Statement, public: bytes, sign: Callable[[bytes], bytes]
) -> Statement:
    """The statement with the signature of a person's Ed25519 key over everything but `sig`."""
    bare = replace(statement, sig=None)
    message = commitment.person_message(bare.canonical())
    return replace(
        bare,
        sig={
            "alg": "ed25519",
            "key": commitment.person_key_id(public),
            "sig": base64.b64encode(sign(message)).decode(),
        },
    )


def check_signature(statement: Statement, verify: Callable[[bytes, bytes], bool]) -> None:
    """Nothing, when `verify(message, signature)` accepts the person's signature.

    Raises:
        StatementError: there is no signature, or it does not hold.
    """
    if statement.sig is None:
        raise StatementError(f"statement {statement.id} should be signed and is not")
    message = commitment.person_message(replace(statement, sig=None).canonical())
    try:
        signature = base64.b64decode(statement.sig.get("sig", ""), validate=True)
    except binascii.Error:
        raise StatementError(f"the signature of {statement.id} is not base64") from None
    if not verify(message, signature):
        raise StatementError(f"the signature of statement {statement.id} does not hold")


def parse_statement(text: bytes) -> Statement:
    """The statement that canonical bytes hold.

    Raises:
        StatementError: the bytes are not canonical, or the envelope breaks a rule.
    """
    if len(text) > MAX_BYTES:
        raise StatementError(f"a statement has at most {MAX_BYTES} bytes, this one {len(text)}")
    try:
        value = canonical.loads_canonical(text)
    except SealError as error:
        raise StatementError(f"not a statement: {error}") from error
    checked = check_value(value)
    members = {name: checked[name] for name in _OPTIONAL if name in checked}
    return Statement(
        type=checked["type"],
        id=checked["id"],
        node=checked["node"],
        at=checked["at"],
        actor=checked["actor"],
        subject=tuple(checked["subject"]),
        body=checked["body"],
        **members,
    )


def check_value(value: object) -> dict[str, Any]:
    """The same object, when it keeps every rule of the envelope.

    Raises:
        StatementError: which rule is broken, and by what.
    """
    if not isinstance(value, dict):
        raise StatementError("expected a JSON object")
    members = set(value)
    if members - _REQUIRED - _OPTIONAL or _REQUIRED - members:
        raise StatementError(
            f"unknown members {sorted(map(str, members - _REQUIRED - _OPTIONAL))},"
            f" missing members {sorted(_REQUIRED - members)}"
        )
    if value["v"] != VERSION or isinstance(value["v"], bool):
        raise StatementError(f"expected version {VERSION}, found {value['v']!r}")
    _check_texts(value)
    check_plain(value["body"])
    return value


def _check_texts(value: Mapping[str, Any]) -> None:
    for name in ("type", "id", "node", "at", "actor", "supersedes", "batch", "basis"):
        if name in value and (not isinstance(value[name], str) or not value[name]):
            raise StatementError(f"{name} should be a text that is not empty")
    _check_forms(value)
    subject = value["subject"]
    if not isinstance(subject, list) or not all(isinstance(item, str) for item in subject):
        raise StatementError("subject should be a list of identifiers")
    sig = value.get("sig", {})
    if not isinstance(sig, dict) or not all(isinstance(item, str) for item in sig.values()):
        raise StatementError("sig should be an object of texts")
    if not isinstance(value["body"], dict):
        raise StatementError("body should be an object")


def _check_forms(value: Mapping[str, str]) -> None:
    if not _TYPE.fullmatch(value["type"]):
        raise StatementError(f"not a type of statement: {value['type'][:60]!r}")
    if not _TIME.fullmatch(value["at"]):
        raise StatementError(f"expected a time like 2022-11-29T09:15:00Z, found {value['at']!r}")
    if not is_bare_ulid(value["id"]):
        raise StatementError(f"the id of a statement is a ULID, found {value['id'][:60]!r}")


def check_plain(value: object, depth: int = 0) -> None:
    """Nothing, when the value holds only what statements may hold.

    Raises:
        StatementError: a float, a null, an integer beyond 2^53-1, a wrong member name, or nesting
            beyond 32 levels.
    """
    if depth > MAX_DEPTH:
        raise StatementError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        _check_names(value)
        for member in value.values():
            check_plain(member, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            check_plain(item, depth + 1)
    else:
        _check_leaf(value)


def _check_leaf(value: object) -> None:
    if not isinstance(value, str | int):
        raise StatementError(f"statements hold no {type(value).__name__}; decimals are texts")
    if isinstance(value, int) and abs(value) >= 1 << 53:
        raise StatementError(f"an integer beyond 2^53-1: {value}")


def _check_names(value: Mapping[object, object]) -> None:
    for name in value:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise StatementError(f"member names are [a-z0-9_.]+, found {str(name)[:60]!r}")


def _bytes_of(value: Mapping[str, Any]) -> bytes:
    try:
        text = canonical.dumps(value)
    except SealError as error:
        raise StatementError(f"cannot be written as a statement: {error}") from error
    if len(text) > MAX_BYTES:
        raise StatementError(f"a statement has at most {MAX_BYTES} bytes, this one {len(text)}")
    return text
