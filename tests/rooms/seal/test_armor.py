"""Armor written and read."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal import armor
from tests.fakes.streams import counted


@given(content=st.binary(max_size=300))
def test_what_was_written_is_read(content: bytes) -> None:
    text = armor.format_armor(content)

    assert armor.parse_armor(text) == content
    assert armor.parse_armor(b" \r\n" + text.replace(b"\n", b"\r\n") + b"\n\t") == content
    assert armor.is_armored(b"\n" + text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"BEGIN AGE", b"BEGIN PGP"),
        (b"END", b"end"),
        (b"\n", b"\n\n"),
        (b"AAEC", b"AA=="),
        (b"AAEC", b"A*EC"),
        (b"AAEC", b"AAECAAEC"),
        (b"=", b""),
        (b"MDE=", b"MDF="),
    ],
)
def test_every_other_form_is_refused(old: bytes, new: bytes) -> None:
    text = armor.format_armor(counted(0, 50))
    assert old in text

    with pytest.raises(AgeError):
        armor.parse_armor(text.replace(old, new))


@given(content=st.binary(max_size=300))
def test_only_age_errors_escape(content: bytes) -> None:
    assert not armor.is_armored(content)
    with suppress(AgeError):
        armor.parse_armor(armor.BEGIN + b"\n" + content + b"\n" + armor.END)
