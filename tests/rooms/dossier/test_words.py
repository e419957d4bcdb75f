"""The fixed words of a dossier: whole in four languages."""

from __future__ import annotations

import string

import pytest

from svitlo.dossier.words import LANGUAGES, Phrase, clock, words_of
from svitlo.errors import InvalidInput
from svitlo.record import codes
from svitlo.record.custody import Event

OTHERS = [language for language in LANGUAGES if language != "en"]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_languages_are_those_of_the_code_lists() -> None:
    assert set(LANGUAGES) == set(codes.LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_is_there_with_the_same_places(language: str) -> None:
    english, other = words_of("en").texts, words_of(language).texts

    assert list(other) == list(english)
    for key, text in other.items():
        assert text.strip() == text != ""
        assert places(text) == places(english[key]), key
        assert not set("<>&\n\\") & set(text), key


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_left_in_english(language: str) -> None:
    english, other = words_of("en").texts, words_of(language).texts

    same = [key for key, text in other.items() if text == english[key] and " " in text]

    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_a_name(language: str) -> None:
    words = words_of(language)

    assert all(f"event.{event.value}" in words.texts for event in Event)
    assert words.label("event", "seal") != "seal"
    assert words.label("event", "not in the list") == "not in the list"


def test_codes_have_the_labels_of_the_record() -> None:
    words = words_of("uk")

    assert words.named("purposes", "preservation") == ("Збереження доказів", "")
    assert words.named("bases", "eio")[1] == "Directive 2014/41/EU"
    assert words.named("bases", "unheard") == ("unheard", "")


def test_text_from_outside_is_not_a_place() -> None:
    said = words_of("en").said(Phrase("mark.logged", {"node": "{at} {0} {}"}))

    assert said == "Logged and signed by {at} {0} {}"


def test_times_show_their_zone() -> None:
    assert clock("2022-11-29T09:15:00Z") == "2022-11-29 09:15:00 UTC"
    assert clock("unknown") == "unknown"


def test_a_language_without_words_is_refused() -> None:
    with pytest.raises(InvalidInput, match="en, uk, de, fr"):
        words_of("../en")
