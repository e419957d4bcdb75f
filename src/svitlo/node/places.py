"""The places of a node's sealed bodies: its own folder, and a second copy where one is set."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from svitlo.errors import StorageError
from svitlo.node.opening import Node
from svitlo.store.blobs import FolderPlace


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
    """The bodies stand in the target too, durably.

    Raises:
        StorageError: the target cannot be written, or holds other bytes under a name.
    """
    for number, name in enumerate(names):
        copy = target.begin(f"{part}-{number}")
        try:
            with os.fdopen(source.open(name), "rb", buffering=0) as file:
                shutil.copyfileobj(file, os.fdopen(os.dup(copy.opened), "wb", buffering=0), 1 << 20)
            copy.settle()
            target.keep([(copy, name)])
        except OSError as error:
            raise StorageError(f"cannot write the second copy: {error.strerror}") from error
        finally:
            copy.drop()


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
