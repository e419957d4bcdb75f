"""Settings: what is unknown or does not fit is told, never guessed."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import SettingsError
from svitlo.node.settings import (
    AuthoritySetting,
    Settings,
    load_settings,
    parse_settings,
    write_settings,
)

NUMBERS = [item.name for item in fields(Settings) if type(item.default) in {int, float}]
TEXTS = [item.name for item in fields(Settings) if type(item.default) is str]


def test_without_a_node_there_are_defaults() -> None:
    assert load_settings(None, {}) == Settings()


def test_each_setting_says_what_it_is() -> None:
    for item in fields(Settings):
        assert item.metadata["help"], item.name


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    (tmp_path / "svitlo.toml").write_text('name = "A"\nfixity_days = 7\n')

    found = load_settings(tmp_path, {"SVITLO_FIXITY_DAYS": "9", "HOME": "/"})

    assert (found.name, found.fixity_days) == ("A", 9)


def test_the_variables_of_tests_and_of_the_node_are_no_settings() -> None:
    environ = {"SVITLO_NODE": "/n", "SVITLO_REQUIRE": "shared", "SVITLO_TEST_PG": "x"}

    assert load_settings(None, environ) == Settings()


def test_unknown_settings_are_named() -> None:
    with pytest.raises(SettingsError, match="unknown settings: colour, nmae"):
        parse_settings({"nmae": "A", "colour": "blue"})


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="unknown settings: fixity"):
        load_settings(None, {"SVITLO_FIXITY": "9"})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["", "soon", "-2", -1, True, [], {}, [1], "nan", "inf", "1,5"])
def test_a_number_is_a_number_that_is_not_negative(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=name):
        parse_settings({name: value})


def test_a_number_is_never_cut() -> None:
    with pytest.raises(SettingsError, match="quorum"):
        parse_settings({"quorum": 1.5})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [1, 1.5, True, [], {}])
def test_a_text_is_a_text(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"{name} should be str"):
        parse_settings({name: value})


AUTHORITY = {"name": "A", "url": "https://a.example", "roots": "a.pem"}


@pytest.mark.parametrize(
    "value",
    [
        "https://a.example",
        {},
        ["https://a.example"],
        [{}],
        [{**AUTHORITY, "extra": "x"}],
        [{**AUTHORITY, "url": 7}],
    ],
)
def test_an_authority_has_its_members_and_no_others(value: Any) -> None:
    with pytest.raises(SettingsError, match="authorities"):
        parse_settings({"authorities": value})


@pytest.mark.parametrize(
    "text", [b"name = ", b"\xff", b"name = 1979-05-27", b"name = 'a'\nname = 'b'"]
)
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "svitlo.toml").write_bytes(text)

    with pytest.raises(SettingsError):
        load_settings(tmp_path, {})


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    settings = Settings(
        name='Kontaktstelle "Süd" \\ Ж',
        fixity_days=3,
        stamp_timeout_s=0.5,
        authorities=(
            AuthoritySetting(**AUTHORITY),
            AuthoritySetting(**AUTHORITY, policy="1.2.3"),
        ),
    )

    write_settings(tmp_path, settings)

    assert load_settings(tmp_path, {}) == settings


@given(st.text(max_size=50))
def test_a_text_reads_back_the_same_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("settings")
    try:
        write_settings(folder, Settings(name=text))
    except SettingsError:
        return
    assert load_settings(folder, {}).name == text


def test_settings_that_cannot_be_written_leave_the_file_as_it_was(tmp_path: Path) -> None:
    write_settings(tmp_path, Settings(name="A"))

    with pytest.raises(SettingsError, match="control characters"):
        write_settings(tmp_path, Settings(name="two\nlines"))

    assert load_settings(tmp_path, {}).name == "A"
