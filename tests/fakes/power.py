"""A power cut: of the files that a node wrote, only those stay that it had made durable.

What a process had told the system to keep (fsync of a file, fsync of a folder for the names in it)
is recorded while it runs; the rest is taken away. The database looks after itself: every commit is
synced, so what was committed when the process died is there.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.fakes.crashing import Say

KEPT = ("objects", "headers", "receipts")


def recording(work: Callable[[Say], None]) -> Callable[[Say], None]:
    """The work, which also says of every file and folder that it was made durable."""

    def recorded(say: Say) -> None:
        for name in ("fsync", "fdatasync"):
            setattr(os, name, _told(getattr(os, name), say))
        work(say)

    return recorded


def _told(sync: Callable[[int], None], say: Say) -> Callable[[int], None]:
    def synced(opened: int) -> None:
        sync(opened)
        found = os.fstat(opened)
        if stat.S_ISDIR(found.st_mode):
            folder = Path(f"/proc/self/fd/{opened}").resolve()
            say({"folder": str(folder), "names": _names(folder)})
        else:
            say({"file": found.st_ino})

    return synced


def _names(folder: Path) -> dict[str, int]:
    return {path.name: path.lstat().st_ino for path in folder.iterdir()}


def inodes_in(folder: Path) -> set[int]:
    """All that stands in the folders of bodies, headers and receipts now."""
    return {path.stat().st_ino for name in KEPT for path in (folder / name).rglob("*")}


def cut_power(folder: Path, before: set[int], said: Iterable[dict[str, Any]]) -> int:
    """How many things were lost: all that is not from before and was not made durable."""
    files, names = set(before), {}
    for one in said:
        if "file" in one:
            files.add(one["file"])
        elif "folder" in one:
            names[one["folder"]] = set(one["names"].items())
    lost = 0
    for name in KEPT:
        for path in sorted((folder / name).rglob("*")):
            if path.exists():
                lost += _take_away(path, before, files, names)
    return lost


def _take_away(
    path: Path, before: set[int], files: set[int], names: dict[str, set[tuple[str, int]]]
) -> bool:
    inode = path.stat().st_ino
    if inode in before:
        return False
    if (path.name, inode) not in names.get(str(path.parent), set()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return True
    if path.is_file() and inode not in files:
        path.chmod(0o600)
        path.write_bytes(b"")
        return True
    return False
