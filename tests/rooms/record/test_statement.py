"""Statements keep the rules of their envelope, and only canonical bytes are one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import StatementError, SvitloError
from svitlo.record.statement import (
    MAX_BYTES,
    LogKind,
    Statement,
    check_signature,
    log_of,
    parse_statement,
    sign_statement,
    utc_text,
)
from svitlo.seal import canonical
from svitlo.seal.commitment import person_key_id, person_message
from svitlo.seal.signature import person_public, sign_person

ULID = "01gk1ap2h0000g40r40m30e209"
STATEMENT = Statement(
    type="incident.recorded",
    id=ULID,
    node="ee.example",
    at="2022-11-29T09:15:00Z",
    actor=f"p-{ULID}",
    subject=(f"x-{ULID}",),
    body={"count": 3, "is_open": True, "words": ["a", "ж"], "nested": {"a.b_1": "x"}},
)
SEED = bytes(range(32))


def signed(statement: Statement = STATEMENT) -> Statement:
    return sign_statement(statement, person_public(SEED), lambda m: sign_person(SEED, m))


def verify(message: bytes, signature: bytes) -> bool:
    return sign_person(SEED, message) == signature


def test_a_statement_is_written_in_canonical_form() -> None:
    assert (
        STATEMENT.canonical()
        == (
            f'{{"actor":"p-{ULID}","at":"2022-11-29T09:15:00Z","body":{{"count":3,"is_open":true,'
            f'"nested":{{"a.b_1":"x"}},"words":["a","ж"]}},"id":"{ULID}","node":"ee.example",'
            f'"subject":["x-{ULID}"],"type":"incident.recorded","v":1}}'
        ).encode()
    )


def test_what_is_written_reads_back_the_same() -> None:
    full = signed(replace(STATEMENT, supersedes=ULID, batch=ULID, basis="led.8"))

    assert parse_statement(full.canonical()) == full
    assert parse_statement(STATEMENT.canonical()) == STATEMENT


TEXTS = st.text(max_size=20)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(1 - (1 << 53), (1 << 53) - 1),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-z0-9_.]{1,8}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.from_regex(r"[a-z0-9_.]{1,8}", fullmatch=True), VALUES, max_size=6))
def test_any_plain_body_reads_back_the_same(body: dict[str, Any]) -> None:
    statement = replace(STATEMENT, body=body)

    assert parse_statement(statement.canonical()) == statement


@given(st.binary(max_size=200))
def test_random_bytes_are_no_statement(text: bytes) -> None:
    with pytest.raises(SvitloError):
        parse_statement(text)


@given(st.integers(0, len(STATEMENT.canonical()) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_but_our_own_errors(at: int, value: int) -> None:
    text = bytearray(STATEMENT.canonical())
    text[at] = value
    try:
        parsed = parse_statement(bytes(text))
    except StatementError:
        return
    assert parsed.canonical() == bytes(text)


def test_the_same_json_in_another_form_is_refused() -> None:
    loose = json.dumps(STATEMENT.value(), indent=1).encode()

    with pytest.raises(StatementError, match="not a statement"):
        parse_statement(loose)


def changed(**members: Any) -> bytes:
    value = STATEMENT.value()
    for name, member in members.items():
        if member is ...:
            del value[name]
        else:
            value[name] = member
    return canonical.dumps(value)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"v": 2}, "version 1"),
        ({"v": True}, "version 1"),
        ({"v": ...}, "missing members"),
        ({"node": ...}, "missing members"),
        ({"extra": "x"}, "unknown members"),
        ({"type": "Incident.recorded"}, "not a type"),
        ({"type": "incident"}, "not a type"),
        ({"type": "incident.recorded\n"}, "not a type"),
        ({"id": "x"}, "is a ULID"),
        ({"id": f"x-{ULID}"}, "is a ULID"),
        ({"at": "2022-11-29T09:15:00+00:00"}, "expected a time"),
        ({"at": "2022-11-29T09:15:00.5Z"}, "expected a time"),
        ({"actor": ""}, "not empty"),
        ({"actor": 7}, "not empty"),
        ({"basis": ""}, "not empty"),
        ({"subject": "x"}, "list of identifiers"),
        ({"subject": [7]}, "list of identifiers"),
        ({"body": []}, "should be an object"),
        ({"sig": "x"}, "object of texts"),
        ({"sig": {"alg": 1}}, "object of texts"),
        ({"body": {"a": 1.5}}, "no float"),
        ({"body": {"a": None}}, "no NoneType"),
        ({"body": {"Upper": 1}}, "member names"),
        ({"body": {"": 1}}, "member names"),
        ({"body": {"a": [{"b": [None]}]}}, "no NoneType"),
    ],
)
def test_each_rule_of_the_envelope_is_held(members: dict[str, Any], words: str) -> None:
    with pytest.raises(StatementError, match=words):
        parse_statement(changed(**members))


@pytest.mark.parametrize("value", [1 << 53, -(1 << 53)])
def test_integers_stay_where_every_reader_agrees(value: int) -> None:
    assert replace(STATEMENT, body={"a": value - (value > 0) + (value < 0)}).canonical()
    with pytest.raises(StatementError, match="beyond"):
        replace(STATEMENT, body={"a": value}).canonical()


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_nesting_ends_at_32_levels() -> None:
    assert replace(STATEMENT, body=nested(32)).canonical()
    with pytest.raises(StatementError, match="32 levels"):
        replace(STATEMENT, body=nested(33)).canonical()


def test_a_statement_has_at_most_60_kib() -> None:
    room = MAX_BYTES - len(replace(STATEMENT, body={"a": ""}).canonical())
    full = replace(STATEMENT, body={"a": "x" * room})

    assert len(full.canonical()) == MAX_BYTES
    assert parse_statement(full.canonical()) == full
    with pytest.raises(StatementError, match="at most"):
        replace(STATEMENT, body={"a": "x" * (room + 1)}).canonical()
    with pytest.raises(StatementError, match="at most"):
        parse_statement(full.canonical() + b" ")


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(StatementError, match="cannot be written"):
        replace(STATEMENT, body={"a": "\udcff"}).canonical()


def test_a_signature_holds_for_everything_but_itself() -> None:
    statement = signed()

    assert statement.sig is not None
    assert statement.sig["key"] == person_key_id(person_public(SEED))
    check_signature(statement, verify)
    bare = replace(statement, sig=None)
    assert verify(
        person_message(bare.canonical()), sign_person(SEED, person_message(bare.canonical()))
    )


def test_signing_again_replaces_the_signature() -> None:
    assert signed(signed()) == signed()


@pytest.mark.parametrize("member", ["actor", "at", "node", "basis"])
def test_a_signature_does_not_hold_for_another_statement(member: str) -> None:
    changes: dict[str, Any] = {member: "2000-01-01T00:00:00Z" if member == "at" else "other"}

    with pytest.raises(StatementError, match="does not hold"):
        check_signature(replace(signed(), **changes), verify)


def test_a_missing_signature_is_told() -> None:
    with pytest.raises(StatementError, match="is not"):
        check_signature(STATEMENT, verify)


@pytest.mark.parametrize("text", ["", "!!", "AAA"])
def test_a_signature_that_is_no_base64_does_not_hold(text: str) -> None:
    broken = replace(STATEMENT, sig={"alg": "ed25519", "key": "0" * 16, "sig": text})

    with pytest.raises(StatementError, match=r"not base64|does not hold"):
        check_signature(broken, verify)


@pytest.mark.parametrize(
    ("kind", "log"),
    [
        ("read.view", LogKind.AUDIT),
        ("search.exhibits", LogKind.AUDIT),
        ("denied.exhibit", LogKind.AUDIT),
        ("custody.event", LogKind.SPINE),
        ("exhibit.sealed", LogKind.SPINE),
        ("reader.note", LogKind.SPINE),
    ],
)
def test_the_type_says_which_log(kind: str, log: LogKind) -> None:
    assert log_of(kind) is log
    assert replace(STATEMENT, type=kind).log is log


def test_times_are_utc_to_the_second() -> None:
    kyiv = timezone(timedelta(hours=2))

    assert (
        utc_text(datetime(2022, 11, 29, 11, 15, 0, 999_999, tzinfo=kyiv)) == "2022-11-29T09:15:00Z"
    )
    assert utc_text(datetime(2022, 11, 29, 9, 15, tzinfo=UTC)) == "2022-11-29T09:15:00Z"
    with pytest.raises(StatementError, match="zone"):
        utc_text(datetime(2022, 11, 29, 9, 15))  # noqa: DTZ001 - that is what is refused
