"""No test talks to another machine, and whoever tries fails.

The interpreter's audit events show the connections that libraries make, too. Child processes are
covered by `test_network.py`, which runs the tests that start them in a network namespace where the
system lets it.
"""

from __future__ import annotations

import ipaddress
from typing import Any

LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class NetworkDeniedError(AssertionError):
    """A test tried to reach another machine."""


def deny(event: str, arguments: tuple[Any, ...]) -> None:
    """Nothing, unless the event is a look-up or connection beyond the loopback."""
    if event in LOOKUPS:
        host = arguments[0]
    elif event in CONNECTIONS:
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    else:
        return
    if host is not None and not is_local(host):
        raise NetworkDeniedError(f"{event} of {host!r}: tests reach no other machine")


def is_local(host: str | bytes) -> bool:
    """Whether a host is this machine."""
    name = host.decode(errors="replace") if isinstance(host, bytes) else host
    if name in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
