"""The disk itself: how often it makes 4 KiB durable."""

import os
from collections.abc import Callable
from pathlib import Path

BLOCK = bytes(4096)


def fdatasync(folder: str, count: int) -> Callable[[], int]:
    """How many blocks of 4 KiB were appended to a file, each durable before the next."""
    path = Path(folder, "fdatasync.bin")
    path.unlink(missing_ok=True)

    def work() -> int:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for _ in range(count):
                os.write(opened, BLOCK)
                os.fdatasync(opened)
        finally:
            os.close(opened)
        return count

    return work
