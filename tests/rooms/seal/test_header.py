"""Headers written and read, and every departure from the one form refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal import header
from svitlo.seal.header import Stanza
from tests.fakes.streams import counted

KEY = counted(16)
WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
KIND = WORD.filter(lambda word: word != "scrypt")
STANZAS = st.lists(
    st.builds(Stanza, KIND, st.lists(WORD, max_size=4).map(tuple), st.binary(max_size=200)),
    min_size=1,
    max_size=5,
)
WHOLE = header.format_header([Stanza("X25519", ("YWJj",), counted(0, 96))], KEY)


@given(stanzas=STANZAS, body=st.binary(max_size=100))
def test_what_was_written_is_read(stanzas: list[Stanza], body: bytes) -> None:
    written = header.format_header(stanzas, KEY)

    parsed = header.parse_header(written)

    assert parsed.stanzas == tuple(stanzas)
    parsed.check(KEY)
    assert header.split_file(written + body) == (written, body)


def test_a_full_last_line_is_followed_by_an_empty_one() -> None:
    lines = WHOLE.split(b"\n")

    assert [len(line) for line in lines[2:5]] == [64, 64, 0]


def test_another_file_key_does_not_pass_the_mac() -> None:
    with pytest.raises(AgeError, match="MAC"):
        header.parse_header(WHOLE).check(counted(17))


@given(at=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_a_changed_header_is_refused_or_fails_the_mac(at: int, value: int) -> None:
    changed = WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :]

    if changed == WHOLE:
        return
    with pytest.raises(AgeError):
        header.parse_header(changed).check(KEY)


@given(size=st.integers(0, len(WHOLE) - 1))
def test_a_cut_header_is_refused(size: int) -> None:
    with pytest.raises(AgeError):
        header.parse_header(WHOLE[:size])


def test_something_after_a_header_is_refused() -> None:
    with pytest.raises(AgeError, match="bytes was expected"):
        header.parse_header(WHOLE + b"x")


def test_a_passphrase_stands_alone() -> None:
    both = header.format_header([Stanza("scrypt", (), b""), Stanza("X25519", (), b"")], KEY)

    with pytest.raises(AgeError, match="only recipient"):
        header.parse_header(both)


def test_a_header_without_end_is_given_up() -> None:
    endless = header.VERSION_LINE + b"-> a\n\n" * 200_000

    with pytest.raises(AgeError, match="1 MiB"):
        header.split_file(endless)


@pytest.mark.parametrize("text", ["YQ==", "YR", "Y", "Y Q", "YQ\n", "Y-8", "ключ"])
def test_base64_has_one_form(text: str) -> None:
    with pytest.raises(AgeError):
        header.decode_base64(text)


@given(content=st.one_of(st.binary(), st.binary().map(lambda tail: header.VERSION_LINE + tail)))
def test_only_age_errors_escape(content: bytes) -> None:
    with suppress(AgeError):
        header.split_file(content)
