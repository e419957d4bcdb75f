"""Custody: what was done with an exhibit, by whom, for what purpose and on what legal basis.

Every event is a statement. Reads go to the audit log, everything else to the spine. Events that
dispose of rights or of the thing itself carry the person's signature and a basis; without them they
are refused. Corrections are new events that supersede. Source: ISO/IEC 27037, section 7.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from svitlo.errors import StatementError

EVENT = "custody.event"


class Event(Enum):
    """What happened to an exhibit."""

    RECEIVE = "receive"
    SEAL = "seal"
    VERIFY = "verify"
    COPY = "copy"
    DERIVE = "derive"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    HOLD = "hold"
    RELEASE = "release"
    EXPORT = "export"
    DISPOSE = "dispose"
    KEY_GRANT = "key_grant"
    ANNOTATE = "annotate"
    VIEW = "view"
    SEARCH = "search"
    PREVIEW = "preview"
    DENIED = "denied"


READS = {
    Event.VIEW: "read.view",
    Event.PREVIEW: "read.preview",
    Event.SEARCH: "search.exhibits",
    Event.DENIED: "denied.exhibit",
}
"""Events of the audit log and the types of their statements."""

SIGNED = frozenset({Event.HOLD, Event.RELEASE, Event.EXPORT, Event.DISPOSE})
"""Events that only a person's key can make."""

NAMED = frozenset({"event", "purpose", "object", "result", "tool", "version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why something is done, and the law that allows it; both are codes of `record.codes`."""

    purpose: str
    basis: str
    note: str | None = None


def type_of(event: Event) -> str:
    """The type of the statement that records the event."""
    return READS.get(event, EVENT)


def event_body(
    event: Event,
    *,
    purpose: str,
    what: str,
    result: str,
    version: str,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a custody event: the named members, and what this event adds.

    Raises:
        StatementError: `extra` would replace a named member.
    """
    more = dict(extra or {})
    if NAMED & set(more):
        raise StatementError(f"{sorted(NAMED & set(more))} are members of every custody event")
    return {
        "event": event.value,
        "purpose": purpose,
        "object": what,
        "result": result,
        "tool": "svitlo",
        "version": version,
    } | more


def subjects_in_parts(ids: Iterable[str], size: int) -> list[tuple[str, ...]]:
    """The identifiers in lists of at most `size`, in order; at least one list."""
    rest = list(ids)
    parts = [tuple(rest[at : at + size]) for at in range(0, len(rest), size)]
    return parts or [()]
