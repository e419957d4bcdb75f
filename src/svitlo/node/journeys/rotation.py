"""Rotate the keys that logs sign with: new ones are announced in the log, old ones sign along.

A log's identity is its origin; keys change under it. A `control.key` entry names the new keys, and
for 30 days checkpoints carry the lines of both generations, so that a reader who knows only the old
key still verifies, and learns the new one from a log that the old one vouches for. Which generation
signs is written in `keys/rotation.json`; nothing in it is secret, and no key file is ever replaced.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from svitlo.errors import SettingsError
from svitlo.node.acting import Actor
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.keyring import AUDIT, SPINE, WITNESS
from svitlo.node.opening import Node
from svitlo.record.statement import LogKind, utc_text
from svitlo.seal import canonical
from svitlo.seal.commitment import control_entry
from svitlo.seal.note import Verifier, format_vkey
from svitlo.seal.signature import SigningKey, format_skey, verifier
from svitlo.store.log.appending import append_control
from svitlo.store.log.heads import write_durably
from svitlo.store.writing import unit

OVERLAP = timedelta(days=30)
ROTATED = "log.rotated"
_FILE = "rotation.json"


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new keys of one log, and until when the old ones sign along."""

    origin: str
    vkeys: tuple[str, ...]
    until: datetime


def signing_keys(node: Node, names: Sequence[str]) -> tuple[SigningKey, ...]:
    """The keys that sign a log now: the newest, and the ones before it while they overlap.

    Raises:
        NotFound: a key file is not there.
    """
    now = node.now()
    return tuple(
        key
        for number, until in reversed(_generations(node, names))
        if until is None or until > now
        for key in node.keyring.signing_keys([_file(name, number) for name in names])
    )


def log_verifiers(node: Node, names: Sequence[str]) -> tuple[Verifier, ...]:
    """What checks the signatures of a log of this node, by its present keys and all before them.

    Raises:
        NotFound: a key file is not there.
    """
    files = [_file(name, number) for number, _ in _generations(node, names) for name in names]
    return tuple(verifier(key.verifier_line) for key in node.keyring.signing_keys(files))


def rotate(node: Node, actor: Actor) -> list[Rotated]:
    """Spine and audit log have new keys; the command closes an epoch with the lines of both.

    Raises:
        AccessDenied: the person's key is not held here.
    """
    signer = actor.needed_signer("rotating the keys of the logs")
    now = node.now().replace(microsecond=0)
    until = now + OVERLAP
    done = []
    for origin, names in ((node.spine, SPINE), (node.audit, AUDIT)):
        generations = _generations(node, names)
        old = signing_keys(node, names)
        new = _new_keys(node, origin, names, generations[-1][0] + 1)
        vkeys = tuple(format_vkey(key.verifier_line) for key in new)
        _announce(node, origin, _record(node, origin, vkeys, (old, now, until)))
        _keep_generations(node, names, [*generations[:-1], (generations[-1][0], until)])
        done.append(Rotated(origin, vkeys, until))
    said = new_statement(
        node,
        ROTATED,
        actor=actor.person,
        subject=[rotated.origin for rotated in done],
        body={"until": utc_text(until)},
        basis=actor.purpose.basis,
    )
    openings = openings_of([signer.signed(said)])
    with unit():
        append_to_log(node, LogKind.SPINE, openings)
    return done


def _new_keys(node: Node, origin: str, names: Sequence[str], number: int) -> tuple[SigningKey, ...]:
    """Keys of a new generation, made unless a broken rotation made them already."""
    old = node.keyring.signing_keys(names)
    files = [_file(name, number) for name in names]
    for file, like in zip(files, old, strict=True):
        if not (node.folder / "keys" / file).exists():
            key = SigningKey(name=origin, kind=like.kind, seed=os.urandom(32))
            node.keyring.keep(file, format_skey(key).encode())
    return node.keyring.signing_keys(files)


def _record(
    node: Node,
    origin: str,
    vkeys: Sequence[str],
    change: tuple[Sequence[SigningKey], datetime, datetime],
) -> bytes:
    old, now, until = change
    return canonical.dumps(
        {
            "v": 1,
            "type": "control.key",
            "node": node.settings.origin,
            "origin": origin,
            "at": utc_text(now),
            "keys": list(vkeys),
            "old": [key.verifier_line.key_id.hex() for key in old],
            "until": utc_text(until),
        }
    )


def _announce(node: Node, origin: str, record: bytes) -> None:
    entry = control_entry(record)
    log_id = node.log(origin).log_id
    with unit():
        append_control(log_id, entry)


def _file(name: str, number: int) -> str:
    role, _, scheme = name.partition(".")
    return name if number == 1 else f"{role}-{number}.{scheme}"


def _generations(node: Node, names: Sequence[str]) -> list[tuple[int, datetime | None]]:
    """The generations of a log's keys, oldest first, each with the end of its overlap."""
    role = names[0].partition(".")[0]
    until = _rotations(node).get(role, [])
    try:
        ends = [datetime.fromisoformat(text) for text in until]
    except (TypeError, ValueError):
        raise SettingsError(f"keys/{_FILE} is damaged: times are expected") from None
    return [*enumerate(ends, 1), (len(ends) + 1, None)]


def _keep_generations(
    node: Node, names: Sequence[str], ended: Sequence[tuple[int, datetime | None]]
) -> None:
    role = names[0].partition(".")[0]
    kept = _rotations(node)
    kept[role] = [utc_text(until) for _, until in ended if until is not None]
    write_durably(node.folder / "keys" / _FILE, json.dumps(kept, sort_keys=True).encode())


def _rotations(node: Node) -> dict[str, Any]:
    try:
        kept = json.loads((node.folder / "keys" / _FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise SettingsError(f"keys/{_FILE} is damaged") from None
    if not isinstance(kept, dict):
        raise SettingsError(f"keys/{_FILE} is damaged: an object is expected")
    return kept


def vkeys_of(node: Node) -> list[str]:
    """The key lines of the node: spine, audit log, witness."""
    keys = [
        *signing_keys(node, SPINE),
        *signing_keys(node, AUDIT),
        *node.keyring.signing_keys(WITNESS),
    ]
    return [format_vkey(key.verifier_line) for key in keys]
