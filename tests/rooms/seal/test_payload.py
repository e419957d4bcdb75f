"""Bodies read at any place, and every fault found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal import payload
from svitlo.seal.payload import CHUNK_BYTES, SEALED_CHUNK_BYTES, BodyReader
from svitlo.seal.stream import seal_body
from tests.fakes.streams import counted, pread

KEY, NONCE = counted(16), counted(32)
EDGES = (0, 1, 65535, 65536, 65537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 * CHUNK_BYTES)
PLAINTEXT = bytes(i * i % 251 for i in range(3 * CHUNK_BYTES + 1000))
BODY = seal_body(PLAINTEXT, file_key=KEY, nonce=NONCE)


def reader(body: bytes) -> BodyReader:
    return BodyReader(KEY, pread(body), len(body))


def chunk(number: int) -> slice:
    start = 16 + number * SEALED_CHUNK_BYTES
    return slice(start, start + SEALED_CHUNK_BYTES)


@pytest.mark.parametrize("size", EDGES)
def test_sizes_are_known_from_sizes(size: int) -> None:
    body = seal_body(counted(0, size), file_key=KEY, nonce=NONCE)

    assert len(body) == payload.body_size(size)
    assert payload.plaintext_size(len(body)) == size == reader(body).size


@given(size=st.integers(-100, 1 << 40))
def test_a_size_fits_a_body_or_is_refused(size: int) -> None:
    try:
        plaintext = payload.plaintext_size(size)
    except AgeError:
        return

    assert payload.body_size(plaintext) == size


@pytest.mark.parametrize("size", [*range(32), 16 + SEALED_CHUNK_BYTES + 1, 32 + SEALED_CHUNK_BYTES])
def test_sizes_that_no_body_has_are_refused(size: int) -> None:
    with pytest.raises(AgeError):
        payload.plaintext_size(size)


@given(offset=st.integers(0, len(PLAINTEXT) + 10), length=st.integers(0, len(PLAINTEXT) + 10))
def test_any_range_is_that_of_the_plaintext(offset: int, length: int) -> None:
    assert reader(BODY).read(offset, length) == PLAINTEXT[offset : offset + length]


def test_long_ranges_are_read_in_parts() -> None:
    plaintext = PLAINTEXT * 12
    body = seal_body(plaintext, file_key=KEY, nonce=NONCE)
    asked: list[int] = []

    def watched(offset: int, length: int) -> bytes:
        asked.append(length)
        return body[offset : offset + length]

    found = BodyReader(KEY, watched, len(body)).read(70_000, 2_000_000)

    assert found == plaintext[70_000:2_070_000]
    assert max(asked) == 16 * SEALED_CHUNK_BYTES


def test_small_reads_open_a_chunk_once() -> None:
    asked: list[int] = []

    def watched(offset: int, length: int) -> bytes:
        asked.append(offset)
        return BODY[offset : offset + length]

    opened = BodyReader(KEY, watched, len(BODY))
    asked.clear()
    for offset in range(CHUNK_BYTES, 2 * CHUNK_BYTES, 4096):
        opened.read(offset, 4096)

    assert asked == [chunk(1).start]


def test_whole_reads_give_all_bytes_in_order() -> None:
    plaintext = PLAINTEXT * 6
    body = seal_body(plaintext, file_key=KEY, nonce=NONCE)
    copied = bytearray()

    size = reader(body).copy_to(copied.extend)

    assert copied == plaintext == b"".join(reader(body).chunks())
    assert size == len(plaintext)


def test_an_empty_body_reads_as_nothing() -> None:
    opened = reader(seal_body(b"", file_key=KEY, nonce=NONCE))

    assert (opened.read(0, 10), list(opened.chunks())) == (b"", [b""])


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("cut at a chunk", BODY[: chunk(2).stop]),
        ("cut in a chunk", BODY[:-1]),
        ("extended", BODY + b"\0"),
        ("extended by a chunk", BODY + BODY[chunk(0)]),
        ("a changed last byte", BODY[:-1] + bytes([BODY[-1] ^ 1])),
        ("another nonce", b"\0" + BODY[1:]),
        ("only the nonce", BODY[:16]),
        ("nothing", b""),
    ],
)
def test_a_body_with_a_wrong_end_does_not_open(what: str, body: bytes) -> None:
    with pytest.raises(AgeError):
        reader(body)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("swapped", BODY[:16] + BODY[chunk(1)] + BODY[chunk(0)] + BODY[chunk(2).start :]),
        ("repeated", BODY[: chunk(1).start] + BODY[chunk(0)] + BODY[chunk(2).start :]),
        ("changed", BODY[: chunk(1).start] + b"\xff" + BODY[chunk(1).start + 1 :]),
        ("left out", BODY[: chunk(1).start] + BODY[chunk(2).start :]),
    ],
)
def test_chunks_out_of_place_do_not_open(what: str, body: bytes) -> None:
    with pytest.raises(AgeError):
        payload.open_body(KEY, body)


@given(drawn=st.data())
def test_any_flipped_bit_is_found_where_it_lies(drawn: st.DataObject) -> None:
    at = drawn.draw(st.integers(0, len(BODY) - 1))
    body = BODY[:at] + bytes([BODY[at] ^ 1 << drawn.draw(st.integers(0, 7))]) + BODY[at + 1 :]

    with pytest.raises(AgeError):
        payload.open_body(KEY, body)


def test_a_sound_chunk_of_a_damaged_body_is_still_read() -> None:
    opened = reader(BODY[: chunk(1).start] + b"\xff" + BODY[chunk(1).start + 1 :])

    assert opened.read(0, 100) == PLAINTEXT[:100]
    with pytest.raises(AgeError, match="chunk 1 of 4"):
        opened.read(CHUNK_BYTES - 1, 2)


def test_a_store_that_gives_too_little_is_found() -> None:
    with pytest.raises(AgeError, match="were expected"):
        BodyReader(KEY, lambda offset, length: BODY[offset : offset + length - 1], len(BODY))


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1)])
def test_negative_ranges_are_refused(offset: int, length: int) -> None:
    with pytest.raises(AgeError, match="range"):
        reader(BODY).read(offset, length)


@given(body=st.binary(max_size=200), key=st.binary(max_size=20))
def test_only_age_errors_escape(body: bytes, key: bytes) -> None:
    with pytest.raises(AgeError):
        payload.open_body(key, body)


@pytest.mark.parametrize("cut", [0, 1, 100, SEALED_CHUNK_BYTES])
def test_the_whole_chunks_of_a_broken_off_body_are_read(cut: int) -> None:
    staged = BODY[: chunk(2).stop - cut]
    whole = (len(staged) - 16) // SEALED_CHUNK_BYTES

    found = b"".join(payload.read_unfinished(KEY, pread(staged), len(staged)))

    assert found == PLAINTEXT[: whole * CHUNK_BYTES]


def test_a_changed_chunk_of_a_broken_off_body_is_found() -> None:
    staged = BODY[:100] + b"\xff" + BODY[101 : chunk(1).stop]

    with pytest.raises(AgeError, match="chunk 0"):
        list(payload.read_unfinished(KEY, pread(staged), len(staged)))
