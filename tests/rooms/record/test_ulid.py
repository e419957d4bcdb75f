"""Identifiers sort in the order in which they were made, and none is made twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import InvalidInput
from svitlo.record.ulid import ALPHABET, Ulids, check_identifier, encode_ulid


def ulids(*moments: int, random: bytes = bytes(10)) -> Ulids:
    times = iter(moments)
    return Ulids(lambda: next(times), lambda count: random[:count])


def test_the_time_stands_first() -> None:
    made = ulids(1469918176385).next()

    assert (
        made[:10] == "01aryz6s41"
    )  # the time of the example in the ULID specification, 1469918176385 ms, lower-case
    assert made[10:] == "0" * 16


def test_within_one_millisecond_the_random_part_counts_up() -> None:
    source = ulids(5, 5, 5, random=b"\xff" * 9 + b"\xfe")

    first, second, third = (source.next() for _ in range(3))

    assert first < second < third
    assert second == encode_ulid((5 << 80) + (1 << 80) - 1)
    assert third == encode_ulid(6 << 80)


def test_a_clock_that_goes_back_changes_nothing_in_the_order() -> None:
    source = ulids(1000, 10, 999, 1001)

    made = [source.next() for _ in range(4)]

    assert made == sorted(made)
    assert len(set(made)) == 4


@given(st.integers(0, (1 << 128) - 1))
def test_any_number_has_its_own_text(value: int) -> None:
    text = encode_ulid(value)

    assert len(text) == 26
    back = 0
    for letter in text:
        back = back << 5 | ALPHABET.index(letter)
    assert back == value
    assert check_identifier(text) == text


@given(st.lists(st.integers(0, (1 << 48) - 1), min_size=1, max_size=50))
def test_none_is_made_twice_whatever_the_clock_does(moments: list[int]) -> None:
    source = ulids(*moments)

    made = [source.next() for _ in moments]

    assert made == sorted(set(made))


GOOD = "01gk1ap2h0000g40r40m30e209"


@pytest.mark.parametrize("prefix", ["", "x-", "i-", "p-", "h-", "d-"])
def test_known_prefixes_are_taken(prefix: str) -> None:
    assert check_identifier(prefix + GOOD) == prefix + GOOD
    assert check_identifier(prefix + GOOD, prefix) == prefix + GOOD


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.upper(),
        GOOD[:-1],
        f"{GOOD}0",
        f"z-{GOOD}",
        f"8{GOOD[1:]}",
        f"{GOOD[:-1]}i",
        f"{GOOD[:-1]}l",
        f"{GOOD[:-1]}o",
        f"{GOOD[:-1]}u",
        f" {GOOD}",
        f"{GOOD}\n",
        f"x-x-{GOOD}",
        "../../etc/passwd",
        "\u0660" * 26,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected an identifier like"):
        check_identifier(text)


def test_another_prefix_is_refused() -> None:
    with pytest.raises(InvalidInput, match="like x-"):
        check_identifier(f"i-{GOOD}", "x-")
