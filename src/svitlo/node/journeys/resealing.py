"""Reseal: exhibits get new bodies under new file keys, and bodies that nobody needs are erased.

A body is never changed. To take one exhibit out of a segment, or to shut out whoever once had a
header and an old identity, the exhibits that stay are sealed again, held to their digests while
they are read, and stated to lie elsewhere; the old body goes afterwards. Erasing removes a header
from the table and from every header file of all places, then the body. Each step may be repeated:
killed in between, the next run finishes what was begun.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from svitlo.errors import Busy, DigestMismatch
from svitlo.node.acting import Actor
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.journeys.logkeeping import check_continues
from svitlo.node.keyring import read_recipients
from svitlo.node.opening import Node
from svitlo.node.places import main_place, mirror, sealing_in, second_place
from svitlo.node.sealing import Body, Sealer
from svitlo.node.unsealing import Vault
from svitlo.record.exhibit import RESEALED
from svitlo.record.statement import LogKind, Statement
from svitlo.seal.checkpoint import Checkpoint
from svitlo.seal.digest import ReadInto
from svitlo.seal.recipients import Recipient, format_recipient
from svitlo.seal.tree import EMPTY_ROOT
from svitlo.store.erasing import cut_write_ahead_log, drop_headers
from svitlo.store.intaking import add_blob
from svitlo.store.models import Blob, BlobHeader, Exhibit, Intake
from svitlo.store.writing import in_units, unit

ORPHAN_SECONDS = 3600
"""A header file this old, with a body that no row names, is what a killed intake left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An exhibit, the new body that holds it, and where in it."""

    exhibit: Exhibit
    body: Body
    off: int | None


@contextmanager
def vault_to_itself(node: Node) -> Iterator[None]:
    """No other command changes headers or bodies meanwhile, and the log is not behind.

    Raises:
        Busy: another one does.
        LogStateError: the tables are behind what was signed, as after a restore from backup.
        ForkError: the tables hold another history than the one signed.
    """
    opened = os.open(
        node.folder / "run" / "vault.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _check_log(node)
        with sealing_in(node):
            yield
    except BlockingIOError:
        raise Busy("another command changes the vault") from None
    finally:
        os.close(opened)


def _check_log(node: Node) -> None:
    spine = node.log(node.spine)
    size = spine.size()
    root = spine.tiles(size).root() if size else EMPTY_ROOT
    check_continues(spine, node.heads().read(node.spine), Checkpoint(node.spine, size, root))


def recipients_name(to: Sequence[Recipient]) -> str:
    """The name of a set of recipients, as rows of bodies carry it."""
    return hashlib.sha256("\n".join(map(format_recipient, to)).encode()).hexdigest()


def reseal_bodies(
    node: Node, actor: Actor, blobs: Sequence[Blob], *, without: frozenset[int] = frozenset()
) -> int:
    """How many bodies were sealed anew, for all their exhibits but those of the rows `without`.

    The old bodies stay until `sweep_bodies`. Only inside `vault_to_itself`.

    Raises:
        DigestMismatch: an exhibit is not what was sealed: repair the body first.
        NotFound: this node holds no identity that opens its vault.
    """
    count = 0
    with Vault(node) as vault:
        for blob in blobs:
            rows = Exhibit.objects.filter(blob=blob, state="sealed").order_by("seq")
            staying = [row for row in rows if row.pk not in without]
            if staying:
                moves = _sealed_again(node, vault, staying)
                _record(node, actor, moves, blob)
                count += 1
    return count


def _sealed_again(node: Node, vault: Vault, exhibits: Sequence[Exhibit]) -> list[Move]:
    """Where the exhibits of one body lie in a new one, which is durable in every place."""
    place, copies = main_place(node), second_place(node)
    sealer = Sealer(place, read_recipients(node.folder), node.ulids.next)
    with sealing_in(node):
        try:
            if exhibits[0].off is None:
                body = _large(sealer, vault, exhibits[0])
                moves = [Move(exhibit=exhibit, body=body, off=None) for exhibit in exhibits]
            else:
                moves = [_small(sealer, vault, exhibit) for exhibit in exhibits]
            sealer.settle()
        except BaseException:
            sealer.abandon()
            raise
        if copies is not None:
            mirror(place, copies, [body.name for body in sealer.bodies], part=node.ulids.next())
    return moves


def _small(sealer: Sealer, vault: Vault, exhibit: Exhibit) -> Move:
    content = b"".join(vault.blocks(exhibit))
    body, off, _, _ = sealer.add_small(exhibit.ident.removeprefix("x-"), content)
    return Move(exhibit=exhibit, body=body, off=off)


def _large(sealer: Sealer, vault: Vault, exhibit: Exhibit) -> Body:
    body, sealed = sealer.add_large(_reader(vault, exhibit))
    if bytes.fromhex(sealed.sha256) != bytes(exhibit.sha256):
        raise DigestMismatch(f"{exhibit.ident} holds other bytes than were sealed")
    return body


def _reader(vault: Vault, exhibit: Exhibit) -> ReadInto:
    position = 0

    def read_into(room: memoryview) -> int:
        nonlocal position
        block = vault.read(exhibit, position, len(room))
        room[: len(block)] = block
        position += len(block)
        return len(block)

    return read_into


def _record(node: Node, actor: Actor, moves: Sequence[Move], old: Blob) -> None:
    """The exhibits lie in their new bodies, and it is stated."""
    to = recipients_name(read_recipients(node.folder))
    for part in in_units(moves):
        openings = openings_of([_resealed(node, actor, move) for move in part])
        with unit():
            for move in part:
                if move.body.row is None:
                    move.body.row = add_blob(
                        move.body.name,
                        move.body.size,
                        move.body.header,
                        is_segment=move.body.is_segment,
                        case=old.case,
                        to=to,
                    )
                Exhibit.objects.filter(pk=move.exhibit.pk).update(blob=move.body.row, off=move.off)
            append_to_log(node, LogKind.SPINE, openings)


def _resealed(node: Node, actor: Actor, move: Move) -> Statement:
    where = {"blob": move.body.name} | ({} if move.off is None else {"off": move.off})
    statement = new_statement(
        node,
        RESEALED,
        actor=actor.person,
        subject=[move.exhibit.ident],
        body=where | {"purpose": actor.purpose.purpose},
        basis=actor.purpose.basis,
    )
    return actor.signer.signed(statement) if actor.signer else statement


def sweep_bodies(node: Node) -> int:
    """How many bodies were erased now, because no exhibit needs them any more.

    What an earlier run had begun to erase is finished too, and headers that a killed intake left
    are dropped. Only inside `vault_to_itself`.

    Raises:
        Busy: an intake is open that may have found one of them to hold the same bytes as its own.
    """
    idle = Blob.objects.exclude(state="erased").exclude(exhibits__state="sealed")
    rows = list(idle.values_list("pk", "is_segment", "case"))
    cases = {case for _, is_segment, case in rows if not is_segment}
    waiting = Intake.objects.exclude(state="closed").filter(case__in=cases).first()
    if waiting is not None:
        raise Busy(f"the intake {waiting.ident} is open: finish it, then repeat this command")
    for part in in_units(row for row, _, _ in rows):
        with unit():
            BlobHeader.objects.filter(blob__in=part).delete()
            Blob.objects.filter(pk__in=part).update(state="erased")
    _erase_files(node, set(Blob.objects.filter(state="erased").values_list("name", flat=True)))
    _drop_orphans(node)
    cut_write_ahead_log()
    return len(rows)


def place_folders(node: Node) -> list[Path]:
    """The folders of all places that may hold headers of this node."""
    second = node.settings.second_place
    return [node.folder, *([Path(second)] if second else [])]


def _erase_files(node: Node, names: Collection[str]) -> None:
    """No place has a header or the body of any of these."""
    for folder in place_folders(node):
        drop_headers(folder, lambda blob, _: blob in names)
    for place in (main_place(node), second_place(node)):
        for name in sorted(names) if place is not None else ():
            if place is not None and place.path(name).exists():
                place.remove(name)


def _drop_orphans(node: Node) -> None:
    """No header is left that opens a body which no row names."""
    known = set(Blob.objects.values_list("name", flat=True))
    before = time.time() - ORPHAN_SECONDS
    for folder in place_folders(node):
        drop_headers(folder, lambda blob, _: blob not in known, before=before)
