"""Erase: headers leave every file, deleted rows leave the database, openings are emptied.

A sealed body is as good as gone when no copy of its header is left, since the header alone holds
its file key. SQLite keeps what was deleted in two places: in free pages, which `secure_delete`
empties, and in the write-ahead log, which is cut here. Source: sqlite.org, "PRAGMA secure_delete"
and "PRAGMA wal_checkpoint". What is left is out of reach of a program: copies of the disk.
"""

import base64
import contextlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import connection

from svitlo.errors import Busy, StorageError
from svitlo.store.log.heads import sync_folder
from svitlo.store.models import Statement
from svitlo.store.writing import is_unit_open

HeaderTest = Callable[[str, bytes], bool]
"""Told the name of a body and one of its headers; says whether that header goes."""


def drop_headers(folder: Path, is_dropped: HeaderTest, *, before: float | None = None) -> int:
    """How many headers left the header files of a place; the others stay, durably.

    A line that cannot be read is kept: its file may be in the middle of being written. With
    `before` (seconds since 1970), files that were written later are left alone, and unfinished ones
    from before are removed. Only one process at a time may call it for a place.
    """
    _remove_unfinished(folder / "headers", before)
    dropped = 0
    for path in sorted((folder / "headers").glob("*.jsonl")):
        if before is not None and path.stat().st_mtime >= before:
            continue
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not _goes(line, is_dropped)]
        if len(kept) < len(lines):
            _rewrite(path, kept)
            dropped += len(lines) - len(kept)
    return dropped


def _remove_unfinished(folder: Path, before: float | None) -> None:
    """What a killed process left: rewritten files of this module, and old ones of any writer."""
    for part in folder.glob("*.part"):
        is_ours = not part.name.startswith(".")
        with contextlib.suppress(FileNotFoundError):  # its writer has just finished it
            if is_ours or (before is not None and part.stat().st_mtime < before):
                part.unlink()


def _goes(line: bytes, is_dropped: HeaderTest) -> bool:
    try:
        entry = json.loads(line)
        return is_dropped(entry["blob"], base64.b64decode(entry["header"]))
    except (ValueError, KeyError):
        return False


def _rewrite(path: Path, lines: Iterable[bytes]) -> None:
    """The file has these lines only; the bytes it had are overwritten where they lay."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    with path.open("r+b", buffering=0) as old:
        part.replace(path)
        sync_folder(path.parent)
        old.write(bytes(os.fstat(old.fileno()).st_size))
        os.fsync(old.fileno())


def empty_openings(rows: Iterable[int]) -> None:
    """The statements of those rows have neither salt nor text any more; the log keeps its entry.

    Raises:
        StorageError: no unit is open.
    """
    if not is_unit_open():
        raise StorageError("erasing needs an open unit")
    Statement.objects.filter(pk__in=list(rows)).update(salt=b"", text=b"", state="erased")


def cut_write_ahead_log() -> None:
    """Nothing that was deleted is left in the write-ahead log of the database.

    Raises:
        Busy: another process reads the database; the same command may be repeated.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_blocked = cursor.fetchone()[0]
    if is_blocked:
        raise Busy("another process reads the database: repeat the command when it has ended")
