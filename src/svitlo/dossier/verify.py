"""The court's verifier: a dossier examined offline, step by step.

Python 3.9, standard library only: the single file `verify.py` is built from this module.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from svitlo.dossier.bag import Tree
from svitlo.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BLOCK = 1 << 18
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # not every system has each
    _FLAGS |= getattr(os, _name, 0)


def open_folder(path: str | os.PathLike[str]) -> Tree:
    """The folder as a tree to examine: no link is followed, nothing is opened twice.

    Raises:
        BagError: there is no such folder, or it cannot be listed.
    """
    root = os.fspath(path)
    files: list[str] = []
    oddities: list[tuple[str, str]] = []
    try:
        for name, what in _walk(root, ""):
            if what:
                oddities.append((name, what))
            else:
                files.append(name)
    except OSError as error:
        raise BagError(f"the folder cannot be listed: {error.strerror}") from None
    base = root + os.sep
    return Tree(
        tuple(files),
        tuple(oddities),
        lambda name: _read(base + name),
        lambda name, algorithms: _digest(base + name, algorithms),
    )


def _walk(root: str, prefix: str) -> Iterator[tuple[str, str]]:
    folders: list[str] = []
    with os.scandir(f"{root}{os.sep}{prefix}") as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_symlink():
                yield name, "symbolic link"
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name + "/")
            else:
                yield name, "" if entry.is_file(follow_symlinks=False) else "special file"
    for folder in folders:
        yield from _walk(root, folder)


def _blocks(path: str) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            block = os.read(descriptor, _BLOCK)
            while block:
                yield block
                block = os.read(descriptor, _BLOCK)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BagError(f"cannot be read: {error.strerror}") from None


def _read(path: str) -> bytes:
    return b"".join(_blocks(path))


def _digest(path: str, algorithms: Sequence[str]) -> tuple[tuple[str, ...], int]:
    states = [hashlib.new(name) for name in algorithms]
    size_bytes = 0
    for block in _blocks(path):
        size_bytes += len(block)
        for state in states:
            state.update(block)
    return tuple(state.hexdigest() for state in states), size_bytes
