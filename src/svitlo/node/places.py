"""The places of a node's sealed bodies: its own folder, and a second copy where one is set."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from svitlo.errors import DigestMismatch, StorageError
from svitlo.node.opening import Node
from svitlo.seal.digest import blake3_stream
from svitlo.store.blobs import FolderPlace, Part


def main_place(node: Node) -> FolderPlace:
    """Where bodies are sealed and read."""
    return FolderPlace(node.folder)


def second_place(node: Node) -> FolderPlace | None:
    """Where the second copy of all bodies stands, or None where none is set."""
    if not node.settings.second_place:
        return None
    folder = Path(node.settings.second_place)
    for name in ("objects", "spool", "headers"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return FolderPlace(folder)


def mirror(source: FolderPlace, target: FolderPlace, names: Iterable[str], *, part: str) -> None:
    """The bodies stand in the target too, durably, whole.

    Raises:
        StorageError: the target cannot be written, or a body is damaged in either place.
    """
    for number, name in enumerate(names):
        copy = target.begin(f"{part}-{number}")
        try:
            _check_written(source, name, copy)
            copy.settle()
            target.keep([(copy, name)])
        except OSError as error:
            raise StorageError(f"cannot write the second copy: {error.strerror}") from error
        except DigestMismatch as error:
            raise StorageError(str(error)) from error
        finally:
            copy.drop()


def _check_written(source: FolderPlace, name: str, copy: Part) -> None:
    with os.fdopen(source.open(name), "rb", buffering=0) as file:

        def read_into(room: memoryview) -> int:
            got = file.readinto(room) or 0
            copy.write(room[:got])
            return got

        _, found = blake3_stream(read_into)
    if found != name:
        raise StorageError(f"the sealed body {name[:16]}... holds other bytes than its name")


@contextmanager
def sealing_in(node: Node) -> Iterator[None]:
    """Parts in the spools are safe inside; those of processes that died before are gone.

    All who write parts hold one lock together, and who finds nobody else sweeps first.
    """
    path = node.folder / "run" / "spool.lock"
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _is_alone(opened):
            main_place(node).sweep_spool()
            with contextlib.suppress(OSError):  # a second place that is away is swept when back
                copies = second_place(node)
                if copies is not None:
                    copies.sweep_spool()
        fcntl.flock(opened, fcntl.LOCK_SH)
        yield
    finally:
        os.close(opened)


def _is_alone(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def compare_places(first: Path, second: Path) -> dict[str, object]:
    """Digests of the sorted (name, size) lists of two places, and what only one of them has."""
    lists = [_names_and_sizes(FolderPlace(folder)) for folder in (first, second)]
    digests = [
        hashlib.sha256("".join(f"{name} {size}\n" for name, size in found).encode()).hexdigest()
        for found in lists
    ]
    return {
        "first": digests[0],
        "second": digests[1],
        "only_first": sorted(name for name, _ in set(lists[0]) - set(lists[1])),
        "only_second": sorted(name for name, _ in set(lists[1]) - set(lists[0])),
    }


def _names_and_sizes(place: FolderPlace) -> list[tuple[str, int]]:
    return [(name, place.size(name)) for name in place.names()]
