"""Run pytest in a network namespace that has a loopback and nothing else.

Run as `unshare --user --map-root-user --net python tests/rules/alone.py ...`.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys

import pytest

SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1


def bring_up_loopback() -> None:
    """The new namespace's loopback carries packets (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


if __name__ == "__main__":
    bring_up_loopback()
    sys.exit(pytest.main(sys.argv[1:]))
