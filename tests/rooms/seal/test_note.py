"""Signed notes: published examples, what is ignored, what is refused."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import NoteError, SealError
from svitlo.seal import note, signature
from tests.fakes import spine

VECTORS = Path(__file__).parents[2] / "vectors" / "note"
TEXT = b"text\n"
ALICE = signature.SigningKey(name="alice.example", kind=1, seed=bytes(32))
BOHDAN = signature.SigningKey(name="bohdan.example", kind=1, seed=bytes([1] * 32))

names = st.text(
    st.characters(codec="utf-8", min_codepoint=0x21, exclude_categories=["Z", "C"]), min_size=1
).filter(note.is_key_name)
lines = st.builds(
    note.NoteSignature,
    names,
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=1, max_size=80),
)
texts = st.text(st.characters(codec="utf-8", min_codepoint=0x20) | st.just("\n"), max_size=60)
notes = st.builds(
    lambda text, found: note.Note(text.encode() + b"\n", tuple(found)),
    texts,
    st.lists(lines, min_size=1, max_size=4),
)


def signed(*keys: signature.SigningKey, text: bytes = TEXT) -> note.Note:
    return note.Note(text, tuple(signature.sign_text(key, text) for key in keys))


def verifiers(*keys: signature.SigningKey) -> list[note.Verifier]:
    return [signature.verifier(key.verifier_line) for key in keys]


def corrupt(line: note.NoteSignature) -> note.NoteSignature:
    return replace(line, signature=bytes([line.signature[0] ^ 1]) + line.signature[1:])


@pytest.mark.parametrize("name", ["example", "sumdb"])
def test_published_notes_verify(name: str) -> None:
    data = (VECTORS / f"{name}.note").read_bytes()
    key = note.parse_vkey((VECTORS / f"{name}.vkey").read_text().strip())

    read, good = note.open_note(data, [signature.verifier(key)])

    assert [verifier.name for verifier in good] == [key.name]
    assert note.format_note(read) == data
    assert note.parse_vkey(note.format_vkey(key)) == key


def test_the_known_note_verifies_under_both_known_keys() -> None:
    keys = [
        signature.verifier(note.parse_vkey(line)) for line in (spine.LOG_VKEY, spine.WITNESS_VKEY)
    ]

    read, good = note.open_note(spine.NOTE, keys)

    assert good == tuple(keys)
    assert [line.time for line in note.verify_lines(read, keys)] == [None, 1669713600]


def test_the_last_empty_line_separates_text_from_signatures() -> None:
    data = note.format_note(signed(ALICE, text=b"a\n\n\xe2\x80\x94 b c\n\n\n"))

    assert note.open_note(data, verifiers(ALICE))[0].text == b"a\n\n\xe2\x80\x94 b c\n\n\n"


def test_unknown_keys_are_ignored_even_if_they_share_a_name_or_an_id() -> None:
    good = signed(ALICE)
    (line,) = good.signatures
    strange = (
        replace(line, name="mallory.example"),
        replace(line, key_id=b"none"),
        note.NoteSignature("x", b"abcd", b"e"),
    )

    read, keys = note.open_note(
        note.format_note(replace(good, signatures=(*strange, line))), verifiers(ALICE, BOHDAN)
    )

    assert len(read.signatures) == 4
    assert [key.name for key in keys] == ["alice.example"]


def test_one_bad_line_of_a_known_key_spoils_the_note() -> None:
    good = signed(ALICE, BOHDAN)
    alice, bohdan = good.signatures

    for wrong in (
        (alice, corrupt(bohdan)),
        (corrupt(alice), bohdan),
        (alice, bohdan, corrupt(alice)),
    ):
        with pytest.raises(NoteError):
            note.open_note(
                note.format_note(replace(good, signatures=wrong)), verifiers(ALICE, BOHDAN)
            )


def test_a_note_without_a_good_signature_is_refused() -> None:
    with pytest.raises(NoteError):
        note.open_note(note.format_note(signed(ALICE)), verifiers(BOHDAN))
    with pytest.raises(NoteError):
        note.open_note(note.format_note(signed(ALICE)), [])


def test_a_signature_of_another_length_is_refused() -> None:
    good = signed(ALICE)
    longer = replace(good.signatures[0], signature=good.signatures[0].signature + b"\0")

    with pytest.raises(NoteError):
        note.open_note(note.format_note(replace(good, signatures=(longer,))), verifiers(ALICE))


def test_keys_that_share_name_and_id_must_all_have_signed() -> None:
    (alice,) = verifiers(ALICE)
    twin = replace(alice, verify=lambda _message, _signature: False)

    with pytest.raises(NoteError):
        note.open_note(note.format_note(signed(ALICE)), [alice, twin])


def test_two_keys_of_one_name_rotate() -> None:
    old, new = (
        signature.SigningKey(name="ee.example/spine/1", kind=1, seed=bytes([n] * 32))
        for n in (1, 2)
    )
    both = note.format_note(signed(old, new))

    assert len(note.open_note(both, verifiers(old))[1]) == 1
    assert len(note.open_note(both, verifiers(new))[1]) == 1
    assert len(note.open_note(both, verifiers(old, new))[1]) == 2


def test_sixty_four_lines_are_read_and_no_more() -> None:
    good = signed(*[ALICE] * 64)

    assert len(note.parse_note(note.format_note(good)).signatures) == 64
    with pytest.raises(NoteError):
        note.format_note(signed(*[ALICE] * 65))


def test_sixty_four_ml_dsa_lines_fit_into_a_note_and_256_kib_is_the_end() -> None:
    line = note.NoteSignature("n" * 20, b"abcd", bytes(8 + 2420))

    data = note.format_note(note.Note(TEXT, (line,) * 64))

    assert len(note.parse_note(data).signatures) == 64
    room = note.MAX_NOTE_BYTES - len(data)
    note.parse_note(b"x" * room + data)
    with pytest.raises(NoteError):
        note.parse_note(b"x" * (room + 1) + data)


SIGNATURE_LINE = "— alice.example " + base64.b64encode(b"abcdefgh").decode() + "\n"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n" + SIGNATURE_LINE,
        "text" + SIGNATURE_LINE,
        "text\n\n" + SIGNATURE_LINE[:-1],
        "text\n\n" + SIGNATURE_LINE + "\n",
        "text\n\n" + SIGNATURE_LINE + "malformed\n",
        "text\n\nmalformed\n" + SIGNATURE_LINE,
        "text\n\n" + SIGNATURE_LINE.replace("—", "-"),
        "text\n\n" + SIGNATURE_LINE.replace("— ", "—"),
        "text\n\n" + SIGNATURE_LINE.replace("— ", "—  "),
        "text\n\n" + SIGNATURE_LINE.replace("alice.example", ""),
        "text\n\n" + SIGNATURE_LINE.replace("alice", "al+ice"),
        "text\n\n" + SIGNATURE_LINE.replace("alice", "al\u00a0ice"),
        "text\n\n" + SIGNATURE_LINE.replace("alice", "al\u2028ice"),
        "text\n\n" + SIGNATURE_LINE.replace("alice", "al\u0085ice"),
        "text\n\n" + SIGNATURE_LINE.replace("=", ""),
        "text\n\n" + SIGNATURE_LINE.replace("Z2g=", "Z2h="),
        "text\n\n" + SIGNATURE_LINE.replace("Y", " Y"),
        "text\n\n" + SIGNATURE_LINE.replace("\n", " x\n"),
        "text\n\n— alice.example YWJjZA==\n",
        "text\n\n— alice.example\n",
        "text\n\n" + SIGNATURE_LINE.replace("\n", "\r\n"),
        "te\0xt\n\n" + SIGNATURE_LINE,
        "te\txt\n\n" + SIGNATURE_LINE,
        "te\x1bxt\n\n" + SIGNATURE_LINE,
        "text\n\n" + SIGNATURE_LINE.replace("\n", "\u2028"),
        "text\n\n" + SIGNATURE_LINE.replace("\n", "\x0b"),
    ],
)
def test_malformed_notes_are_refused(data: str) -> None:
    with pytest.raises(NoteError):
        note.parse_note(data.encode())


@pytest.mark.parametrize("data", [b"te\xffxt\n\n", b"te\xed\xa0\x80xt\n\n"])
def test_a_note_is_utf_8(data: bytes) -> None:
    with pytest.raises(NoteError):
        note.parse_note(data + SIGNATURE_LINE.encode())


@pytest.mark.parametrize(
    "value",
    [
        note.Note(b"no line end", (note.NoteSignature("a", b"abcd", b"e"),)),
        note.Note(b"", (note.NoteSignature("a", b"abcd", b"e"),)),
        note.Note(TEXT, ()),
        note.Note(TEXT, (note.NoteSignature("a b", b"abcd", b"e"),)),
        note.Note(TEXT, (note.NoteSignature("\ud800", b"abcd", b"e"),)),
        note.Note(TEXT, (note.NoteSignature("a", b"abc", b"ef"),)),
        note.Note(TEXT, (note.NoteSignature("a", b"abcd", b""),)),
        note.Note(b"\xff\n", (note.NoteSignature("a", b"abcd", b"e"),)),
    ],
)
def test_what_has_no_form_is_not_written(value: note.Note) -> None:
    with pytest.raises(NoteError):
        note.format_note(value)


@given(notes)
def test_what_is_written_is_read_back(value: note.Note) -> None:
    assert note.parse_note(note.format_note(value)) == value


@given(st.binary(max_size=99) | st.text("—a+= \nYWJj\r", max_size=60).map(str.encode))
def test_no_bytes_make_the_reader_fail_otherwise(data: bytes) -> None:
    try:
        read = note.parse_note(data)
    except SealError:
        return

    assert note.format_note(read) == data


@given(st.integers(0, len(spine.NOTE) - 1), st.integers(1, 255))
def test_a_note_with_any_byte_changed_is_refused_or_says_the_same(at: int, change: int) -> None:
    changed = spine.NOTE[:at] + bytes([spine.NOTE[at] ^ change]) + spine.NOTE[at + 1 :]

    try:
        read, _ = note.open_note(changed, [signature.verifier(note.parse_vkey(spine.LOG_VKEY))])
    except SealError:
        return

    assert read.text == note.parse_note(spine.NOTE).text
