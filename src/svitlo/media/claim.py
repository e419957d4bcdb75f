"""What a file claims of itself, as values that fit a statement.

Everything a file says is a claim: a normalised value, the raw text it was read from where that
differs, and the tag that held it. Names are `[a-z0-9_.]+`; there are no floats and no null
(decimals are strings, what is absent is left out); text is cut, and cleaned of what canonical JSON
refuses. The whole stays small enough for one statement.

A statement holds at most 60 KiB of canonical JSON (RFC 8785).
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from datetime import datetime
from typing import TypeAlias

from svitlo.errors import InvalidInput

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value]"
"""What a statement can carry."""

TEXT_CHARACTERS = 1000
CLAIMS = 1000
BUDGET_BYTES = 36 * 1024

PARSER_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError, Warning),
    *(struct.error, zlib.error, InvalidInput),
)
"""What parsers of foreign bytes raise on bad ones; MemoryError ends the child instead."""

_NOT_A_NAME = re.compile(r"[^a-z0-9_.]+")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_EXACT_INTEGER = 2**53 - 1
_TIME = re.compile(
    r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?"
    r"\s*(Z|[+-]\d\d:?\d\d)?"
)


class Claims:
    """The claims found so far, by name; the first of a name stays."""

    def __init__(self) -> None:
        self.found: dict[str, Value] = {}
        self._room_bytes = BUDGET_BYTES

    def add(self, name: str, value: Value, *, raw: str = "", tag: str = "") -> None:
        """Note one claim; empty text says nothing and is left out."""
        value = clean(value)
        claim: dict[str, Value] = {"value": value}
        if raw and raw != value:
            claim["raw"] = clean_text(raw)
        if tag:
            claim["tag"] = clean_text(tag)
        name = claim_name(name)
        if value == "" or name in self.found:
            return
        cost = len(json.dumps(claim, ensure_ascii=False).encode()) + len(name) + 4
        if cost > self._room_bytes or len(self.found) >= CLAIMS:
            self.found["claims.cut"] = {"value": True}
            return
        self._room_bytes -= cost
        self.found[name] = claim

    def room_bytes(self) -> int:
        """How much of the budget is left."""
        return self._room_bytes


def claim_name(text: str) -> str:
    """`text` as a member name: lower case, and `_` for what a name cannot hold."""
    return _NOT_A_NAME.sub("_", text.lower())[:100].strip("_") or "_"


def clean(value: Value) -> Value:
    """The same value with clean text, and integers that JSON cannot hold as text."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {claim_name(name): clean(item) for name, item in value.items()}
    if not isinstance(value, bool) and abs(value) > _EXACT_INTEGER:
        return clean_text(str(value))
    return value


def clean_text(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """`text` without NUL and lone surrogates, cut to `characters`."""
    cut = text[: characters + 1].rstrip("\0").replace("\0", "\ufffd")
    cut = cut.encode("utf-8", "replace").decode() if not cut.isascii() else cut
    return cut if len(cut) <= characters else cut[: characters - 1] + "\u2026"


def reason(error: BaseException) -> str:
    """An error of a parser as one line, the same each time."""
    text = _ADDRESS.sub("", f"{type(error).__name__}: {error}")
    return clean_text(" ".join(text.split()), 200)


def decimal(value: float, places: int) -> str:
    """A number as a decimal string without trailing zeros, in no exponent form."""
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def time_of(text: str, offset: str = "") -> str:
    """ISO 8601 of a time as files write it; empty when it is none.

    Without a zone it stays local: nothing is guessed. A zone in `text` goes before `offset`.
    """
    found = _TIME.match(text.strip())
    if not found:
        return ""
    numbers = [int(part) for part in found.groups()[:6]]
    fraction, zone = found.group(7), found.group(8) or offset.strip()
    try:
        moment = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - six integers, and local
    except ValueError:
        return ""
    kept = fraction.rstrip("0") if fraction else ""
    return moment.isoformat() + (f".{kept}" if kept else "") + _zone(zone)


def _zone(text: str) -> str:
    if text == "Z":
        return "Z"
    if re.fullmatch(r"[+-](0\d|1[0-4]):?[0-5]\d", text):
        return f"{text[:3]}:{text[-2:]}"
    return ""
