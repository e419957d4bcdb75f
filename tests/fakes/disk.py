"""A disk that is full, or that fails: writes to descriptors of this process do not go through."""

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest


class Disk:
    """Room for so many bytes more through `os.write`; beyond, the system says ENOSPC.

    A write that does not fit whole is cut short first, as a real disk does it.
    """

    def __init__(self, patch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self._patch = patch
        self._write = os.write
        patch.setattr(os, "write", self._take)

    def _take(self, opened: int, block: bytes | memoryview) -> int:
        length = len(block)
        if length and not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(opened, bytes(block)[: min(length, self.room)])
        self.room -= written
        return written


def failing_at(call: Callable[..., Any], number: int, code: int) -> Callable[..., Any]:
    """The call, which fails the `number`-th time (from 1) with that error of the system."""
    count = 0

    def wrapped(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            raise OSError(code, os.strerror(code))
        return call(*args, **more)

    return wrapped
