"""Witness policies: the specification's example, every rule, and notes under a policy."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.errors import NoteError, PolicyError, SealError
from svitlo.seal import checkpoint, curve, note, policy, signature
from tests.fakes import spine
from tests.fakes.cosigners import cosigned, key, member

EXAMPLE = """
log {log}

witness X1 {X1}
witness X2 {X2}
witness X3 {X3}
group X-witnesses 2 X1 X2 X3

witness Y1 {Y1}
witness Y2 {Y2}
witness Y3 {Y3}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
SEEN = checkpoint.Checkpoint("log", 5, bytes(32))

KEYS = {name: key(name) for name in NAMES} | {"log": key("log", 1)}
VKEYS = {name: note.format_vkey(made.verifier_line) for name, made in KEYS.items()}
KNOWN = policy.parse_policy(EXAMPLE.format(**VKEYS))


def signed(*keys: signature.SigningKey, time: int = 100) -> bytes:
    lines = tuple(signature.sign_checkpoint(made, SEEN, time + n) for n, made in enumerate(keys))
    return note.format_note(note.Note(checkpoint.format_checkpoint(SEEN), lines))


def test_the_example_of_the_specification() -> None:
    assert [log.key.name for log in KNOWN.logs] == ["log"]
    assert [witness.name for witness in KNOWN.witnesses] == NAMES
    assert [(group.name, group.threshold) for group in KNOWN.groups] == [
        ("X-witnesses", 2),
        ("Y-witnesses", 1),
        ("X-and-Y", 2),
    ]
    for some in itertools.chain.from_iterable(itertools.combinations(NAMES, n) for n in range(7)):
        quorum = policy.evaluate(KNOWN, cosigned(*(KEYS[name] for name in some)))

        expected = sum(name[0] == "X" for name in some) >= 2 and any(n[0] == "Y" for n in some)
        assert quorum.reached == expected
        assert (quorum.k, quorum.n, quorum.names) == (len(some), 6, some)


def test_a_note_is_accepted_once_the_quorum_has_cosigned() -> None:
    data = signed(KEYS["log"], KEYS["Y2"], KEYS["X1"], KEYS["X3"])

    accepted = policy.check_note(KNOWN, data, signature.verifier)

    assert accepted.checkpoint == SEEN
    assert accepted.quorum == policy.Quorum(3, 6, ("X1", "X3", "Y2"), (102, 103, 101), reached=True)
    assert accepted.unchecked == ()


def test_the_known_note_is_accepted_by_a_policy_of_the_known_keys() -> None:
    text = f"log {spine.LOG_VKEY}\nwitness lv {spine.WITNESS_VKEY}\nquorum lv\n"

    accepted = policy.check_note(policy.parse_policy(text), spine.NOTE, signature.verifier)

    assert accepted.checkpoint.root.hex() == spine.ROOTS[64]
    assert accepted.quorum == policy.Quorum(
        1, 1, ("lv.example/witness",), (1669713600,), reached=True
    )


def test_without_a_quorum_or_a_log_a_note_is_refused() -> None:
    with pytest.raises(PolicyError):
        policy.check_note(KNOWN, signed(KEYS["log"], KEYS["X1"], KEYS["Y1"]), signature.verifier)
    with pytest.raises(PolicyError):
        policy.check_note(KNOWN, signed(KEYS["X1"], KEYS["X2"], KEYS["Y1"]), signature.verifier)
    with pytest.raises(PolicyError):
        policy.check_note(KNOWN, signed(key("log", 1, seed=7)), signature.verifier)


def test_a_log_signs_for_its_own_origin_only() -> None:
    other = replace(SEEN, origin="other")
    line = signature.sign_checkpoint(KEYS["log"], other, 1)
    data = note.format_note(note.Note(checkpoint.format_checkpoint(other), (line,)))

    with pytest.raises(PolicyError):
        policy.examine_note(KNOWN, data, signature.verifier)


def test_one_bad_line_of_a_known_witness_spoils_the_note() -> None:
    read = note.parse_note(signed(KEYS["log"], KEYS["X1"], KEYS["X2"], KEYS["Y1"], KEYS["Y2"]))
    bad = replace(read.signatures[4], signature=bytes(72))

    with pytest.raises(NoteError):
        policy.check_note(
            KNOWN,
            note.format_note(replace(read, signatures=(*read.signatures[:4], bad))),
            signature.verifier,
        )


def test_a_cosigner_with_keys_of_two_kinds_counts_once() -> None:
    both = [key("w", 4), key("w", 6)]
    made = policy.generate_policy(
        [policy.Log(KEYS["log"].verifier_line)], [member("w", kinds=(4, 6)), member("v")]
    )

    accepted = policy.examine_note(made, signed(KEYS["log"], *both), signature.verifier)

    assert accepted.quorum == policy.Quorum(1, 2, ("w",), (102,), reached=False)
    assert policy.check_note(
        made, signed(KEYS["log"], key("w", 6), key("v")), signature.verifier
    ).quorum == policy.Quorum(2, 2, ("w", "v"), (101, 102), reached=True)


def test_keys_that_cannot_be_checked_here_do_not_count_and_are_named() -> None:
    quantum = key("w", 6).verifier_line
    made = policy.generate_policy(
        [policy.Log(KEYS["log"].verifier_line)], [policy.Member("w", (quantum,))]
    )

    for plain in (
        curve.verifier,
        lambda line: None if line.kind == note.KIND_ML_DSA_44 else signature.verifier(line),
    ):
        accepted = policy.examine_note(made, signed(KEYS["log"], key("w", 6)), plain)

        assert accepted.unchecked == (quantum,)
        assert not accepted.quorum.reached


def test_a_log_may_sign_with_ml_dsa_alone() -> None:
    quantum = key("log", 6)
    text = f"log {note.format_vkey(quantum.verifier_line)}\nquorum none\n"

    accepted = policy.check_note(policy.parse_policy(text), signed(quantum), signature.verifier)

    assert accepted.quorum == policy.Quorum(0, 0, (), (), reached=True)


def test_keys_of_kinds_that_are_never_checked_are_kept_and_ignored() -> None:
    tree_head = note.make_vkey("log", note.KIND_TREE_HEAD, b"id")
    text = f"log {note.format_vkey(tree_head)}\nlog {VKEYS['log']}\nquorum none\n"
    line = note.NoteSignature("log", tree_head.key_id, b"whatever")
    read = note.parse_note(signed(KEYS["log"]))
    data = note.format_note(replace(read, signatures=(*read.signatures, line)))

    accepted = policy.check_note(policy.parse_policy(text), data, signature.verifier)

    assert accepted.unchecked == (tree_head,)


def test_blanks_comments_and_empty_lines_are_free() -> None:
    text = f"\n  # comment\n\t log\t {VKEYS['log']}  https://a.example/ \n \t\n\tquorum  none"

    made = policy.parse_policy(text)

    assert made.logs[0].url == "https://a.example/"
    assert made.quorum == "none"


def test_names_are_octet_strings() -> None:
    text = (
        f"witness K {VKEYS['X1']}\nwitness \u212a {VKEYS['X2']}\nwitness \xa0 {VKEYS['X3']}\n"
        "group g 2 K \u212a \xa0\nquorum g\n"
    ).encode() + b"# \xff\x80\n"

    made = policy.parse_policy(text.replace(b"\xc2\xa0", b"\xa0"))

    assert len({witness.name.encode("utf-8", "surrogateescape") for witness in made.witnesses}) == 3
    assert made.witnesses[2].name.encode("utf-8", "surrogateescape") == b"\xa0"
    assert policy.parse_policy(policy.format_policy(made)) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# quorum none\n",
        "quorum none\nquorum none\n",
        "quorum\n",
        "quorum w\n",
        "quorum none x\n",
        "quorum w\nwitness w {X1}\n",
        "Quorum none\n",
        "unknown none\nquorum none\n",
        "log\nquorum none\n",
        "log {log} url more\nquorum none\n",
        "log {log}\nlog {log}\nquorum none\n",
        "log {X1}\nquorum none\n",
        "log log+00000000+AA==\nquorum none\n",
        "witness {X1}\nquorum none\n",
        "witness w {log}\nquorum none\n",
        "witness w {X1} url more\nquorum none\n",
        "witness w {X1}\nwitness w {X2}\nquorum none\n",
        "witness w {X1}\nwitness v {X1}\nquorum none\n",
        "witness none {X1}\nquorum none\n",
        "witness w {X1}\ngroup w any w\nquorum w\n",
        "witness w {X1}\ngroup none any w\nquorum w\n",
        "witness w {X1}\ngroup g any\nquorum w\n",
        "witness w {X1}\ngroup g w\nquorum w\n",
        "witness w {X1}\ngroup g 0 w\nquorum g\n",
        "witness w {X1}\ngroup g 2 w\nquorum g\n",
        "witness w {X1}\ngroup g 01 w\nquorum g\n",
        "witness w {X1}\ngroup g +1 w\nquorum g\n",
        "witness w {X1}\ngroup g \u0661 w\nquorum g\n",
        "witness w {X1}\ngroup g most w\nquorum g\n",
        "witness w {X1}\ngroup g any w w\nquorum g\n",
        "witness w {X1}\ngroup g any w none\nquorum g\n",
        "witness w {X1}\ngroup g any g\nquorum g\n",
        "witness w {X1}\ngroup g any w\ngroup h any w\nquorum g\n",
        "group g any w\nwitness w {X1}\nquorum g\n",
        "witness w\u00a0{X1}\nquorum none\n",
        "witness w {X1}\nquorum none\r\n",
        "quorum none\x0c\n",
        "quorum none\x7f\n",
        "quorum none\0",
        "\ufeffquorum none\n",
    ],
)
def test_what_breaks_a_rule_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        policy.parse_policy(text.format(**VKEYS))


def test_two_keys_are_duplicates_even_under_other_names() -> None:
    one, two = (key(name, 4, seed=1) for name in ("a", "b"))
    text = "".join(
        f"witness {made.name} {note.format_vkey(made.verifier_line)}\n" for made in (one, two)
    )

    with pytest.raises(PolicyError):
        policy.parse_policy(text + "quorum none\n")


def test_weak_keys_are_refused() -> None:
    weak = note.VerifierLine("w", note.key_id("w", 4, bytes(32)), 4, bytes(32))

    with pytest.raises(PolicyError, match="line 2 of the policy"):
        policy.parse_policy(f"\nwitness w {note.format_vkey(weak)}\nquorum w\n")


def test_a_hundred_logs_witnesses_and_groups_are_read() -> None:
    rows = [f"log {note.format_vkey(key(f'l{n}', 1, seed=n).verifier_line)}" for n in range(100)]
    rows += [
        f"witness w{n} {note.format_vkey(key(f'w{n}', 6, seed=n).verifier_line)}"
        for n in range(100)
    ]
    rows += [f"group g{n} any w{n}" for n in range(100)]

    made = policy.parse_policy("\n".join([*rows, "quorum g99\n"]))

    assert (len(made.logs), len(made.witnesses), len(made.groups)) == (100, 100, 100)


def test_a_policy_has_an_end() -> None:
    with pytest.raises(PolicyError):
        policy.parse_policy(b"quorum none\n#" + bytes([ord("x")]) * policy.MAX_POLICY_BYTES)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(KNOWN, quorum=""),
        replace(KNOWN, quorum="nobody"),
        replace(KNOWN, quorum="X-and-Y\nquorum none"),
        replace(KNOWN, logs=KNOWN.logs * 2),
        replace(KNOWN, logs=(replace(KNOWN.logs[0], url="two words"),)),
        replace(KNOWN, logs=(replace(KNOWN.logs[0], url=" "),)),
        replace(KNOWN, logs=(replace(KNOWN.logs[0], url="\ud800"),)),
        replace(KNOWN, groups=(*KNOWN.groups, policy.Group("empty", 1, ()))),
    ],
)
def test_what_has_no_form_is_not_written(wrong: policy.Policy) -> None:
    with pytest.raises(PolicyError):
        policy.format_policy(wrong)


def test_what_is_written_is_read_back() -> None:
    assert policy.parse_policy(policy.format_policy(KNOWN)) == KNOWN
    assert policy.parse_policy(policy.format_policy(KNOWN).decode()) == KNOWN


words = st.sampled_from(
    ["log", "witness", "group", "quorum", "none", "all", "any", "1", "2", "w", "v"]
)
rows = st.lists(words | st.sampled_from(sorted(VKEYS.values())), max_size=6).map(" ".join)


@given(st.lists(rows, max_size=8).map("\n".join) | st.text(max_size=60) | st.binary(max_size=60))
def test_no_text_makes_the_reader_fail_otherwise(text: str | bytes) -> None:
    try:
        made = policy.parse_policy(text)
    except SealError:
        return

    assert policy.parse_policy(policy.format_policy(made)) == made


@given(st.integers(0), st.integers(1, 255))
def test_a_policy_with_any_byte_changed_is_refused_or_another_policy(at: int, change: int) -> None:
    data = bytearray(policy.format_policy(KNOWN))
    data[at % len(data)] ^= change

    try:
        made = policy.parse_policy(bytes(data))
    except SealError:
        return

    assert made != KNOWN or data.replace(b"\t", b" ") == policy.format_policy(KNOWN)
