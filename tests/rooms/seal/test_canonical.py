"""Canonical JSON: the published files and numbers, what is refused, and its laws."""

from __future__ import annotations

import enum
import hashlib
import json
import math
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from svitlo.errors import CanonicalError, SealError
from svitlo.seal import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = Path(__file__).parents[2] / "vectors" / "jcs" / "numbers.txt"
FILES = ["arrays", "french", "structures", "unicode", "values", "weird"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)


def reference(value: Any) -> str:
    """RFC 8785 written down a second time, without speed; floats as the module writes them."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: struct.unpack(f">{len(u16(name)) // 2}H", u16(name)))
        return "{" + ",".join(f"{reference(n)}:{reference(value[n])}" for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(reference, value)) + "]"
    if isinstance(value, float):
        return canonical.dumps(value).decode()
    return json.dumps(value, ensure_ascii=False)


def u16(text: str) -> bytes:
    return text.encode("utf-16-be")


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_the_published_files_match_byte_for_byte(shared: Path, name: str) -> None:
    folder = shared / "rfc8785-jcs" / "testdata"
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())

    written = canonical.dumps(canonical.loads((folder / "input" / f"{name}.json").read_bytes()))

    assert written == expected
    assert canonical.dumps(canonical.loads_canonical(written)) == written


@pytest.mark.parametrize("line", NUMBERS.read_text().splitlines())
def test_the_numbers_of_the_rfc_are_written_as_it_says(line: str) -> None:
    bits, expected = line.split()
    (number,) = struct.unpack(">d", bytes.fromhex(bits))

    assert canonical.dumps(number).decode() == expected


@pytest.mark.shared
def test_ten_thousand_published_numbers_have_the_published_digest(shared: Path) -> None:
    source = (shared / "rfc8785-jcs" / "testdata" / "numgen.go").read_text()
    digest = hashlib.sha256()

    for bits, _ in zip(published_bits(source), range(10_000), strict=False):
        (number,) = struct.unpack(">d", struct.pack(">Q", bits))
        digest.update(f"{bits:x},{canonical.dumps(number).decode()}\n".encode())

    assert digest.hexdigest() == "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"


def published_bits(source: str) -> Iterator[int]:
    static = source[source.index("static :=") : source.index("var state")]
    yield from (int(bits, 16) for bits in re.findall("0x[0-9a-f]{16}", static))
    yield from range(0x0010000000000000, 0x0010000000000000 + 2000)
    block = bytes(32)
    while True:
        block = hashlib.sha256(block).digest()
        for bits in struct.unpack("<4Q", block):
            (number,) = struct.unpack(">d", struct.pack(">Q", bits))
            if number and math.isfinite(number):
                yield bits


def test_members_stand_in_the_order_of_utf_16_units_not_code_points() -> None:
    assert list(json.loads(canonical.dumps({"\ufb33": 1, "\U0001f600": 2}))) == [
        "\U0001f600",
        "\ufb33",
    ]


def test_minus_zero_is_zero() -> None:
    assert canonical.dumps([-0.0, {"a": -0.0}]) == b'[0,{"a":0}]'


def test_integers_end_at_two_to_the_53() -> None:
    assert canonical.dumps(-(2**53) + 1) == b"-9007199254740991"
    for number in (2**53, -(2**53), 10**400):
        for value in (number, [number], {"ї": number}):
            with pytest.raises(CanonicalError):
                canonical.dumps(value)


@pytest.mark.parametrize("text", ["9007199254740993", "-9007199254740993", "1" + "0" * 21])
def test_an_integer_that_a_double_would_change_is_refused(text: str) -> None:
    with pytest.raises(CanonicalError):
        canonical.loads(text.encode())


@pytest.mark.parametrize("number", [2.0**53, 1e20, -1e20, 333333333333333300000.0])
def test_a_float_written_without_exponent_is_read_back(number: float) -> None:
    assert canonical.loads(canonical.dumps(number)) == number


@pytest.mark.parametrize("value", ["\ud800", ["a\udfff"], {"\ud800": 1}, {"ї": "\udc00"}])
def test_half_a_surrogate_pair_is_not_written(value: object) -> None:
    with pytest.raises(CanonicalError):
        canonical.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'[{"x":{"a":1,"a":1}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"[-1e400]",
        b'"\\ud800"',
        b'"\\uDC00 a"',
        b'{"\\ud800":1}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"1 2",
        b"{}x",
        b"{}\0",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"[1,]",
        b"[01]",
        b"[+1]",
        b"[.5]",
        b"[1.]",
        b"[0x1]",
        b"'a'",
        b'"\n"',
        b'"\t"',
        b"// \n1",
        "[٣]".encode(),
        b"[1_0]",
        "\u00a01".encode(),
        b"1" * 5000,
        b"[" * 100_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
    ],
)
def test_what_readers_could_take_differently_is_refused(text: bytes) -> None:
    with pytest.raises(CanonicalError):
        canonical.loads(text)


def test_a_written_surrogate_pair_is_one_character() -> None:
    assert canonical.loads(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_sixty_four_levels_nest_and_no_more() -> None:
    deep: object = "x"
    for _ in range(canonical.MAX_DEPTH):
        deep = [deep]

    assert canonical.loads(canonical.dumps(deep)) == deep
    for value in ([deep], {"ї": deep}, [deep, 1.5]):
        with pytest.raises(CanonicalError):
            canonical.dumps(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(CanonicalError):
        canonical.dumps(endless)


@pytest.mark.parametrize(
    "value",
    [math.nan, [math.inf], {"a": -math.inf}, {1: 2}, {None: 1}, b"a", {1}, object(), 1j, {(1,): 1}],
)
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(CanonicalError):
        canonical.dumps(value)


def test_text_enumerations_and_tuples_are_written_by_their_value() -> None:
    class Kind(str, enum.Enum):  # noqa: UP042  # its str() is not its value: that is the trap
        SEALED = "sealed"

    assert (
        canonical.dumps({"kind": Kind.SEALED, "of": ("a", 1)}) == b'{"kind":"sealed","of":["a",1]}'
    )


@pytest.mark.parametrize("text", [b'{"b":1,"a":2}', b"[1, 2]", b"1.0", b'"\\u0041"', b" 1", b"-0"])
def test_other_spellings_are_read_but_are_not_canonical(text: bytes) -> None:
    canonical.loads(text)

    with pytest.raises(CanonicalError):
        canonical.loads_canonical(text)


@given(values)
@example({"a": "\x7f\x00\x1f\u2028/", "\u0080": []})
def test_what_is_written_is_the_rfcs_form_and_is_read_back(value: object) -> None:
    written = canonical.dumps(value)

    assert written.decode() == reference(value)
    assert canonical.loads_canonical(written) == value


@given(
    st.binary(max_size=60)
    | st.text('{}[]",:\\ud8c0123456789.eE+-trufalsn ', max_size=40).map(str.encode)
)
def test_no_bytes_make_the_reader_fail_otherwise(text: bytes) -> None:
    try:
        value = canonical.loads(text)
    except SealError:
        return

    assert canonical.loads_canonical(canonical.dumps(value)) == value


@given(values, st.integers(0), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_is_another_value(value: object, at: int, change: int) -> None:
    good = bytearray(canonical.dumps(value))
    good[at % len(good)] ^= change

    try:
        read = canonical.loads_canonical(bytes(good))
    except SealError:
        return

    assert canonical.dumps(read) == bytes(good)
