"""One byte of evidence changed on purpose, to see who notices.

`python -m svitlo.node.demo.tampering DOSSIER` changes the first exhibit of a dossier.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from svitlo.errors import NotFound


def flip_byte(path: Path, offset: int) -> None:
    """The byte at the offset is another now; size and mode of the file are what they were."""
    found = path.stat()
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x01
    path.chmod(found.st_mode | 0o200)
    path.write_bytes(content)
    path.chmod(found.st_mode)


def first_original(dossier: Path) -> Path:
    """The first exhibit's file in a dossier that is not empty.

    Raises:
        NotFound: The folder holds no such file.
    """
    for path in sorted(dossier.rglob("data/exhibits/*/original.*")):
        if path.stat().st_size:
            return path
    raise NotFound(f"{dossier} holds no exhibit: expected data/exhibits/<number>/original.<ext>")


def main(arguments: list[str]) -> int:
    """Change one byte of the dossier that is named; the exit status is 0."""
    parser = argparse.ArgumentParser(prog="svitlo.node.demo.tampering", description=__doc__)
    parser.add_argument("dossier", type=Path)
    path = first_original(parser.parse_args(arguments).dossier)
    flip_byte(path, path.stat().st_size // 2)
    sys.stdout.write(f"{path}: one byte is another now\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
