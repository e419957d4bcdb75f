"""Exhibits: the fast text is the canonical text, and a name is kept byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.record.exhibit import (
    SEALED,
    Sealed,
    SealedTexts,
    name_bytes,
    name_members,
    written_name,
)
from svitlo.record.statement import Statement, parse_statement
from svitlo.seal import canonical

ULID = "01gk1ap2h0000g40r40m30e209"
OTHER = "01gk1ap2h0000g40r40m30e20a"
DIGEST = "ab" * 32
AT = "2022-11-29T09:15:00Z"
NAMES = st.binary(max_size=300) | st.text(max_size=100).map(str.encode)


def both(sealed: Sealed, case: str) -> tuple[bytes, bytes]:
    """The text of the template, and that of the statement it stands for."""
    texts = SealedTexts(
        node="ee.example",
        actor=f"p-{ULID}",
        at=AT,
        batch=OTHER,
        intake=f"i-{OTHER}",
        case=case,
    )
    statement = Statement(
        type=SEALED,
        id=ULID,
        node="ee.example",
        at=AT,
        actor=f"p-{ULID}",
        subject=(f"x-{ULID}",),
        batch=OTHER,
        body=sealed.body(case=case, intake=f"i-{OTHER}", blob=DIGEST),
    )
    return texts.text(ULID, sealed, DIGEST), statement.canonical()


@given(
    st.builds(
        Sealed,
        n=st.integers(0, (1 << 53) - 1),
        name=NAMES,
        size=st.integers(0, (1 << 53) - 1),
        sha256=st.just(DIGEST),
        blake3=st.just(DIGEST),
        off=st.none() | st.integers(0, 1 << 40),
        mtime=st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
        medium=st.none(),
        claimed=st.none()
        | st.just({"digests": {"md5": "ab" * 16, "blake3": DIGEST}, "weak": ["md5"]}),
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64),
)
def test_the_fast_text_is_the_canonical_text(sealed: Sealed, case: str) -> None:
    fast, whole = both(sealed, case)

    assert fast == whole
    assert name_bytes(parse_statement(fast).body, "path") == sealed.name


@pytest.mark.parametrize(
    "letter", [*map(chr, range(32)), "\x7f", '"', "\\", "/", "\u2028", "<", "é"]
)
def test_each_letter_that_json_may_escape_is_written_alike(letter: str) -> None:
    fast, whole = both(Sealed(0, letter.encode(), 0, DIGEST, DIGEST), letter)

    assert fast == whole


def test_claims_stand_apart_from_what_was_measured() -> None:
    sealed = Sealed(0, b"a", 1, DIGEST, DIGEST, claimed={"md5": "00"}, medium=f"x-{OTHER}")

    body = sealed.body(case="c", intake="i", blob=DIGEST)

    assert body["claimed"] == {"md5": "00"}
    assert body["medium"] == f"x-{OTHER}"
    assert "off" not in body
    assert "mtime" not in body


@given(NAMES)
def test_a_name_comes_back_byte_for_byte(name: bytes) -> None:
    members = name_members(name, "path")

    assert name_bytes(members, "path") == name
    assert canonical.dumps(members) == f"{{{written_name(name)}}}".encode()


def test_what_is_utf_8_stays_readable() -> None:
    assert name_members("фото.jpg".encode(), "name") == {"name": "фото.jpg"}
    assert name_members(b"\xff", "name") == {"name_b64": "/w=="}
