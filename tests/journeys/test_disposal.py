"""Disposal: two persons, no hold, nothing left to open, and every proof still holds."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import AccessDenied, InvalidInput, NotFound
from svitlo.node.opening import Node
from tests.fakes.office import (
    Office,
    content_of,
    exhibit_of,
    make_office,
    stated,
)
from tests.fakes.traces import check_log, secrets_of, traces, wrapped_key

if TYPE_CHECKING:
    from pathlib import Path


SMALL = {f"f{n}": f"content number {n} ".encode() * 40 for n in range(6)}


@pytest.fixture
def office(node: Node) -> Office:
    return make_office(node)


@pytest.fixture
def ids(office: Office, tmp_path: Path) -> list[str]:
    return office.seal(tmp_path / "in", SMALL)


def by_id(ids: list[str]) -> dict[str, bytes]:
    return dict(zip(ids, SMALL.values(), strict=True))


def test_nobody_approves_their_own_proposal(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import approve, dispose, propose

    office.at_once()
    propose(office.node, office.alice, ids[:1], ground="retention", authority="File plan")

    with pytest.raises(AccessDenied, match="somebody else"):
        approve(office.node, office.alice, ids[:1])
    with pytest.raises(AccessDenied, match="nobody approved"):
        dispose(office.node, office.alice, ids[:1])

    assert [row.value.body["act"] for row in stated("denied")] == ["approve disposal", "dispose"]
    assert content_of(office.node, ids[0]) == SMALL["f0"]


def test_an_approval_takes_time_to_think(
    office: Office, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.journeys.disposal import approve, propose

    (value,) = propose(office.node, office.alice, ids[:1], ground="court", authority="Court A")
    now = office.node.now()

    monkeypatch.setattr(Node, "now", lambda _: now + timedelta(days=6, hours=23))
    with pytest.raises(AccessDenied, match=value.approvable_from):
        approve(office.node, office.bohdan, ids[:1])
    monkeypatch.setattr(Node, "now", lambda _: now + timedelta(days=7))
    (approved,) = approve(office.node, office.bohdan, ids[:1])

    assert (approved.stage, approved.approved_by) == ("approved", office.bohdan.person)


def test_a_third_person_carries_nothing_out(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import dispose

    office.decided(ids[:1])

    with pytest.raises(AccessDenied, match="neither"):
        dispose(office.node, office.chiara, ids[:1])

    assert stated("denied")[-1].value.actor == office.chiara.person
    assert content_of(office.node, ids[0]) == SMALL["f0"]


def test_each_stage_is_signed_on_a_basis(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import dispose

    office.decided(ids[:2])
    (value, _) = dispose(office.node, office.bohdan, ids[:2])

    stages = [row.value for row in stated("dispose")]
    assert [s.body["stage"] for s in stages] == ["proposed", "approved", "done"]
    assert [s.actor for s in stages] == [
        office.alice.person,
        office.bohdan.person,
        office.bohdan.person,
    ]
    assert all(s.sig and s.basis == "led.8" and list(s.subject) == ids[:2] for s in stages)
    assert (value.stage, value.done_at) == ("done", stages[2].at)


def test_no_byte_of_it_opens_any_more_and_the_others_do(
    office: Office, ids: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disposal import dispose

    name, header = secrets_of(ids[2])
    secrets = (wrapped_key(header), base64.b64encode(header), header)
    folder = tmp_path / "node"
    assert traces(folder, *secrets)

    office.decided(ids[2:3])
    dispose(office.node, office.alice, ids[2:3])

    assert traces(folder, *secrets, SMALL["f2"]) == []
    assert not (folder / "objects" / name[:2] / name).exists()
    with pytest.raises(NotFound, match="erased"):
        content_of(office.node, ids[2])
    for ident, content in zip(
        [*ids[:2], *ids[3:]], [*list(SMALL.values())[:2], *list(SMALL.values())[3:]], strict=True
    ):
        assert content_of(office.node, ident) == content


def test_a_resealed_segment_is_a_whole_segment_without_the_member(
    office: Office, ids: list[str]
) -> None:
    from svitlo.node.journeys.disposal import dispose
    from svitlo.seal import age
    from svitlo.seal.payload import open_body
    from svitlo.seal.segment import SegmentReader
    from svitlo.store.models import Statement

    office.decided(ids[:1])
    dispose(office.node, office.alice, ids[:1])

    name, header = secrets_of(ids[1])
    body = (office.node.folder / "objects" / name[:2] / name).read_bytes()
    tar = open_body(age.unwrap(header, office.node.keyring.identities()), body)
    reader = SegmentReader(lambda offset, length: tar[offset : offset + length], len(tar))
    members = {member.id: member.off for member in reader.index()}
    assert list(members) == ids[1:]
    resealed = [s.value for s in Statement.objects.filter(type="exhibit.resealed").order_by("seq")]
    assert [(s.subject[0], s.body["blob"], s.body["off"]) for s in resealed] == [
        (ident, name, members[ident]) for ident in ids[1:]
    ]


def test_all_proofs_hold_after_a_disposal_and_every_entry_is_explained(
    office: Office, ids: list[str]
) -> None:
    from svitlo.node.journeys.disposal import dispose

    office.decided(ids[:1])
    before = check_log(office.node)
    dispose(office.node, office.alice, ids[:1])

    after = check_log(office.node)
    assert after["gone"] == before["gone"] == 0
    assert after["open"] > before["open"]


def test_custody_shows_the_disposal_and_the_tombstone(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import dispose
    from svitlo.node.journeys.reading import custody_of

    exhibit = exhibit_of(ids[0])
    office.decided(ids[:1])
    dispose(office.node, office.alice, ids[:1])

    statements = custody_of(exhibit)
    assert [s.body.get("stage", s.type) for s in statements[-4:]] == [
        "proposed",
        "approved",
        "done",
        "tombstone.exhibit",
    ]
    stone = statements[-1].body
    assert stone["sha256"] == bytes(exhibit.sha256).hex()
    assert stone["blake3"] == bytes(exhibit.blake3).hex()
    assert (stone["ground"], stone["body"]) == ("retention", "erased")
    sealed = next(s for s in statements if s.type == "exhibit.sealed")
    assert sealed.body["path"].endswith("f0")


@pytest.mark.parametrize(
    ("ground", "authority"), [("because", "File plan"), ("retention", " "), ("court", "x" * 201)]
)
def test_a_proposal_needs_ground_and_authority(
    office: Office, ids: list[str], ground: str, authority: str
) -> None:
    from svitlo.node.journeys.disposal import propose

    with pytest.raises(InvalidInput):
        propose(office.node, office.alice, ids[:1], ground=ground, authority=authority)


def test_nothing_is_proposed_twice_or_approved_twice(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import approve, propose

    office.decided(ids[:1])

    with pytest.raises(InvalidInput, match="already"):
        propose(office.node, office.alice, ids[:1], ground="retention", authority="File plan")
    with pytest.raises(InvalidInput, match="already"):
        approve(office.node, office.bohdan, ids[:1])
    with pytest.raises(InvalidInput, match="not proposed"):
        approve(office.node, office.bohdan, ids[1:2])


def test_a_node_behind_its_signed_head_disposes_of_nothing(
    office: Office, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.errors import LogStateError
    from svitlo.node.journeys.disposal import dispose
    from svitlo.store.log.reading import LogReader

    office.decided(ids[:1])
    monkeypatch.setattr(LogReader, "size", lambda _: 1)

    with pytest.raises(LogStateError, match="behind"):
        dispose(office.node, office.alice, ids[:1])

    assert content_of(office.node, ids[0]) == SMALL["f0"]


def test_disposals_are_listed_with_their_stage(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import dispose, list_disposals, propose

    office.decided(ids[:2])
    propose(office.node, office.bohdan, ids[2:3], ground="mistake", authority="Head of desk 2")
    dispose(office.node, office.alice, ids[:1])

    listed = list_disposals(office.node, office.chiara)
    assert [(d.exhibit, d.stage, d.ground) for d in listed] == [
        (ids[1], "approved", "retention"),
        (ids[2], "proposed", "mistake"),
    ]
    everything = list_disposals(office.node, office.chiara, is_all=True)
    assert [d.stage for d in everything] == ["done", "approved", "proposed"]
    assert stated("search")[-1].value.actor == office.chiara.person
