"""What the statements say the index tables should hold.

One pass over all statements in the order in which they were made. What no statement tells is left
out, and stays as the tables have it: the request and the receipt of an intake, bodies and their
headers, items that were rejected. An erased statement tells nothing, so nothing is expected of it,
and what the tables still hold of its exhibit stays.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from svitlo.record.custody import EVENT, Event
from svitlo.record.exhibit import BATCH, DESCRIBED, RESEALED, SEALED, name_bytes
from svitlo.record.statement import Statement
from svitlo.store.models import Statement as StatementRow

Fields = dict[str, Any]


@dataclass(slots=True)
class Expected:
    """The rows of each index table by their natural keys; a value holds the other columns.

    Statements are named by their `seq`; intakes and exhibits by their identifiers, bodies by name.
    """

    subjects: dict[tuple[str, int], Fields] = field(default_factory=dict)
    people: dict[str, Fields] = field(default_factory=dict)
    person_keys: dict[str, Fields] = field(default_factory=dict)
    intakes: dict[str, Fields] = field(default_factory=dict)
    exhibits: dict[str, Fields] = field(default_factory=dict)
    descriptions: dict[int, Fields] = field(default_factory=dict)
    holds: dict[str, Fields] = field(default_factory=dict)
    disposals: dict[tuple[str, int], Fields] = field(default_factory=dict)
    stamps: dict[tuple[str, int, str], Fields] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)

    def take(self, seq: int, said: Statement) -> None:
        """One more statement is heard."""
        if said.type != SEALED:
            for name in said.subject:
                self.subjects[name, seq] = {}
        hear = _HEARD.get(said.type)
        if hear is not None:
            hear(self, seq, said)


def expected_rows() -> Expected:
    """What all statements of this node together say."""
    expected = Expected()
    for seq, said in _statements(expected):
        expected.take(seq, said)
    return expected


def _statements(expected: Expected) -> Iterator[tuple[int, Statement]]:
    rows = StatementRow.objects.order_by("seq")
    for row in rows.iterator(1024):
        if row.state == "erased":
            expected.erased.add(int(row.pk))
        else:
            yield int(row.pk), row.value


def _hear_person(expected: Expected, seq: int, said: Statement) -> None:
    expected.people[said.subject[0]] = {"name": said.body["name"], "statement": seq}


def _hear_person_key(expected: Expected, seq: int, said: Statement) -> None:
    expected.person_keys[str(said.body["key"])] = {
        "person": said.subject[0],
        "public": base64.b64decode(said.body["public"]),
        "statement": seq,
    }


def _hear_sealed(expected: Expected, seq: int, said: Statement) -> None:
    body = said.body
    expected.exhibits[said.subject[0]] = {
        "statement": seq,
        "intake": body["intake"],
        "n": body["n"],
        "case": body["case"],
        "path": name_bytes(body, "path"),
        "size": body["size"],
        "sha256": bytes.fromhex(body["sha256"]),
        "blake3": bytes.fromhex(body["blake3"]),
        "blob": body["blob"],
        "off": body.get("off"),
        "mtime": int(body.get("mtime", 0)),
        "state": "sealed",
    }
    intake = expected.intakes.get(body["intake"])
    if intake is not None:
        intake["case"] = body["case"]


def _hear_resealed(expected: Expected, _: int, said: Statement) -> None:
    exhibit = expected.exhibits.get(said.subject[0])
    if exhibit is not None:
        exhibit |= {"blob": said.body["blob"], "off": said.body.get("off")}


def _hear_described(expected: Expected, seq: int, said: Statement) -> None:
    expected.descriptions[seq] = {
        "exhibit": said.subject[0],
        "kind": said.body["kind"]["mime"],
        "skipped": said.body.get("skipped", ""),
    }


def _hear_batch(expected: Expected, _: int, said: Statement) -> None:
    intake = expected.intakes.get(said.subject[0])
    if intake is not None:
        intake |= {"closed": True, "list": said.body["list"]}


def _hear_stamp(expected: Expected, _: int, said: Statement) -> None:
    body = said.body
    if "response" in body:
        key = (str(body["origin"]), int(body["size"]), str(body["authority"]))
        expected.stamps[key] = {
            "response": base64.b64decode(body["response"]),
            "gen_time": body["gen_time"],
        }


def _hear_event(expected: Expected, seq: int, said: Statement) -> None:
    hear = _EVENTS.get(str(said.body.get("event")))
    if hear is not None:
        hear(expected, seq, said)


def _hear_receive(expected: Expected, _: int, said: Statement) -> None:
    for ident in said.subject:
        if ident.startswith("i-"):
            expected.intakes[ident] = {
                "offered": said.body["offered"],
                "actor": said.actor,
                "at": said.at,
                "case": "",
                "closed": False,
                "list": "",
            }


def _hear_hold(expected: Expected, seq: int, said: Statement) -> None:
    for hold in said.body["holds"]:
        expected.holds[hold["id"]] = {
            "subject": hold["subject"],
            "placed_by": said.actor,
            "placed": seq,
            "released": None,
        }


def _hear_release(expected: Expected, seq: int, said: Statement) -> None:
    for ident in said.body["holds"]:
        if ident in expected.holds:
            expected.holds[ident]["released"] = seq


def _hear_disposal(expected: Expected, seq: int, said: Statement) -> None:
    stage = said.body["stage"]
    for ident in said.subject:
        if stage == "proposed":
            expected.disposals[ident, seq] = {
                "proposed_by": said.actor,
                "approved_by": "",
                "done": None,
            }
            continue
        rows = [row for (name, _), row in expected.disposals.items() if name == ident]
        if rows and stage == "approved":
            rows[-1]["approved_by"] = rows[-1]["approved_by"] or said.actor
        if rows and stage == "done":
            rows[-1]["done"] = seq
            if ident in expected.exhibits:
                expected.exhibits[ident]["state"] = "disposed"


_Hear = Callable[[Expected, int, Statement], None]
_HEARD: Mapping[str, _Hear] = {
    "person.recorded": _hear_person,
    "person.key": _hear_person_key,
    "stamp.received": _hear_stamp,
    SEALED: _hear_sealed,
    RESEALED: _hear_resealed,
    DESCRIBED: _hear_described,
    BATCH: _hear_batch,
    EVENT: _hear_event,
}
_EVENTS: Mapping[str, _Hear] = {
    Event.RECEIVE.value: _hear_receive,
    Event.HOLD.value: _hear_hold,
    Event.RELEASE.value: _hear_release,
    Event.DISPOSE.value: _hear_disposal,
}
