"""Publish: the log as static files that any web server can serve (C2SP tlog-tiles).

The files are a cache of the tables: written whole under another name and renamed, not fsynced,
and written again by `svitlo log rebuild`. The checkpoint goes last, so it never promises a tile
that is not there.
"""

import os
from pathlib import Path

from svitlo.seal.tiles import (
    FULL_WIDTH,
    bundles_of,
    encode_bundle,
    entries_path,
    tile_path,
    tiles_of,
)
from svitlo.store.log.reading import LogReader


def publish(reader: LogReader, folder: Path, size: int, *, since: int, note: bytes) -> None:
    """The folder serves the log at `size`, having served it at `since`, under the signed note."""
    for level, n, width in tiles_of(size, since):
        _write(folder / tile_path(level, n, width), reader.tile(level, n, width))
    for n, width in bundles_of(size, since):
        _write(folder / entries_path(n, width), encode_bundle(reader.entries(n, width)))
    for level, n, width in tiles_of(since):
        if width < FULL_WIDTH and (size >> 8 * level) >= (n + 1) * FULL_WIDTH:
            _drop_partials(folder / (tile_path(level, n) + ".p"))
            if level == 0:
                _drop_partials(folder / (entries_path(n) + ".p"))
    publish_note(folder, note)


def publish_note(folder: Path, note: bytes) -> None:
    """The folder serves this signed note as the checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "checkpoint", note)


def _write(path: Path, content: bytes) -> None:
    try:
        _replace(path, content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    part = f"{path}.{os.getpid()}.part"
    with open(part, "wb", buffering=0) as file:  # noqa: PTH123 - many small files, at half the cost
        file.write(content)
    os.replace(part, path)  # noqa: PTH105 - as above


def _drop_partials(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
