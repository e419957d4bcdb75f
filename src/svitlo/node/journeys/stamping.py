"""Stamp checkpoints: several authorities confirm that a root of the log existed by a time.

The imprint is the SHA-256 of the checkpoint's text. A stamp covers everything below its checkpoint,
so what was sealed offline is stamped later, by the next command that reaches an authority, and both
times are shown. Each stamp is itself a statement of the log: later stamps cover it while its
certificates are still good, and so renew it.

RFC 3161; an authority that does not answer, or wrongly, costs words and never the work.
"""

import base64
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from svitlo.errors import SealError, SettingsError, SvitloError, TimestampError, Unreachable
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.opening import Node
from svitlo.node.settings import AuthoritySetting
from svitlo.node.timestamps import Authority, obtain_stamp
from svitlo.record.statement import LogKind, Statement, utc_text
from svitlo.seal import timestamp
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint
from svitlo.store.log.reading import LogReader
from svitlo.store.models import Checkpoint as CheckpointRow
from svitlo.store.models import Entry, Stamp
from svitlo.store.writing import unit

RECEIVED = "stamp.received"
MAX_STATED_BYTES = 40 * 1024
"""Larger responses are named in their statement by digest only."""

QUIET = timedelta(hours=1)
"""How long reads alone, which change the spine by heads of the audit log, wait for a stamp."""

NONCE_BYTES = 8


def imprint_of(row: CheckpointRow) -> bytes:
    """What a stamp of this checkpoint is over: the SHA-256 of its text, without signatures."""
    checkpoint = Checkpoint(row.log.origin, row.size, bytes(row.root))
    return hashlib.sha256(format_checkpoint(checkpoint)).digest()


def stamp_newest(node: Node) -> list[str]:
    """The newest checkpoint of the spine is stamped where that is due; words on what failed."""
    remarks: list[str] = []
    if not node.settings.authorities:
        return remarks
    with _alone(node) as is_alone:
        reader = node.log(node.spine)
        row = reader.checkpoint()
        if row is None or not is_alone:
            return remarks
        for setting in node.settings.authorities:
            try:
                if _is_due(reader, row, setting.name, node.now()):
                    _stamp(node, row, authority_of(node, setting))
            except (Unreachable, TimestampError, SettingsError) as error:
                remarks.append(f"not stamped by {setting.name}: {error}")
    return remarks


def authority_of(node: Node, setting: AuthoritySetting) -> Authority:
    """The authority that a setting names; its roots are a file, relative to the node's folder.

    Raises:
        SettingsError: the file cannot be read or holds no root, or the address does not fit.
    """
    path = node.folder / Path(setting.roots)
    try:
        return Authority(
            name=setting.name,
            url=setting.url,
            roots_pem=path.read_bytes(),
            policy=setting.policy or None,
        )
    except OSError as error:
        raise SettingsError(f"its roots in {path} cannot be read: {error.strerror}") from None
    except SealError as error:
        raise SettingsError(f"its roots in {path} do not fit: {error}") from None


def _is_due(reader: LogReader, row: CheckpointRow, authority: str, now: datetime) -> bool:
    """Whether something new stands below the checkpoint, or an hour of reads."""
    last = (
        Stamp.objects.filter(checkpoint__log_id=reader.log_id, authority=authority)
        .order_by("-checkpoint__size")
        .values_list("checkpoint__size", "made_at")
        .first()
    )
    if last is None:
        return True
    new = Entry.objects.filter(
        log_id=reader.log_id, index__gte=last[0], index__lt=row.size, statement__isnull=False
    ).exclude(statement__type=RECEIVED)
    if now - last[1] < QUIET:
        new = new.exclude(statement__type="audit.head")
    return new.exists()


def _stamp(node: Node, row: CheckpointRow, authority: Authority) -> None:
    """A stamp of the checkpoint by this authority, verified twice, kept and stated.

    Raises:
        Unreachable: the authority does not answer.
        TimestampError: a verifier refuses the answer, or it names another policy.
    """
    digest = imprint_of(row)
    nonce = int.from_bytes(os.urandom(NONCE_BYTES), "big")
    got = obtain_stamp(authority, digest, nonce, timeout_s=node.settings.stamp_timeout_s)
    statement = _statement(node, row, authority.name, (got.response, got.stamp.gen_time))
    openings = openings_of([statement])
    with unit():
        Stamp.objects.create(
            checkpoint=row,
            authority=authority.name,
            request=got.request,
            response=got.response,
            made_at=got.stamp.gen_time,
            remark="" if got.stamp.is_canonical else got.stamp.verdict,
        )
        append_to_log(node, LogKind.SPINE, openings)


def _statement(
    node: Node, row: CheckpointRow, authority: str, answer: tuple[bytes, datetime]
) -> Statement:
    response, gen_time = answer
    body: dict[str, object] = {
        "origin": row.log.origin,
        "size": row.size,
        "authority": authority,
        "gen_time": utc_text(gen_time),
        "sha256": hashlib.sha256(response).hexdigest(),
    }
    if len(response) <= MAX_STATED_BYTES:
        body["response"] = base64.b64encode(response).decode()
    return new_statement(
        node, RECEIVED, actor=node.settings.origin, subject=[row.log.origin], body=body
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedStamp:
    """One stamp of this node's log, checked again.

    `expires` is when the first certificate of its path ends, None where it does not verify; then
    `fault` says why, else it is empty. `index` is the place of the stamp's own statement in the
    log, None while that waits.
    """

    origin: str
    size: int
    authority: str
    gen_time: datetime
    expires: datetime | None
    remark: str
    fault: str
    index: int | None = None


def examine_stamps(node: Node) -> list[ExaminedStamp]:
    """All stamps of the node's logs, oldest first, each verified at the time that it states."""
    rows = Stamp.objects.select_related("checkpoint__log").order_by("made_at", "pk")
    return _all_examined(node, rows)


def examine_newest_stamps(node: Node) -> list[ExaminedStamp]:
    """The last stamp of each authority, verified at the time that it states."""
    rows = Stamp.objects.select_related("checkpoint__log").order_by("made_at", "pk")
    return _all_examined(node, {row.authority: row for row in rows.defer("response")}.values())


def _all_examined(node: Node, rows: Iterable[Stamp]) -> list[ExaminedStamp]:
    settings = {setting.name: setting for setting in node.settings.authorities}
    stated = Entry.objects.filter(statement__type=RECEIVED).select_related("statement")
    places = {}
    for entry in stated:
        body = entry.statement.value.body if entry.statement and entry.statement.text else {}
        places[body.get("origin"), body.get("size"), body.get("authority")] = int(entry.index)
    return [
        replace(
            _examined(node, row, settings.get(row.authority)),
            index=places.get((row.checkpoint.log.origin, row.checkpoint.size, row.authority)),
        )
        for row in rows
    ]


def is_renewed(stamp: ExaminedStamp, stamps: Iterable[ExaminedStamp]) -> bool:
    """Whether a stamp that ends later was made over this one while it was still good."""
    end, index = stamp.expires, stamp.index
    return (
        end is not None
        and index is not None
        and any(
            later.expires is not None
            and later.origin == stamp.origin
            and later.size > index
            and later.gen_time <= end < later.expires
            for later in stamps
        )
    )


def expiring(stamps: Sequence[ExaminedStamp], by: datetime) -> list[ExaminedStamp]:
    """The stamps whose certificates end by then and which no later stamp renews."""
    return [
        stamp
        for stamp in stamps
        if stamp.expires is not None and stamp.expires <= by and not is_renewed(stamp, stamps)
    ]


def _examined(node: Node, row: Stamp, setting: AuthoritySetting | None) -> ExaminedStamp:
    expires, fault = None, ""
    try:
        if setting is None:
            raise SettingsError("no authority of this name is set, so no root is pinned")
        nonce = timestamp.parse_request(bytes(row.request)).nonce
        roots = authority_of(node, setting).roots
        digest = imprint_of(row.checkpoint)
        expires = timestamp.verify_stamp(bytes(row.response), digest, roots, nonce).expires
    except SvitloError as error:
        fault = str(error)
    return ExaminedStamp(
        origin=row.checkpoint.log.origin,
        size=row.checkpoint.size,
        authority=row.authority,
        gen_time=row.made_at,
        expires=expires,
        remark=row.remark,
        fault=fault,
    )


@contextmanager
def _alone(node: Node) -> Iterator[bool]:
    """Whether no other process of this node asks for stamps meanwhile."""
    path = node.folder / "run" / "stamps.lock"
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_alone = True
    except BlockingIOError:
        is_alone = False
    try:
        yield is_alone
    finally:
        os.close(opened)
