"""The places of a node's sealed bodies: its own folder, and a second copy where one is set."""

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
