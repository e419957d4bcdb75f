"""Checkpoints: the size and root hash of a log, as text.

```
ee.example/spine/1
64
X8P5MgXim4S9C1CXRH3ZUBWJr2+DrK0cDqNLNxdrz14=
```

Three lines, each ended by LF. Extension lines are refused: implementations disagree on whether
they are signed.

Source: C2SP tlog-checkpoint v1.0.0. Python 3.9, standard library only.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from svitlo.errors import CheckpointError, SealError

HASH_BYTES = 32
MAX_NUMBER = 2**63 - 1
"""The largest size and time that every implementation can hold."""

_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")
_LINES = 3


@dataclass(frozen=True)
class Checkpoint:
    """The size of a log and its root hash, 32 bytes; the origin is the log's identity."""

    origin: str
    size: int
    root: bytes


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The checkpoint of a note's text.

    Raises:
        CheckpointError: not three lines of origin, size and root hash.
    """
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError:
        raise CheckpointError("a checkpoint is UTF-8") from None
    if len(lines) != _LINES + 1 or lines[-1]:
        raise CheckpointError("a checkpoint has three lines: origin, size, root hash")
    origin, size, root, _ = lines
    if not is_line(origin):
        raise CheckpointError("the origin of a checkpoint is empty or holds control characters")
    checkpoint = Checkpoint(
        origin, parse_decimal(size, CheckpointError), decode_base64(root, CheckpointError)
    )
    if len(checkpoint.root) != HASH_BYTES:
        raise CheckpointError(f"a root hash is 32 bytes, this one is {len(checkpoint.root)}")
    return checkpoint


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The text of a checkpoint, as it is signed.

    Raises:
        CheckpointError: a part has no form in a checkpoint.
    """
    root = base64.b64encode(checkpoint.root).decode()
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n".encode("utf-8", "surrogatepass")
    parse_checkpoint(text)
    return text


def is_line(text: str) -> bool:
    """Whether text can be a line of a signed note: not empty, no byte below 0x20."""
    return bool(text) and min(text) >= " "


def parse_decimal(text: str, error: type[SealError]) -> int:
    """The number of a decimal without sign, blanks, separators or leading zeros, below 2^63.

    Raises:
        SealError: it is written otherwise; of the class `error`.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_NUMBER:
        raise error("a number is not a plain decimal below 2^63")
    return int(text)


def decode_base64(text: str, error: type[SealError]) -> bytes:
    """The bytes of standard base64 with padding, in its one canonical form.

    Raises:
        SealError: it is written otherwise; of the class `error`.
    """
    try:
        raw = base64.b64decode(text)
    except ValueError:
        raise error("base64 is malformed") from None
    if base64.b64encode(raw).decode() != text:
        raise error("base64 is not in its canonical form")
    return raw
