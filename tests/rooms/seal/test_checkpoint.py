"""Checkpoints: the known one, every spelling that is refused, and their laws."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import CheckpointError, NoteError, SealError
from svitlo.seal import checkpoint
from tests.fakes import spine

ROOT = "X8P5MgXim4S9C1CXRH3ZUBWJr2+DrK0cDqNLNxdrz14="
TEXT = f"ee.example/spine/1\n64\n{ROOT}\n".encode()

origins = st.text(st.characters(codec="utf-8", min_codepoint=0x20), min_size=1, max_size=40)
checkpoints = st.builds(
    checkpoint.Checkpoint,
    origins,
    st.integers(0, checkpoint.MAX_NUMBER),
    st.binary(min_size=32, max_size=32),
)


def test_the_known_checkpoint_is_read_and_written() -> None:
    read = checkpoint.parse_checkpoint(TEXT)

    assert (read.origin, read.size, read.root.hex()) == (spine.ORIGIN, 64, spine.ROOTS[64])
    assert checkpoint.format_checkpoint(read) == TEXT


def test_an_origin_may_hold_blanks() -> None:
    assert checkpoint.parse_checkpoint(f"go.sum database tree\n1\n{ROOT}\n".encode()).size == 1


@pytest.mark.parametrize(
    "size",
    ["+5", " 5", "5 ", "1_0", "٣", "05", "-1", "0x5", "5.0", "1e3", "", "00", "²", str(2**63)],
)
def test_a_size_is_a_plain_decimal(size: str) -> None:
    with pytest.raises(CheckpointError):
        checkpoint.parse_checkpoint(f"a\n{size}\n{ROOT}\n".encode())
    with pytest.raises(NoteError):
        checkpoint.parse_decimal(size, NoteError)


@pytest.mark.parametrize(
    "root",
    [
        ROOT[:-1],
        ROOT + "=",
        ROOT + " ",
        " " + ROOT,
        ROOT[:-2] + "5=",  # bits beyond the 32 bytes
        ROOT.replace("+", "-"),
        ROOT[:4] + "!" + ROOT[4:],
        ROOT[:20] + "\u2028" + ROOT[20:],
        base64.b64encode(bytes(31)).decode(),
        base64.b64encode(bytes(33)).decode(),
        "",
    ],
)
def test_a_root_is_canonical_base64_of_32_bytes(root: str) -> None:
    with pytest.raises(CheckpointError):
        checkpoint.parse_checkpoint(f"a\n1\n{root}\n".encode())


@pytest.mark.parametrize(
    "text", ["QUJDRB==", "QUJDRB", "QUJD\nRA==", "QUJD=RA=", "=", "Ж", "QUJDRA"]
)
def test_base64_has_one_form(text: str) -> None:
    with pytest.raises(NoteError):
        checkpoint.decode_base64(text, NoteError)
    assert checkpoint.decode_base64("QUJDRA==", NoteError) == b"ABCD"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        TEXT[:-1],
        TEXT + b"extension\n",
        TEXT + b"\n",
        b"\n" + TEXT,
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"\n", "\u2028".encode()),
        TEXT.replace(b"\n", b"\x0b"),
        b"\n64\n" + ROOT.encode() + b"\n",
        b"a\tb\n64\n" + ROOT.encode() + b"\n",
        b"\xff\n64\n" + ROOT.encode() + b"\n",
        b"a\n64\n" + ROOT.encode() + b"\n\n",
    ],
)
def test_a_checkpoint_is_three_lines_and_has_no_extensions(text: bytes) -> None:
    with pytest.raises(CheckpointError):
        checkpoint.parse_checkpoint(text)


@pytest.mark.parametrize(
    "value",
    [
        checkpoint.Checkpoint("a\nb", 1, bytes(32)),
        checkpoint.Checkpoint("", 1, bytes(32)),
        checkpoint.Checkpoint("\ud800", 1, bytes(32)),
        checkpoint.Checkpoint("a", -1, bytes(32)),
        checkpoint.Checkpoint("a", 2**63, bytes(32)),
        checkpoint.Checkpoint("a", 1, bytes(31)),
    ],
)
def test_what_has_no_form_is_not_written(value: checkpoint.Checkpoint) -> None:
    with pytest.raises(CheckpointError):
        checkpoint.format_checkpoint(value)


@given(checkpoints)
def test_what_is_written_is_read_back(value: checkpoint.Checkpoint) -> None:
    assert checkpoint.parse_checkpoint(checkpoint.format_checkpoint(value)) == value


@given(st.binary(max_size=99) | st.text("a0\n=+/ 64", max_size=60).map(str.encode))
def test_no_bytes_make_the_reader_fail_otherwise(text: bytes) -> None:
    try:
        read = checkpoint.parse_checkpoint(text)
    except SealError:
        return

    assert checkpoint.format_checkpoint(read) == text


@given(checkpoints, st.integers(0), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_is_another_checkpoint(
    value: checkpoint.Checkpoint, at: int, change: int
) -> None:
    good = bytearray(checkpoint.format_checkpoint(value))
    good[at % len(good)] ^= change

    try:
        read = checkpoint.parse_checkpoint(bytes(good))
    except SealError:
        return

    assert read != value
    assert checkpoint.format_checkpoint(read) == bytes(good)
