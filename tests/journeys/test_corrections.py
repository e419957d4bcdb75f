"""Corrections: what was said stays, what is right is said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from svitlo.errors import InvalidInput, NotFound
from tests.fakes.office import Office, exhibit_of, make_office

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


@pytest.fixture
def office(node: Node) -> Office:
    return make_office(node)


@pytest.fixture
def ids(office: Office, tmp_path: Path) -> list[str]:
    return office.seal(tmp_path / "in", {"a": b"first", "b": b"second"})


def test_a_note_stands_in_the_custody_of_each_exhibit(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.corrections import annotate
    from svitlo.node.journeys.reading import custody_of

    annotate(office.node, office.bohdan, ids, "The label on the box says 14, not 41.")

    for ident in ids:
        last = custody_of(exhibit_of(ident))[-1]
        assert last.body["event"] == "annotate"
        assert last.body["text"] == "The label on the box says 14, not 41."
        assert last.sig is not None


def test_a_correction_leaves_what_it_corrects(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.corrections import annotate
    from svitlo.node.journeys.reading import custody_of

    (first,) = annotate(office.node, office.alice, ids[:1], "Found in cellar 3.")
    (second,) = annotate(
        office.node, office.bohdan, ids[:1], "Found in cellar 2.", supersedes=first.id
    )

    texts = {s.id: s for s in custody_of(exhibit_of(ids[0]))}
    assert texts[first.id].body["text"] == "Found in cellar 3."
    assert texts[second.id].supersedes == first.id
    assert texts[second.id].body["result"] == "corrected"


def test_the_signature_of_a_correction_covers_what_it_supersedes(
    office: Office, ids: list[str]
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from svitlo.node.journeys.corrections import annotate
    from svitlo.record.statement import check_signature

    signer = office.alice.signer
    assert signer is not None
    sealed = exhibit_of(ids[0]).statement.ident

    (statement,) = annotate(office.node, office.alice, ids[:1], "Known copy.", supersedes=sealed)

    def verify(message: bytes, signature: bytes) -> bool:
        Ed25519PublicKey.from_public_bytes(signer.public).verify(signature, message)
        return True

    check_signature(statement, verify)
    assert statement.supersedes == sealed


def test_a_statement_of_another_exhibit_cannot_be_superseded(
    office: Office, ids: list[str]
) -> None:
    from svitlo.node.journeys.corrections import annotate

    (first,) = annotate(office.node, office.alice, ids[:1], "Found in cellar 3.")

    with pytest.raises(InvalidInput, match="does not speak of"):
        annotate(office.node, office.alice, ids[1:], "Wrong one.", supersedes=first.id)
    with pytest.raises(NotFound):
        annotate(
            office.node, office.alice, ids, "No such.", supersedes="01gk1ap2h0000g40r40m30e209"
        )


def test_an_empty_note_is_refused(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.corrections import annotate

    with pytest.raises(InvalidInput, match="text"):
        annotate(office.node, office.alice, ids, "  ")
