from __future__ import annotations

import io
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from svitlo.media.__main__ import FRAME_BYTES, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = bytes(range(256)) * 8192


@pytest.fixture
def served() -> Iterator[Served]:
    """A file of 2 MiB, its bytes given out by a thread."""
    ours, theirs = socket.socketpair()

    def answer() -> None:
        while head := theirs.recv(12, socket.MSG_WAITALL):
            offset, length = int.from_bytes(head[:8], "big"), int.from_bytes(head[8:], "big")
            assert length <= FRAME_BYTES
            theirs.sendall(DATA[offset : offset + length])

    thread = threading.Thread(target=answer)
    thread.start()
    with theirs:
        with ours:
            yield Served(ours, len(DATA))
        thread.join()


def test_the_whole_file_is_read(served: Served) -> None:
    assert served.readall() == DATA
    assert served.read(10) == b""


def test_it_can_be_sought_like_a_file(served: Served) -> None:
    buffered = io.BufferedReader(served, 4096)
    for offset, whence, place in (
        (1000, io.SEEK_SET, 1000),
        (-10, io.SEEK_END, len(DATA) - 10),
        (0, io.SEEK_SET, 0),
    ):
        assert buffered.seek(offset, whence) == place
        assert buffered.read(5) == DATA[place : place + 5]
    assert buffered.seek(7, io.SEEK_CUR) == 12
    assert served.seek(len(DATA) + 5) == len(DATA) + 5
    assert served.read(1) == b""
    with pytest.raises(ValueError, match="before the start"):
        served.seek(-1)
