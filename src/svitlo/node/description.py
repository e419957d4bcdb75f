"""What the cage said about one file, parsed as strictly as anything that a stranger sends.

The child that answers has read hostile bytes and may be theirs by now. So its JSON is bounded,
without doubles, floats and nulls, and every value must fit a statement; what does not is refused
whole.

A statement takes strings, booleans, integers within 2^53 - 1, arrays and objects (RFC 8785).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast, get_args

from svitlo.errors import InvalidInput

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value]"
"""What a statement can carry."""

Skipped: TypeAlias = Literal[
    "crashed", "time", "memory", "too_large", "unsupported", "encrypted", "bad_reply"
]
"""Why something, or all, was not read."""

VERDICTS = frozenset({"none", "unreadable", "invalid", "intact_untrusted", "trusted"})
"""What Content Credentials can be worth."""

FRAMES = frozenset({"preview", "report", "signed"})
_FIELDS, _TEXT_BYTES, _DEPTH, _VALUES = 2000, 4096, 8, 20_000
_NAME = re.compile(r"[a-z0-9_.]{1,100}")
_MIME = re.compile(r"[a-z]+/[a-zA-Z0-9.+_-]{1,100}")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}(?:\.[a-z0-9]{1,8})?")
_EXACT_INTEGER = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a file says of itself, and what was not read.

    `kind` has mime and extension; `fields` maps a name to `{"value", "raw", "tag"}`, of which the
    last two may be missing; `provenance` has a verdict, `fingerprint` a method, `ref` and quality,
    and either is empty where nothing was found out. All four fit a statement. `preview` is a JPEG
    of at most 512 px, `report` the raw JSON of the provenance tool, `signed` the raw signed part
    of a web archive, for who checks signatures; none of them is for a statement.
    `skipped` is None when everything was read that is read of this kind.
    """

    kind: dict[str, str]
    fields: dict[str, Value] = field(default_factory=dict)
    provenance: dict[str, Value] = field(default_factory=dict)
    fingerprint: dict[str, Value] = field(default_factory=dict)
    preview: bytes | None = None
    report: bytes | None = None
    signed: bytes | None = None
    skipped: Skipped | None = None
    tool: str = "svitlo.media"
    version: str = ""
    params: dict[str, Value] = field(default_factory=dict)


def parse_answer(text: bytes) -> dict[str, Value]:
    """The members of an answer of `svitlo.media`, checked.

    Raises:
        InvalidInput: It is not JSON, or a name, a value or their number is out of bounds.
    """
    answer = parse_object(text)
    allowed = {"kind", "fields", "provenance", "fingerprint", "has", "skipped", "frames"}
    names = ("fields", "provenance", "fingerprint")
    if not answer.keys() <= allowed or not {"kind", *names} <= answer.keys():
        raise InvalidInput("the caged reader answered with other members than agreed")
    parts = {name: answer[name] for name in names}
    if not all(isinstance(part, dict) and len(part) <= _FIELDS for part in parts.values()):
        raise InvalidInput("the caged reader answered with too many fields")
    _check_kind(answer["kind"])
    verdict = cast("dict[str, Value]", parts["provenance"]).get("verdict", "none")
    if verdict not in VERDICTS:
        raise InvalidInput("the caged reader gave a verdict that does not exist")
    has = answer.get("has", [])
    if not isinstance(has, list) or not {str(name) for name in has} <= FRAMES:
        raise InvalidInput("the caged reader named frames that do not exist")
    if answer.get("skipped", "crashed") not in get_args(Skipped):
        raise InvalidInput("the caged reader gave a reason that does not exist")
    return answer


def parse_frames(answer: dict[str, Value]) -> int:
    """How many frames an answer announces.

    Raises:
        InvalidInput: It announces none or too many.
    """
    count = answer.get("frames")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _FIELDS:
        raise InvalidInput("the caged program did not say how many frames follow")
    return count


def parse_object(text: bytes) -> dict[str, Value]:
    """A JSON object whose every value fits a statement.

    Raises:
        InvalidInput: It does not.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        raise InvalidInput("the caged program's answer is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidInput("the caged program's answer is not a JSON object")
    _check(value)
    return value


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _check(root: object) -> None:
    """Bound depth, number, names and text of all values below `root`."""
    waiting = [(root, 0)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > _DEPTH or count > _VALUES:
            raise InvalidInput("the caged program's answer is too deep or too long")
        if isinstance(value, dict):
            if not all(_NAME.fullmatch(name) for name in value):
                raise InvalidInput("the caged program's answer has a member with a wrong name")
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
        else:
            _check_plain(value)


def _check_plain(value: object) -> None:
    if isinstance(value, str):
        try:
            is_fit = len(value.encode()) <= _TEXT_BYTES
        except UnicodeEncodeError:
            is_fit = False
    else:
        is_fit = isinstance(value, int) and abs(value) <= _EXACT_INTEGER
    if not is_fit:
        raise InvalidInput("the caged program's answer has a value that fits no statement")


def _check_kind(kind: Value) -> None:
    is_fit = (
        isinstance(kind, dict)
        and kind.keys() == {"mime", "extension"}
        and _MIME.fullmatch(str(kind["mime"]))
        and _EXTENSION.fullmatch(str(kind["extension"]))
    )
    if not is_fit:
        raise InvalidInput("the caged reader gave a kind that is none")
