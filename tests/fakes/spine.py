"""The spine whose roots, tiles and proofs the design states: its entries, made from nothing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

Change = Callable[[bytes], bytes]

ORIGIN = "ee.example/spine/1"
GENESIS = (
    b"\x02"
    b'{"at":"2022-11-29T00:00:00Z","node":"ee.example","origin":"ee.example/spine/1",'
    b'"type":"control.genesis","v":1}'
)
COMMITMENT = bytes.fromhex("157a3b77ace5787543c47b20908282dd3554d9bbb171c5b7b4b646b25ff30f68")
DUMMY_KEY = bytes(range(0xA0, 0xC0))

ROOTS = {
    2: "474d2e28ab2a164e51d892e18162398601b36185497371325f01f2a203a85308",
    3: "bbb7808b5c3bf26ef9a20e798676cf03a78fbe261070692c94ce22c435f1dc27",
    64: "5fc3f93205e29b84bd0b5097447dd9501589af6f83acad1c0ea34b37176bcf5e",
    128: "1f4dc1249eeda4fc6a51dcc1bb576c56646532ce8720916158820388c3d38425",
    192: "c2305fc29388d8d44066d8a6f9e7f4b54074ff37669600feb5aa09c563413402",
}

LOG_VKEY = "ee.example/spine/1+6879dc7e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS_VKEY = "lv.example/witness+fd13f4b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
NOTE = (
    "ee.example/spine/1\n64\nX8P5MgXim4S9C1CXRH3ZUBWJr2+DrK0cDqNLNxdrz14=\n\n"
    "\u2014 ee.example/spine/1 aHncfmv4eVOvmjyN+sjgqY+HbTUcNKH6PcH65GnjNqHnoHg+u2TrXPkkhhZt4k9G2iUq"
    "Zl7KydmehKQ50zM8SS/3YAc=\n"
    "\u2014 lv.example/witness /RP0tgAAAABjhc7AO4FKzBjz7S/hIeWeORMA/P4UOFtSo5M1JwE9MGzLccPL3BIWMvjO"
    "Od0N2pXCxELPq3rYMv3TqHcFe2+z1a5/CQ==\n"
).encode()
"""The checkpoint of size 64 with the lines of log and witness (time 1669713600)."""


def dummy(index: int) -> bytes:
    message = b"svitlo/dummy/v1\x00" + index.to_bytes(8, "big")
    return b"\x01" + hmac.new(DUMMY_KEY, message, hashlib.sha256).digest()


def entries(size: int) -> list[bytes]:
    """The genesis, one commitment, and dummies up to this size."""
    return [GENESIS, b"\x01" + COMMITMENT, *map(dummy, range(2, size))]
