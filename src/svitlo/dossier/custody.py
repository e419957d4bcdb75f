"""What a dossier says of its exhibits, held against the statements: index, custody, figures.

The signed `export` event closes the custody of each exhibit: it names the bytes that went out, how
many events came before, and a digest over them, so that no event and no exhibit can be left out
later. It also names the digests of the other payload files.

Python 3.9, standard library only: the court's verifier carries this module.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from svitlo.dossier.folder import Finding
from svitlo.dossier.proofs import as_list, plain_value, read_lines
from svitlo.errors import DossierError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from svitlo.dossier.proofs import Opening
    from svitlo.seal.checkpoint import Checkpoint

EXHIBITS = "data/exhibits/"
_FILE = re.compile(r"data/exhibits/([0-9]{4,})/original\.[a-z0-9]{1,8}(\.age)?")
_DERIVATIVE = re.compile(r"data/exhibits/([0-9]{4,})/redacted-[1-9][0-9]*\.[a-z0-9]{1,8}")
_FACTS = ("number", "id", "file", "sha256", "blake3", "status")
_SAME = ("sha256", "blake3", "size", "path", "path_b64")


@dataclass(frozen=True)
class Row:
    """One exhibit of the index; `derivatives` are file and id of the `exhibit.derived`."""

    id: str
    file: str
    sha256: str
    status: str
    derivatives: tuple[tuple[str, str], ...]
    value: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The exhibit as findings speak of it."""
        return f"exhibit {self.value['number']} ({self.id})"


def read_rows(data: bytes) -> tuple[list[Row], list[Finding]]:
    """The exhibits of data/index.jsonl, and what is wrong with its lines."""
    rows: list[Row] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    for row in read_lines(data, "data/index.jsonl", _row, findings):
        if {row.id, row.file} & seen:
            findings.append(Finding("duplicate", row.name, "stands in the index twice"))
        else:
            rows.append(row)
        seen |= {row.id, row.file}
    return rows, findings


def _row(line: bytes) -> Row:
    value = plain_value(line)
    if not all(isinstance(value.get(n), str) for n in _FACTS):
        raise DossierError("is not an exhibit of the index")
    match = _FILE.fullmatch(value["file"])
    status = "sealed" if match and match.group(2) else "original"
    if not match or match.group(1) != value["number"] or value["status"] != status:
        raise DossierError(f"the file does not fit number and status: {value['file']!a}")
    if type(value.get("size")) is not int:
        raise DossierError("the size is a count of bytes")
    derivatives = []
    for item in as_list(value.get("derivatives")):
        made = _DERIVATIVE.fullmatch(str(item.get("file"))) if isinstance(item, dict) else None
        if made is None or made.group(1) != value["number"]:
            raise DossierError("a derivative is data/exhibits/<number>/redacted-<k>.<ext>")
        derivatives.append((str(item["file"]), str(item.get("statement"))))
    return Row(value["id"], value["file"], value["sha256"], status, tuple(derivatives), value)


def check_index(
    rows: Sequence[Row], openings: Iterable[Opening], files: Iterable[str]
) -> list[Finding]:
    """What differs between index, files and statements: they name the same exhibits."""
    findings: list[Finding] = []
    sealed = _sealings(openings, findings)
    listed = {row.file for row in rows} | {file for row in rows for file, _ in row.derivatives}
    there = {file for file in files if file.startswith(EXHIBITS)}
    findings += [Finding("missing", file, "the index names it") for file in listed - there]
    findings += [Finding("extra", file, "the index does not name it") for file in there - listed]
    for row in rows:
        statement = sealed.pop(row.id, None)
        if statement is None:
            findings.append(Finding("unproven", row.name, "no exhibit.sealed statement names it"))
            continue
        for fact in _SAME:
            if row.value.get(fact) != statement.body.get(fact):
                detail = f"the index says {row.value.get(fact)!a}, {statement.name} does not"
                findings.append(Finding("differs", row.name, f"{fact}: {detail}"))
    for statement in sealed.values():
        findings.append(Finding("missing", statement.name, "the index has no such exhibit"))
    return sorted(findings, key=str)


def _sealings(openings: Iterable[Opening], findings: list[Finding]) -> dict[str, Opening]:
    sealed: dict[str, Opening] = {}
    for one in openings:
        if one.kind == "exhibit.sealed" and one.subject:
            is_first = sealed.setdefault(one.subject[0], one) is one
            if not is_first or not {"batch", "sig"} & set(one.value):
                detail = "of no signed batch, or its exhibit was sealed before"
                findings.append(Finding("unproven", one.name, detail))
    return sealed


def events_of(openings: Iterable[Opening]) -> dict[str, list[Opening]]:
    """The custody events by what they speak of, in log order."""
    events: dict[str, list[Opening]] = {}
    for opening in openings:
        if opening.kind == "custody.event":
            for subject in opening.subject:
                events.setdefault(subject, []).append(opening)
    return events


def names_of(sealed: Opening) -> tuple[str, str, str]:
    """What events name that bear on an exhibit: itself, its intake, its case."""
    body = sealed.body
    return sealed.subject[0], str(body.get("intake")), f"case:{body.get('case')}"


def custody_digest(ids: Iterable[str]) -> str:
    """SHA-256 over the ids of an exhibit's custody events in log order, each ended by LF."""
    return hashlib.sha256("".join(f"{name}\n" for name in ids).encode()).hexdigest()


class Export:
    """The signed `export` events of a dossier, taken together."""

    def __init__(self, dossier: str, openings: Sequence[Opening]) -> None:
        """Collect the parts.

        Raises:
            DossierError: a part is missing, twice there, or there is none.
        """
        self.events = [
            o
            for o in openings
            if o.kind == "custody.event"
            and o.body.get("event") == "export"
            and o.body.get("dossier") == dossier
        ]
        bodies = [event.body for event in self.events]
        places = [[body.get("part"), body.get("parts")] for body in bodies]
        if not places or places != [[n, len(places)] for n in range(1, len(places) + 1)]:
            raise DossierError(f"the export of {dossier!a} is not there, or not all its parts")
        self.index = self.events[0].index
        items = [item for body in bodies for item in as_list(body.get("items"))]
        bound = [item for body in bodies for item in as_list(body.get("bound"))]
        self.items = {str(item.get("id")): item for item in items if isinstance(item, dict)}
        self.bound = {str(i.get("path")): i.get("sha256") for i in bound if isinstance(i, dict)}


def check_custody(
    rows: Iterable[Row], openings: Sequence[Opening], export: Export, digests: Mapping[str, str]
) -> list[Finding]:
    """What is wrong with bytes and custody: each exhibit is what was sealed, without a gap."""
    findings = [
        Finding("unsigned", event.name, "an export is signed by a person")
        for event in export.events
        if "sig" not in event.value
    ]
    events = events_of(openings)
    sealed = {o.subject[0]: o for o in openings if o.kind == "exhibit.sealed" and o.subject}
    items = dict(export.items)
    for row in rows:
        item, statement = items.pop(row.id, None), sealed.get(row.id)
        if item is None:
            findings.append(Finding("unproven", row.name, "no export event names it"))
        elif statement is not None:
            findings += _bytes_faults(row, item, digests)
            findings += _chain_faults(row, item, _chain(statement, events, export))
        findings += _derivative_faults(row, openings, digests)
    findings += [Finding("missing", name, "it was exported and is not here") for name in items]
    return findings + _bound_faults(export, digests)


def _chain(
    statement: Opening, events: Mapping[str, Sequence[Opening]], export: Export
) -> list[Opening]:
    before = {
        o.index: o for n in names_of(statement) for o in events.get(n, ()) if o.index < export.index
    }
    return [before[index] for index in sorted(before)]


def _bytes_faults(row: Row, item: Mapping[str, Any], digests: Mapping[str, str]) -> list[Finding]:
    found = digests.get(row.file)
    wanted = {row.sha256} if row.status == "original" else set()
    return [
        Finding("other bytes", row.file, f"was sealed or exported with SHA-256 {digest!a}")
        for digest in sorted({*wanted, str(item.get("sha256"))})
        if digest != found
    ]


def _chain_faults(row: Row, item: Mapping[str, Any], chain: Sequence[Opening]) -> list[Finding]:
    faults = []
    if not chain or chain[0].body.get("event") != "receive":
        faults.append(Finding("custody", row.name, "does not begin with a receive event"))
    if not any(event.body.get("event") == "seal" for event in chain):
        faults.append(Finding("custody", row.name, "has no seal event"))
    names = [str(event.value["id"]) for event in chain]
    if len(names) != item.get("events") or custody_digest(names) != item.get("custody"):
        detail = f"{len(names)} events are here, the export counts {item.get('events')!a}"
        faults.append(Finding("custody", row.name, f"has a gap: {detail}, or others"))
    return faults


def _derivative_faults(
    row: Row, openings: Sequence[Opening], digests: Mapping[str, str]
) -> list[Finding]:
    if not row.derivatives:
        return []
    derived = {o.value["id"]: o for o in openings if o.kind == "exhibit.derived"}
    faults = []
    for file, name in row.derivatives:
        statement = derived.get(name)
        if statement is None or statement.body.get("from") != row.sha256:
            faults.append(Finding("derivative", file, f"no statement derives it from {row.name}"))
        elif statement.body.get("sha256") != digests.get(file):
            faults.append(Finding("other bytes", file, f"is not what {statement.name} names"))
    return faults


def _bound_faults(export: Export, digests: Mapping[str, str]) -> list[Finding]:
    found = {path: export.bound.get(path) for path in digests if path.startswith("data/")}
    faults = [
        Finding("other bytes", path, "is not what the export event names")
        for path, bound in found.items()
        if not path.startswith(EXHIBITS) and bound != digests[path]
    ]
    missing = sorted(set(export.bound) - set(digests))
    return faults + [Finding("missing", path, "the export event names it") for path in missing]


def late_events(openings: Iterable[Opening]) -> list[str]:
    """Custody events whose time is before that of the event that stands before them in the log."""
    events = [opening for opening in openings if opening.kind == "custody.event"]
    return [
        f"{after.name} says {after.value['at']}, logged after {before.value['at']}"
        for before, after in zip(events, events[1:])  # noqa: B905, RUF007 - Python 3.9 has neither
        if after.value["at"] < before.value["at"]
    ]


def figures(
    rows: Sequence[Row],
    openings: Sequence[Opening],
    checkpoint: Checkpoint,
    *,
    stamps: Mapping[str, str],
    withheld: int,
) -> dict[str, Any]:
    """The numbers that a certificate states, out of what is in the dossier."""
    events = [opening for opening in openings if opening.kind == "custody.event"]
    return {
        "bytes": sum(row.value["size"] for row in rows),
        "custody_events": len(events),
        "derivatives": sum(len(row.derivatives) for row in rows),
        "exhibits": len(rows),
        "first_event": str(events[0].value["at"]) if events else "",
        "last_event": str(events[-1].value["at"]) if events else "",
        "log_origin": checkpoint.origin,
        "log_root": checkpoint.root.hex(),
        "log_size": checkpoint.size,
        "sealed": sum(row.status == "sealed" for row in rows),
        "signed_statements": sum("sig" in opening.value for opening in openings),
        "stamps": [{"authority": name, "time": stamps[name]} for name in sorted(stamps)],
        "statements": len(openings),
        "withheld": withheld,
    }
