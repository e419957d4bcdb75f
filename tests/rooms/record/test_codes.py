"""Code lists: each code has its words in four languages, and a code that is unknown is refused."""

import pytest

from svitlo.errors import InvalidInput
from svitlo.node.settings import Settings
from svitlo.record.codes import LANGUAGES, check_code, code_list

LISTS = ("purposes", "bases", "grounds")


@pytest.mark.parametrize("name", LISTS)
def test_each_code_has_words_in_every_language(name: str) -> None:
    for code, entry in code_list(name).items():
        assert entry.code == code
        assert set(entry.labels) == set(LANGUAGES), code
        assert all(label.strip() == label and label for label in entry.labels.values()), code


@pytest.mark.parametrize("name", LISTS)
def test_no_two_codes_share_their_words(name: str) -> None:
    for language in LANGUAGES:
        words = [entry.labels[language] for entry in code_list(name).values()]
        assert len(words) == len(set(words))


def test_a_law_is_cited_where_there_is_one() -> None:
    assert code_list("bases")["rome.54"].citation == "Rome Statute, Article 54"
    assert code_list("purposes")["other"].citation is None


def test_what_says_nothing_by_itself_needs_a_text() -> None:
    assert code_list("purposes")["other"].is_text_required
    assert code_list("bases")["national"].is_text_required
    assert not code_list("purposes")["preservation"].is_text_required


def test_the_defaults_of_a_node_are_codes_that_need_no_text() -> None:
    for name, code in (("purposes", Settings().purpose), ("bases", Settings().basis)):
        assert check_code(name, code) == code
        assert not code_list(name)[code].is_text_required


@pytest.mark.parametrize("code", ["", "Preservation", "preservation ", "x" * 1000])
def test_an_unknown_code_is_refused_and_the_known_ones_are_named(code: str) -> None:
    with pytest.raises(InvalidInput, match="known are: investigation, preservation") as caught:
        check_code("purposes", code)

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["", "colours", "../purposes", "__init__"])
def test_there_is_no_other_list(name: str) -> None:
    with pytest.raises(InvalidInput, match="no code list"):
        code_list(name)
