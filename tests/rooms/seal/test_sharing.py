"""Secret keys in shares."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import combinations, permutations
from operator import mul

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svitlo.errors import AgeError
from svitlo.seal import bech32, sharing
from svitlo.seal.recipients import HybridIdentity, X25519Identity
from tests.fakes.streams import counted

NEW, OLD = HybridIdentity(counted(0, 32)), X25519Identity(counted(0, 32))


def draw(size: int) -> bytes:
    return counted(0x40, size)


def test_the_field_is_that_of_fips_197() -> None:
    assert sharing.multiply(0x57, 0x83) == 0xC1  # FIPS 197 section 4.2
    assert sharing.multiply(0x57, 0x13) == 0xFE  # FIPS 197 section 4.2.1
    assert all(sharing.multiply(x, sharing._inverse(x)) == 1 for x in range(1, 256))  # noqa: SLF001


def test_shares_worked_out_by_hand_come_out() -> None:
    # Secret 00 01 02..., coefficient 40 41 42...: share n is secret + n * coefficient.
    # Number 1: 00+40, 01+41, 02+42. Number 2: 2*40=80, 2*41=82. Number 3: 80+40=c0, 82+41+01=c2.
    first, second, third = sharing.split_identity(NEW, draw)

    assert first.value[:3] == bytes((0x40, 0x40, 0x40))
    assert second.value[:2] == bytes((0x80, 0x83))
    assert third.value[:2] == bytes((0xC0, 0xC2))


@pytest.mark.parametrize("identity", [NEW, OLD])
def test_any_two_of_three_join_in_any_order(identity: HybridIdentity | X25519Identity) -> None:
    shares = sharing.split_identity(identity, draw)

    for pair in permutations(shares, 2):
        assert sharing.join_identity(pair) == identity
    assert sharing.join_identity(shares) == identity


@settings(max_examples=20)
@given(
    secret=st.binary(min_size=32, max_size=32),
    random=st.randoms(use_true_random=False),
    threshold=st.integers(2, 4),
)
def test_any_threshold_of_five_joins(secret: bytes, random: object, threshold: int) -> None:
    identity = X25519Identity(secret)
    draws = random.randbytes  # type: ignore[attr-defined] # hypothesis names its type nowhere
    shares = sharing.split_identity(identity, draws, threshold=threshold, count=5)

    for chosen in combinations(shares, threshold):
        assert sharing.join_identity(chosen) == identity
    with pytest.raises(AgeError, match="different shares"):
        sharing.join_identity(shares[: threshold - 1])


def test_one_share_says_nothing_of_the_secret() -> None:
    values = {
        sharing.split_identity(NEW, partial(mul, bytes([first])))[1].value[5]
        for first in range(256)
    }

    assert len(values) == 256


def test_shares_are_printed_and_typed_in_again() -> None:
    shares = sharing.split_identity(NEW, draw)

    texts = [sharing.format_share(share) for share in shares]

    assert all(text.startswith("SVITLO-SHARE-1") and len(text) == 89 for text in texts)
    assert tuple(map(sharing.parse_share, texts)) == shares
    assert tuple(sharing.parse_share(text.lower()) for text in texts) == shares


def test_the_same_share_twice_is_one_share() -> None:
    first, *_ = sharing.split_identity(NEW, draw)

    with pytest.raises(AgeError, match="2 different shares were expected, 1 were found"):
        sharing.join_identity([first, first])


def test_shares_of_different_keys_are_refused() -> None:
    first, _, _ = sharing.split_identity(NEW, draw)
    _, second, _ = sharing.split_identity(OLD, draw)

    with pytest.raises(AgeError, match="one key"):
        sharing.join_identity([first, second])
    with pytest.raises(AgeError, match="one key"):
        sharing.join_identity([])


def test_shares_of_different_splittings_are_refused() -> None:
    first, _, _ = sharing.split_identity(NEW, draw)
    _, second, _ = sharing.split_identity(NEW, lambda size: counted(7, size))

    with pytest.raises(AgeError, match="splittings"):
        sharing.join_identity([first, second])


def test_a_changed_share_is_found() -> None:
    first, second, _ = sharing.split_identity(NEW, draw)

    with pytest.raises(AgeError):
        sharing.join_identity([first, replace(second, value=bytes(32))])


@pytest.mark.parametrize(("threshold", "count"), [(1, 3), (3, 2), (2, 256), (0, 0)])
def test_splittings_that_make_no_sense_are_refused(threshold: int, count: int) -> None:
    with pytest.raises(AgeError, match="threshold"):
        sharing.split_identity(NEW, draw, threshold=threshold, count=count)


@pytest.mark.parametrize("start", [b"\0\2\1", b"\3\2\1", b"\1\1\1", b"\1\2\0"])
def test_shares_that_no_splitting_makes_are_refused(start: bytes) -> None:
    with pytest.raises(AgeError, match="share"):
        sharing.parse_share(bech32.encode(sharing.PREFIX, start + bytes(40)))


@given(content=st.binary(max_size=60))
def test_only_age_errors_escape(content: bytes) -> None:
    with suppress(AgeError):
        sharing.parse_share(bech32.encode(sharing.PREFIX, content))


def test_shares_do_not_show_their_value() -> None:
    assert "value" not in repr(sharing.split_identity(NEW, draw)[0])
