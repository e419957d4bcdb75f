"""The fixed words of a dossier's pages in four languages, and the sentences made of them.

The words lie in `templates/words.<language>.json`, the same keys and places in each; names of
purposes and legal bases come from the code lists of the record. What the record itself says stands
in the language it was said in. Nothing that is verified depends on any of this.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from svitlo.errors import InvalidInput
from svitlo.record.codes import code_list

LANGUAGES = ("en", "uk", "de", "fr")
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence before it is in a language: its key, and text from outside by place."""

    key: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words in one language; `texts` are those by key, with places for `str.format`."""

    language: str
    texts: Mapping[str, str]

    def text(self, key: str, /, **values: object) -> str:
        """The words of this key with the values in their places."""
        return self.texts[key].format_map(values)

    def said(self, phrase: Phrase) -> str:
        """The sentence as text."""
        return self.text(phrase.key, **phrase.values)

    def label(self, kind: str, code: str) -> str:
        """The name of an event or a result; where there is none, the code itself."""
        return self.texts.get(f"{kind}.{code}", code)

    def named(self, code_list_name: str, code: str) -> tuple[str, str]:
        """The label of a code of the record in this language, and the law that it cites."""
        entry = code_list(code_list_name).get(code)
        if entry is None:
            return code, ""
        return entry.labels.get(self.language, code), entry.citation or ""


@cache
def words_of(language: str) -> Words:
    """The fixed words in this language.

    Raises:
        InvalidInput: there are none in it.
    """
    if language not in LANGUAGES:
        raise InvalidInput(f"no words in {language[:20]!a}; there are: {', '.join(LANGUAGES)}")
    place = resources.files("svitlo.dossier").joinpath(f"templates/words.{language}.json")
    return Words(language, json.loads(place.read_text(encoding="utf-8")))


def clock(time: str) -> str:
    """A time of the record, readable, with its zone; anything else as it is."""
    return _CLOCK.sub(r"\1 \2 UTC", time)


def one_line(text: str) -> str:
    """The text on one line: control characters are shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
