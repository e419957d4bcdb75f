"""Canonical JSON: one value, one byte string.

Rules: members stand in the order of their UTF-16 units, numbers are written as ECMAScript writes
them, text is kept as it is. What two readers could take differently is refused: duplicate names,
NaN, integers beyond 2^53 - 1, lone surrogates, a byte order mark, bytes after the value.

Source: RFC 8785 (JCS), RFC 7493 (I-JSON), RFC 8259. Python 3.9, standard library only.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn, Union

from svitlo.errors import CanonicalError

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = Union[None, bool, int, float, str, "list[Value]", "dict[str, Value]"]
"""A JSON value."""

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader takes exactly (RFC 7493, section 2.2)."""

MAX_DEPTH = 64
"""How deep arrays and objects may nest: no recursion limit of an interpreter decides."""

_LONGEST_INTEGER = 22  # -100000000000000000000, the longest that ECMAScript writes without exponent
_MOST_WHOLE_DIGITS = 21  # ECMA-262 writes an exponent from 1e21 on
_MOST_LEADING_ZEROS = 5  # and below 1e-6
_PLAIN = frozenset((str, bool, type(None)))
_TOO_DEEP = f"arrays and objects nest deeper than {MAX_DEPTH}"
_TOO_LARGE = "an integer lies beyond 2^53 - 1"
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_WRITER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
)


def dumps(value: object) -> bytes:
    """The canonical bytes of a JSON value; tuples are written as arrays.

    Raises:
        CanonicalError: the value has no canonical form: a number or text that JSON cannot carry
            exactly, a member name that is not text, another type, too deep a nesting.

    Source: RFC 8785, section 3.2.
    """
    text = _WRITER.encode(value) if _is_plain(value, MAX_DEPTH) else _written(value, MAX_DEPTH)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CanonicalError("text holds half of a surrogate pair") from None


def loads(text: bytes) -> Value:
    """The value of strict JSON; blanks between tokens and any order of members are accepted.

    Raises:
        CanonicalError: not JSON, or JSON that readers could take differently.
    """
    try:
        value: Value = _READER.decode(text.decode())
    except UnicodeDecodeError as error:
        raise CanonicalError(f"JSON is UTF-8, byte {error.start} is not") from None
    except json.JSONDecodeError as error:
        raise CanonicalError(f"not JSON at character {error.pos}: {error.msg}") from None
    except RecursionError:
        raise CanonicalError(_TOO_DEEP) from None
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH or _ESCAPED_SURROGATE.search(text):
        dumps(value)
    return value


def loads_canonical(text: bytes) -> Value:
    """The value of JSON that is in canonical form already.

    Raises:
        CanonicalError: not JSON, or not the canonical form of its value.
    """
    value = loads(text)
    if dumps(value) != text:
        raise CanonicalError("JSON is not in the canonical form of RFC 8785")
    return value


def _is_plain(value: object, room: int) -> bool:
    """Whether json.dumps writes it canonically: ASCII names, no float, no subclass of a type."""
    members: Iterable[object]
    if type(value) is dict:
        if not _are_ascii(value):
            return False
        members = value.values()
    elif type(value) is list or type(value) is tuple:
        members = value
    else:
        return type(value) in _PLAIN or (type(value) is int and abs(value) <= MAX_INTEGER)
    if not room:
        raise CanonicalError(_TOO_DEEP)
    for member in members:  # text is most of a statement: no call for it
        if type(member) is not str and not _is_plain(member, room - 1):
            return False
    return True


def _are_ascii(names: dict[str, object]) -> bool:
    try:
        return "".join(names).isascii()
    except TypeError:
        return False


def _written(value: object, room: int) -> str:
    if not isinstance(value, (dict, list, tuple)):
        return _written_scalar(value)
    if not room:
        raise CanonicalError(_TOO_DEEP)
    if not isinstance(value, dict):
        return "[" + ",".join(_written(item, room - 1) for item in value) + "]"
    names = sorted(value, key=_utf16)
    return "{" + ",".join(_text(n) + ":" + _written(value[n], room - 1) for n in names) + "}"


def _written_scalar(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return _WRITER.encode(value)
    if isinstance(value, float):
        return _ecmascript(value)
    if not isinstance(value, int):
        raise CanonicalError(f"JSON cannot carry a {type(value).__name__}")
    if abs(value) > MAX_INTEGER:
        raise CanonicalError(_TOO_LARGE)
    return int.__repr__(value)


def _text(text: str) -> str:
    return _WRITER.encode(str.__str__(text))


def _utf16(name: object) -> bytes:
    if not isinstance(name, str):
        raise CanonicalError("a member name is not text")
    return name.encode("utf-16-be", "surrogatepass")


def _ecmascript(number: float) -> str:
    """The number as ECMAScript's Number::toString writes it (ECMA-262, section 6.1.6.1.20)."""
    if not math.isfinite(number):
        raise CanonicalError("JSON has no NaN and no infinity")
    if number < 0:
        return "-" + _ecmascript(-number)
    if not number:
        return "0"  # -0 too
    _, figures, exponent = Decimal(float.__repr__(number)).as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + int(exponent)  # where the decimal point stands, counted in digits
    digits = digits.rstrip("0")
    if 0 < point <= _MOST_WHOLE_DIGITS:
        whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
        return f"{whole}.{fraction}" if fraction else whole
    if -_MOST_LEADING_ZEROS <= point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits[0] + ("." + digits[1:] if digits[1:] else "")
    return f"{mantissa}e{point - 1:+d}"


def _unique(members: list[tuple[str, Value]]) -> dict[str, Value]:
    value = dict(members)
    if len(value) != len(members):
        raise CanonicalError("an object names a member twice")
    return value


def _integer(text: str) -> int | float:
    """An integer that is exact in every reader, or the float that is written just so."""
    if len(text) <= _LONGEST_INTEGER:
        number = int(text)
        if -MAX_INTEGER <= number <= MAX_INTEGER:
            return number
        if _ecmascript(float(text)) == text:
            return float(text)
    raise CanonicalError(_TOO_LARGE)


def _real(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise CanonicalError("a number is larger than JSON readers can hold")
    return number


def _no_number(name: str) -> NoReturn:
    raise CanonicalError(f"JSON has no {name}")


_READER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_real, parse_constant=_no_number
)
