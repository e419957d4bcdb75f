"""Policies made for a federation: how many must cosign, and that two quorums always meet."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import PolicyError
from svitlo.seal import policy
from tests.fakes.cosigners import cosigned, key, member


@pytest.mark.parametrize(
    ("members", "faulty", "q"),
    [(3, 0, 2), (4, 1, 3), (7, 2, 5), (1, 0, 1), (2, 0, 2), (10, 3, 7), (40, 13, 27)],
)
def test_known_quorums(members: int, faulty: int, q: int) -> None:
    assert policy.quorum_size(members, faulty) == q
    assert policy.quorum_size(members) == q


@given(st.integers(1, 60), st.integers(0, 20))
def test_two_quorums_share_an_honest_witness(members: int, faulty: int) -> None:
    try:
        q = policy.quorum_size(members, faulty)
    except PolicyError:
        assert 3 * faulty >= members
        return

    assert 2 * q - members > faulty
    assert q <= members - faulty
    assert 2 * (q - 1) - members <= faulty


@pytest.mark.parametrize(("members", "faulty"), [(0, None), (0, 0), (3, 1), (2, 2), (3, -1)])
def test_too_many_faulty_members_leave_no_quorum(members: int, faulty: int | None) -> None:
    with pytest.raises(PolicyError):
        policy.quorum_size(members, faulty)


def reached(made: policy.Policy, names: tuple[str, ...]) -> bool:
    return policy.evaluate(made, cosigned(*map(key, names))).reached


@pytest.mark.parametrize(
    "blocs",
    [
        ["a", "b", "c"],
        ["", "", "", ""],
        ["a", "a", "b", "b", "c", "c", "d"],
        ["a", "a", "a", "b"],
        ["a", "a", "a", "a", "b", "b", "c"],
        ["a", "a", "a", "", ""],
        ["a", "a", "b"],
    ],
)
def test_a_federations_quorums_meet_and_no_bloc_is_one(blocs: list[str]) -> None:
    members = [member(f"w{n}", bloc) for n, bloc in enumerate(blocs)]

    made = policy.generate_policy([], members)

    everyone = [one.name for one in members]
    some = [set(c) for n in range(len(blocs) + 1) for c in itertools.combinations(everyone, n)]
    quorums = [names for names in some if reached(made, tuple(names))]
    assert quorums
    assert all(one & other for one in quorums for other in quorums)
    for bloc in filter(None, set(blocs)):
        assert {one.name for one in members if one.bloc == bloc} not in quorums
    assert policy.parse_policy(policy.format_policy(made)) == made


def test_a_federation_of_nobody_asks_for_no_quorum() -> None:
    assert policy.generate_policy([], []).quorum == "none"


def test_a_federation_of_one_needs_it() -> None:
    assert policy.generate_policy([], [member("w", "a")]).quorum == "w"


def test_members_of_one_bloc_alone_are_no_federation() -> None:
    with pytest.raises(PolicyError, match="one bloc"):
        policy.generate_policy([], [member("v", "a"), member("w", "a")])


@pytest.mark.parametrize(
    "members",
    [
        [member("w"), member("w")],
        [replace(member("w"), name="two words")],
        [member("none"), member("w")],
        [policy.Member("w", ())],
        [member("w", kinds=(1,))],
    ],
)
def test_members_that_have_no_form_are_refused(members: list[policy.Member]) -> None:
    with pytest.raises(PolicyError):
        policy.generate_policy([], members)
