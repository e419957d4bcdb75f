"""Self-check: what an operator should know before the node is trusted with evidence.

Each examination gives one finding, good, doubtful or bad, with words that say what to do. None of
them changes the record or asks the network.
"""

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path

from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q

from svitlo.errors import NotFound, SandboxError, SvitloError
from svitlo.node.clock import clock_state
from svitlo.node.journeys.logkeeping import check_continues
from svitlo.node.journeys.stamping import examine_newest_stamps
from svitlo.node.keyring import read_recipients
from svitlo.node.opening import Node
from svitlo.node.places import main_place, second_place
from svitlo.node.sandbox import Cage
from svitlo.record.statement import utc_text
from svitlo.seal.checkpoint import Checkpoint
from svitlo.seal.tree import EMPTY_ROOT
from svitlo.store.models import Blob, BlobHeader, Exhibit, Intake

MIN_SQLITE = (3, 40)
LOW_SPACE_BYTES = 5 << 30
SLOW_FSYNC_S = 0.1
LASTING = timedelta(days=90)
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph"})


class Grade(Enum):
    """How a finding is meant."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found."""

    subject: str
    grade: Grade
    text: str


def examine_node(node: Node) -> list[Finding]:
    """The findings on the whole node, in a fixed order."""
    found: list[Finding] = []
    for examine in (
        _database,
        _migrations,
        _folder,
        _storage,
        _keys,
        _recipients,
        _headers,
        _fixity,
        _intakes,
        _logs,
        _copies,
        _outside,
        _stamps,
        _clock,
        _cage,
    ):
        found += _guarded(examine, node)
    return found


def _guarded(examine: Callable[[Node], Iterator[Finding]], node: Node) -> list[Finding]:
    """The findings of one examination; one that breaks off is a finding too."""
    found = []
    try:
        for finding in examine(node):
            found.append(finding)  # noqa: PERF402 - what came before a fault is kept
    except (SvitloError, OSError, DatabaseError, CommandError) as error:
        found.append(Finding(examine.__name__.strip("_"), Grade.BAD, f"not examined: {error}"))
    return found


def _database(node: Node) -> Iterator[Finding]:  # noqa: ARG001 - all examinations take the node
    if connection.vendor != "sqlite":
        yield Finding("database", Grade.GOOD, connection.vendor)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        version = str(cursor.fetchone()[0])
        wanted = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
        wrong = {name: value for name, value in wanted.items() if _pragma(cursor, name) != value}
        cursor.execute("PRAGMA quick_check(1)")
        sound = str(cursor.fetchone()[0])
    old = tuple(map(int, version.split(".")[:2])) < MIN_SQLITE
    yield Finding(
        "database", Grade.BAD if old else Grade.GOOD, f"SQLite {version} (3.40 or newer is needed)"
    )
    for name in wrong:
        yield Finding("database", Grade.BAD, f"PRAGMA {name} is not {wanted[name]}")
    if sound != "ok":
        yield Finding("database", Grade.BAD, f"quick_check says: {sound}")


def _pragma(cursor: CursorWrapper, name: str) -> str:
    cursor.execute(f"PRAGMA {name}")
    return str(cursor.fetchone()[0]).lower()


def _migrations(node: Node) -> Iterator[Finding]:  # noqa: ARG001 - all examinations take the node
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield Finding("migrations", Grade.BAD, f"{len(waiting)} are not applied")
    else:
        yield Finding("migrations", Grade.GOOD, "all applied")


def _folder(node: Node) -> Iterator[Finding]:
    kind = _file_system(node.folder)
    if kind in NETWORK_FILE_SYSTEMS:
        yield Finding("folder", Grade.BAD, f"on {kind}: a network file system can lose a commit")
    if stat.S_IMODE(node.folder.stat().st_mode) & 0o077:
        yield Finding("folder", Grade.BAD, "others may read tables and receipts: make it 0700")
    free = shutil.disk_usage(node.folder).free
    grade = Grade.DOUBTFUL if free < LOW_SPACE_BYTES else Grade.GOOD
    yield Finding("space", grade, f"{free >> 20} MiB are free")


def _file_system(folder: Path) -> str:
    """The type of the file system that holds the folder, from the table of mounts."""
    best, kind = "", "unknown"
    real = str(folder.resolve())
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").split("\n"):
        parts = line.split(" ")
        if len(parts) > 2 and real.startswith(parts[1]) and len(parts[1]) >= len(best):  # noqa: PLR2004 - device, folder, type
            best, kind = parts[1], parts[2]
    return kind


def _storage(node: Node) -> Iterator[Finding]:
    place, content = main_place(node), os.urandom(4096)
    part = place.begin(f"doctor-{node.ulids.next()}")
    try:
        part.write(content)
        began = time.monotonic()
        part.settle()
        spent = time.monotonic() - began
        same = hashlib.sha256(part.path.read_bytes()).digest() == hashlib.sha256(content).digest()
    finally:
        part.drop()
    if not same:
        yield Finding("storage", Grade.BAD, "what was written is not what is read")
        return
    grade = Grade.DOUBTFUL if spent > SLOW_FSYNC_S else Grade.GOOD
    yield Finding("storage", grade, f"written, synced in {spent * 1000:.1f} ms, read back equal")


def _keys(node: Node) -> Iterator[Finding]:
    keys = node.folder / "keys"
    open_files = [p.name for p in keys.iterdir() if stat.S_IMODE(p.stat().st_mode) & 0o077]
    for name in open_files:
        yield Finding("keys", Grade.BAD, f"others may read keys/{name}: make it 0400")
    if node.keyring.is_sealed:
        yield Finding("keys", Grade.GOOD, "sealed with a passphrase")
    else:
        yield Finding("keys", Grade.DOUBTFUL, "no passphrase: who copies keys/ has the keys")


def _recipients(node: Node) -> Iterator[Finding]:
    count = len(read_recipients(node.folder))
    if count > 1:
        yield Finding("recipients", Grade.GOOD, f"new objects are sealed to {count}")
    else:
        yield Finding(
            "recipients",
            Grade.DOUBTFUL,
            "new objects are sealed to one identity: its loss is the loss of the vault"
            " (svitlo keys shares makes a recovery identity)",
        )


def _headers(node: Node) -> Iterator[Finding]:
    """Both copies of the headers agree: their loss is the loss of the vault."""
    kept = {(blob, header) for blob, header, _ in main_place(node).headers()}
    rows = BlobHeader.objects.values_list("blob__name", "header")
    missing = [name for name, header in rows if (name, bytes(header)) not in kept]
    bodies = Blob.objects.filter(state="stored", header__isnull=True).count()
    if missing or bodies:
        yield Finding(
            "headers",
            Grade.BAD,
            f"{len(missing)} headers are not in headers/, {bodies} bodies have none",
        )
    else:
        yield Finding("headers", Grade.GOOD, f"{len(kept)} headers agree in both places")


def _fixity(node: Node) -> Iterator[Finding]:
    damaged = Blob.objects.filter(state="damaged").count()
    if damaged:
        text = f"{damaged} bodies were found damaged or missing: `svitlo vault repair`"
        yield Finding("fixity", Grade.BAD, text)
    limit = node.now() - timedelta(days=node.settings.fixity_days)
    since_sealing = Q(blob__checked_at__isnull=True, intake__started_at__lt=utc_text(limit))
    rows = Exhibit.objects.filter(Q(blob__checked_at__lt=limit) | since_sealing, state="sealed")
    overdue = rows.count()
    text = f"{overdue} exhibits were not checked for {node.settings.fixity_days} days"
    if overdue:
        yield Finding("fixity", Grade.DOUBTFUL, f"{text}: `svitlo exhibit verify --due`")
    elif not damaged:
        yield Finding("fixity", Grade.GOOD, text)


def _intakes(node: Node) -> Iterator[Finding]:  # noqa: ARG001 - all examinations take the node
    unfinished = Intake.objects.exclude(state="closed").count()
    if unfinished:
        text = f"{unfinished} broke off: repeat the same command and it goes on"
        yield Finding("intakes", Grade.DOUBTFUL, text)
    else:
        yield Finding("intakes", Grade.GOOD, "every one has its receipt")


def _logs(node: Node) -> Iterator[Finding]:
    for origin in (node.spine, node.audit):
        reader = node.log(origin)
        size = reader.size()
        root = reader.tiles(size).root() if size else EMPTY_ROOT
        check_continues(reader, node.heads().read(origin), Checkpoint(origin, size, root))
        yield Finding("log", Grade.GOOD, f"{origin}: {size} entries continue the signed head")


def _copies(node: Node) -> Iterator[Finding]:
    copies = second_place(node)
    if copies is None:
        yield Finding("copies", Grade.DOUBTFUL, "one place only: set second_place, far from here")
        return
    names = list(Blob.objects.filter(state="stored").values_list("name", flat=True))
    missing = [name for name in names if not _has(copies.size, name)]
    grade = Grade.BAD if missing else Grade.GOOD
    yield Finding("copies", grade, f"{len(names) - len(missing)} of {len(names)} have a copy")


def _has(size: Callable[[str], int], name: str) -> bool:
    try:
        size(name)
    except NotFound:
        return False
    return True


def _outside(node: Node) -> Iterator[Finding]:
    witnesses, authorities = len(node.settings.witnesses), len(node.settings.authorities)
    if witnesses:
        yield Finding("witnesses", Grade.GOOD, f"{witnesses} cosign")
    else:
        yield Finding("witnesses", Grade.DOUBTFUL, "nobody cosigns: a log alone proves less")
    if authorities > 1:
        yield Finding("time", Grade.GOOD, f"{authorities} authorities stamp")
    else:
        yield Finding("time", Grade.DOUBTFUL, f"{authorities} time stamp authorities; two are due")


def _stamps(node: Node) -> Iterator[Finding]:
    """The newest stamp of each authority holds, and one of them lasts a while."""
    newest = examine_newest_stamps(node)
    for stamp in newest:
        if stamp.fault:
            yield Finding("stamps", Grade.BAD, f"{stamp.authority}: {stamp.fault}")
    ends = [stamp.expires for stamp in newest if stamp.expires is not None]
    if ends and max(ends) <= node.now() + LASTING:
        text = f"the last ends at {max(ends)}: have an authority stamp whose certificates last"
        yield Finding("stamps", Grade.DOUBTFUL, text)
    elif ends:
        yield Finding("stamps", Grade.GOOD, f"the newest hold, the last until {max(ends)}")


def _clock(node: Node) -> Iterator[Finding]:  # noqa: ARG001 - all examinations take the node
    state = clock_state()
    grade = Grade.GOOD if state.get("synchronised") else Grade.DOUBTFUL
    text = ", ".join(f"{name} {value}" for name, value in state.items())
    yield Finding("clock", grade, text)


def _cage(node: Node) -> Iterator[Finding]:  # noqa: ARG001 - all examinations take the node
    try:
        with Cage.open() as cage:
            missing = sorted(name for name, stands in cage.walls.items() if not stands)
    except SandboxError as error:
        yield Finding("cage", Grade.BAD, f"no file is read here: {error}")
        return
    grade = Grade.DOUBTFUL if missing else Grade.GOOD
    yield Finding("cage", grade, f"missing walls: {missing}" if missing else "all walls stand")
