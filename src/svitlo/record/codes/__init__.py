"""Code lists: purposes and legal bases, as versioned data in four languages.

A code never changes its meaning; a new meaning is a new code. Each entry has labels (en, de, uk,
fr), a citation where there is a law, and says whether a free text must come with it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from svitlo.errors import InvalidInput

LANGUAGES = ("en", "de", "uk", "fr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One entry of a code list."""

    code: str
    labels: Mapping[str, str]
    citation: str | None
    is_text_required: bool


@cache
def code_list(name: str) -> Mapping[str, Code]:
    """The entries of a list (`purposes`, `bases`) by code, in the order of the file.

    Raises:
        InvalidInput: there is no list of that name.
    """
    source = resources.files(__package__).joinpath(f"{name}.json")
    if not source.is_file():
        raise InvalidInput(f"there is no code list {name!r}")
    entries = json.loads(source.read_text(encoding="utf-8"))["codes"]
    return {
        entry["code"]: Code(
            code=entry["code"],
            labels=entry["labels"],
            citation=entry.get("citation"),
            is_text_required=entry.get("text", False),
        )
        for entry in entries
    }


def check_code(name: str, code: str) -> str:
    """The code itself, when the list has it.

    Raises:
        InvalidInput: it has not; the message names those it has.
    """
    known = code_list(name)
    if code not in known:
        raise InvalidInput(f"unknown code {code[:60]!r} in {name}; known are: {', '.join(known)}")
    return code
