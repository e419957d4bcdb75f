"""Seal the waiting items of an intake, group by group.

A group is made durable (bodies, folder, headers) before any of it is stated. Its rows follow in
units of at most 256 items: blobs with their headers, statements with their openings, exhibits, and
the states of the items. So an exhibit that is acknowledged has its bytes, and a body that was
written and not stated is only unused space.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from svitlo.errors import DigestMismatch, NotFound, Rejected, StorageError
from svitlo.node.acting import Actor
from svitlo.node.archives import ArchiveReader
from svitlo.node.census import STDIN
from svitlo.node.claims import Claim, Claims
from svitlo.node.journeys.batches import Batch
from svitlo.node.journeys.intake_progress import Progress, Teller
from svitlo.node.keyring import read_recipients
from svitlo.node.opening import Node
from svitlo.node.places import main_place
from svitlo.node.sealing import Body, Sealer, Staged
from svitlo.node.source import opened_large, opened_stdin, read_small
from svitlo.record.exhibit import SEALED, Sealed, SealedTexts
from svitlo.record.statement import utc_text
from svitlo.seal.commitment import SALT_BYTES, commit, commitment_entry
from svitlo.seal.digest import Digests, ReadInto
from svitlo.seal.recipients import format_recipient
from svitlo.seal.stream import Sealed as StreamSealed
from svitlo.store.intaking import (
    ExhibitRow,
    ItemRow,
    add_blob,
    add_exhibits,
    mark_items,
    waiting_items,
)
from svitlo.store.log.appending import Row as StatementRow
from svitlo.store.log.appending import append_sequenced
from svitlo.store.log.sequencing import sequence
from svitlo.store.models import Exhibit, Intake
from svitlo.store.writing import in_units, unit

PAGE = 4096
CLOCK_EVERY, CLOCK_BYTES = 64, 8 << 20
"""Small items are looked at 64 at a time to see whether their group is due."""


def seal_items(
    node: Node, actor: Actor, intake: Intake, progress: Progress | None, *, claims: Claims
) -> Batch | None:
    """Every waiting item is sealed or rejected, durably; returns the batch of a whole intake.

    None comes back when some were sealed before, by a process that was broken off. What is claimed
    of an item is held to what was read before the item is staged.

    Raises:
        StorageError: the store cannot keep bodies or headers: full, or read-only.
    """
    is_whole = not Exhibit.objects.filter(intake=intake).exists()
    teller = Teller(intake, progress)
    groups = _Groups(node, actor, intake, claims=claims, teller=teller)
    with ArchiveReader() as archives:
        for item in _waiting(intake, groups.last):
            groups.take(item, archives)
            if groups.is_due():
                groups.commit()
                teller.tell(groups.last + 1, groups.bytes_done)
    groups.commit()
    teller.tell(intake.offered, groups.bytes_done)
    return groups.batch if is_whole else None


def _waiting(intake: Intake, after: int) -> Iterator[ItemRow]:
    while page := waiting_items(intake.pk, after, PAGE):
        yield from page
        after = page[-1].ordinal


class _Large(NamedTuple):
    """A stream that has a body of its own, and the digests taken of it where some were claimed."""

    body: Body
    sealed: StreamSealed
    digests: Digests | None


class _Groups:
    """The open group of an intake, and what it takes to commit it."""

    def __init__(
        self, node: Node, actor: Actor, intake: Intake, *, claims: Claims, teller: Teller
    ) -> None:
        self._node, self._actor, self._intake = node, actor, intake
        self._claims, self._teller = claims, teller
        self._claim: Claim | None = None
        self._settings = node.settings
        self._place = main_place(node)
        self._to = read_recipients(node.folder)
        self._to_name = hashlib.sha256(
            "\n".join(format_recipient(recipient) for recipient in self._to).encode()
        ).hexdigest()
        self._spine = node.log(node.spine).log_id
        self.batch = Batch()
        self.bytes_done = 0
        self.last = -1
        self._renew()

    def _renew(self) -> None:
        self._sealer = Sealer(self._place, self._to, self._node.ulids.next)
        self._staged: list[Staged] = []
        self._rejected: list[tuple[int, str, str]] = []
        self._began = time.monotonic()

    def is_due(self) -> bool:
        """Whether the group has reached a limit."""
        count = len(self._staged) + len(self._rejected)
        if count >= self._settings.group_items or self._sealer.size >= self._settings.segment_max:
            return True
        if count & CLOCK_EVERY - 1 and self._sealer.size < CLOCK_BYTES:
            return False
        return time.monotonic() - self._began >= self._settings.group_seconds

    def take(self, item: ItemRow, archives: ArchiveReader) -> None:
        """The item is staged in the group, or noted as rejected."""
        if self._claims:
            self._claim = None if item.container else self._claims.of(item.path)
        try:
            self._read(item, archives)
        except Rejected as rejection:
            self._rejected.append((item.ordinal, rejection.code, rejection.reason))
        self.last = item.ordinal

    def _read(self, item: ItemRow, archives: ArchiveReader) -> None:
        limit = self._settings.segment_member_max
        if item.container:
            with archives.member(item.container, item.place) as (read_into, size, mtime_ns):
                self._add(item, read_into, size, mtime_ns or None)
        elif item.path == STDIN:
            self._stage_large(item, opened_stdin(), None)
        else:
            small = read_small(item.path, limit) if item.size <= limit else None
            if small is not None:
                self._stage_small(item, *small)
            else:
                self._read_large(item)

    def _add(self, item: ItemRow, read_into: ReadInto, size: int, mtime: int | None) -> None:
        """A stream of known size, as an archive gives it."""
        if size > self._settings.segment_member_max:
            self._stage_large(item, read_into, mtime)
            return
        room = bytearray(size + 1)
        filled = 0
        while got := read_into(memoryview(room)[filled:]):
            filled += got
        self._stage_small(item, bytes(room[:filled]), mtime)

    def _read_large(self, item: ItemRow) -> None:
        for _ in range(2):
            with opened_large(item.path) as (read_into, mtime, is_unchanged):
                large = self._sealed_alone(read_into)
                if is_unchanged(large.sealed.size):
                    self._stage(item, large, mtime)
                    return
                self._sealer.drop(large.body)
        raise Rejected("changed_while_reading", "it changed while it was read, twice")

    def _stage_large(self, item: ItemRow, read_into: ReadInto, mtime: int | None) -> None:
        self._stage(item, self._sealed_alone(read_into), mtime)

    def _sealed_alone(self, read_into: ReadInto) -> _Large:
        """The stream in a body of its own; where it cannot be kept, only this item is rejected."""
        digests = None if self._claim is None else self._claim.digests()
        if self._teller.is_watched:
            read_into = self._teller.telling(read_into, self.bytes_done)
        try:
            return _Large(*self._sealer.add_large(read_into, digests), digests)
        except (StorageError, OSError) as error:
            raise Rejected("store_failed", _words(error)) from error

    def _stage_small(self, item: ItemRow, content: bytes, mtime: int | None) -> None:
        claimed = None if self._claim is None else self._claim.check_content(content)
        if not self._sealer.fits(len(content)):
            self.commit()
        ident, size = self._node.ulids.next(), len(content)
        try:
            body, off, sha256, blake3 = self._sealer.add_small(ident, content)
        except (StorageError, OSError) as error:
            self._fail_segment(_words(error))
            raise Rejected("store_failed", _words(error)) from error
        said = Sealed(item.ordinal, item.path, size, sha256, blake3, off, mtime, None, claimed)
        self._staged.append(Staged(ident, said, body))
        self.bytes_done += size

    def _stage(self, item: ItemRow, large: _Large, mtime: int | None) -> None:
        body, sealed, digests = large
        claimed = None
        if self._claim is not None and digests is not None:
            try:
                claimed = self._claim.check(digests)
            except Rejected:
                self._sealer.drop(body)
                raise
        known = self._same(sealed)
        if known is not None:
            self._sealer.drop(body)
            body = known
        said = Sealed(
            item.ordinal,
            item.path,
            sealed.size,
            sealed.sha256,
            sealed.blake3,
            mtime=mtime,
            claimed=claimed,
        )
        self._staged.append(Staged(self._node.ulids.next(), said, body))
        self.bytes_done += sealed.size

    def _same(self, sealed: StreamSealed) -> Body | None:
        """The body that holds the same bytes alone, in the same case, for the same recipients."""
        for staged in self._staged:
            if staged.said.off is None and staged.said.sha256 == sealed.sha256:
                return staged.body
        row = (
            Exhibit.objects.filter(
                sha256=bytes.fromhex(sealed.sha256),
                off__isnull=True,
                case=self._intake.case,
                state="sealed",
                blob__recipients=self._to_name,
                blob__state="stored",
            )
            .values_list("blob_id", "blob__name", "blob__size")
            .first()
        )
        if row is None or not self._is_sound(row[1]):
            return None
        return Body(None, b"", is_segment=False, name=row[1], size=row[2], row=row[0])

    def _is_sound(self, name: str) -> bool:
        """Whether a body kept before is whole: what came again may be the only good copy."""
        try:
            self._place.check_body(name)
        except (NotFound, DigestMismatch, OSError):
            return False
        return True

    def _fail(self, reason: str) -> None:
        """What the group had staged is rejected: the store could not keep it."""
        self._sealer.abandon()
        self._reject(self._staged, reason)
        self._staged = []

    def _fail_segment(self, reason: str) -> None:
        """The small items of the group are rejected; large ones have bodies of their own."""
        self._sealer.drop_segment()
        self._reject([staged for staged in self._staged if staged.body.is_segment], reason)
        self._staged = [staged for staged in self._staged if not staged.body.is_segment]

    def _reject(self, staged: Sequence[Staged], reason: str) -> None:
        self._rejected += [(one.said.n, "store_failed", reason) for one in staged]
        self._rejected.sort()

    def commit(self) -> None:
        """The group is durable and stated."""
        try:
            self._sealer.finish_segment()
        except (StorageError, OSError) as error:
            self._fail_segment(_words(error))
        try:
            self._sealer.settle()
        except (StorageError, OSError) as error:
            self._fail(_words(error))
        self._record()
        self._renew()

    def _record(self) -> None:
        """The rows of the group, in units, in the order of the census."""
        first, rejected = 0, self._rejected
        sequence(self._spine)  # then nothing waits, and the exhibits get their indices at once
        for part in in_units(self._staged):
            last = part[-1].said.n
            self._record_unit(part, first, [row for row in rejected if row[0] <= last])
            rejected = [row for row in rejected if row[0] > last]
            first = last + 1
        for refused in in_units(rejected):
            with unit():
                mark_items(self._intake.pk, refused[0][0], refused[-1][0], refused)

    def _record_unit(
        self, part: Sequence[Staged], first: int, rejected: Sequence[tuple[int, str, str]]
    ) -> None:
        at = utc_text(self._node.now())
        rows = self._statement_rows(part, at)
        intake = self._intake
        with unit():
            for staged in part:
                if staged.body.row is None:
                    staged.body.row = add_blob(
                        staged.body.name,
                        staged.body.size,
                        staged.body.header,
                        is_segment=staged.body.is_segment,
                        case=intake.case,
                        to=self._to_name,
                    )
            seq = append_sequenced(self._spine, rows)
            add_exhibits(
                [
                    ExhibitRow(
                        statement,
                        f"x-{ident}",
                        statement,
                        intake.pk,
                        said.n,
                        intake.case,
                        said.name,
                        said.size,
                        bytes.fromhex(said.sha256),
                        bytes.fromhex(said.blake3),
                        body.row or 0,
                        said.off,
                    )
                    for statement, (ident, said, body) in enumerate(part, seq)
                ],
            )
            mark_items(intake.pk, first, part[-1].said.n, rejected)
        self.batch.extend(seq, [row[5] for row in rows])

    def _statement_rows(self, part: Sequence[Staged], at: str) -> list[StatementRow]:
        intake = self._intake
        texts = SealedTexts(
            node=self._settings.origin,
            actor=self._actor.person,
            at=at,
            batch=intake.ident.removeprefix("i-"),
            intake=intake.ident,
            case=intake.case,
        )
        salts = os.urandom(SALT_BYTES * len(part))
        rows = []
        for number, (ident, said, body) in enumerate(part):
            salt = salts[SALT_BYTES * number : SALT_BYTES * (number + 1)]
            text = texts.text(ident, said, body.name)
            entry = commitment_entry(commit(salt, text))
            rows.append((ident, SEALED, at, salt, text, entry))
        return rows


def _words(error: StorageError | OSError) -> str:
    """What the system says, without its numbers."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
