from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.media.claim import (
    BUDGET_BYTES,
    Claims,
    claim_name,
    clean,
    clean_text,
    decimal,
    reason,
    time_of,
)
from svitlo.node.description import parse_object


def test_a_claim_has_its_raw_text_only_where_that_differs() -> None:
    claims = Claims()
    claims.add("a", "x", raw="x", tag="T")
    claims.add("b", "x", raw="X")
    claims.add("c", "")
    claims.add("a", "later")
    assert claims.found == {"a": {"value": "x", "tag": "T"}, "b": {"value": "x", "raw": "X"}}


def test_claims_stop_at_the_size_of_a_statement_and_say_so() -> None:
    claims = Claims()
    for number in range(10_000):
        claims.add(f"n{number}", "y" * 500)
    assert len(json.dumps(claims.found)) <= BUDGET_BYTES + 100
    assert claims.found["claims.cut"] == {"value": True}


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.text(max_size=2000) | st.integers() | st.booleans(),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(max_size=5), inner, max_size=4)
            ),
            max_leaves=8,
        ),
        max_size=8,
    )
)
def test_any_value_becomes_one_that_fits_a_statement(values: dict[str, object]) -> None:
    claims = Claims()
    for name, value in values.items():
        claims.add(name, value)  # type: ignore[arg-type]  # hypothesis cannot name the recursive type
    parse_object(json.dumps(claims.found).encode())


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("2022:10:10 08:05:09", "", "2022-10-10T08:05:09"),
        ("2022-10-10T08:05:09Z", "", "2022-10-10T08:05:09Z"),
        ("2022-10-10T08:05:09.500000Z", "", "2022-10-10T08:05:09.5Z"),
        ("2022-10-10T08:05:09+0300", "", "2022-10-10T08:05:09+03:00"),
        ("2022:10:10 08:05:09", "+03:00", "2022-10-10T08:05:09+03:00"),
        ("2022:10:10 08:05:09", "nonsense", "2022-10-10T08:05:09"),
        ("2022:10:10 08:05:09", "+99:00", "2022-10-10T08:05:09"),
        ("0000:00:00 00:00:00", "", ""),
        ("2022:02:30 00:00:00", "", ""),
        ("yesterday", "", ""),
    ],
)
def test_times_are_read_without_guessing_a_zone(text: str, offset: str, expected: str) -> None:
    assert time_of(text, offset) == expected


def test_text_is_cut_and_cleaned() -> None:
    assert clean_text("a\0b\0\0") == "a\ufffdb"
    assert clean_text("a\udc80") == "a?"
    assert clean_text("x" * 20, 10) == "x" * 9 + "\u2026"
    assert clean(2**60) == str(2**60)
    assert claim_name("Exif.Photo:Ünit ") == "exif.photo_nit"
    assert claim_name("???") == "_"


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (1.5, 3, "1.5"),
        (2.0, 3, "2"),
        (0.0004, 3, "0"),
        (-0.0001, 2, "0"),
        (1e20, 1, "1" + "0" * 20),
    ],
)
def test_decimals_have_no_exponent_and_no_trailing_zeros(
    value: float, places: int, expected: str
) -> None:
    assert decimal(value, places) == expected


def test_a_reason_is_the_same_each_time() -> None:
    one, other = object(), object()
    assert reason(ValueError(f"bad {one}")) == reason(ValueError(f"bad {other}"))
