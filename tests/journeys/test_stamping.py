"""Stamping: authorities confirm by when a checkpoint existed; nothing is lost without them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from svitlo.node.settings import AuthoritySetting
from svitlo.seal.note import parse_note
from tests.fakes.authority import RunningAuthority, authorities
from tests.journeys.test_logkeeping import closed, state

if TYPE_CHECKING:
    import pytest

    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node
    from svitlo.store.models import Stamp

__all__ = ["authorities"]

Two = tuple[RunningAuthority, RunningAuthority]


def stamping(node: Node, *running: RunningAuthority, url: str | None = None) -> Node:
    """The node, set to ask these authorities."""
    settings = []
    for number, one in enumerate(running):
        (node.folder / f"desk-{number}.pem").write_bytes(one.roots_pem)
        settings.append(
            AuthoritySetting(name=one.name, url=url or one.url, roots=f"desk-{number}.pem")
        )
    return replace(node, settings=replace(node.settings, authorities=tuple(settings)))


def stamps() -> list[Stamp]:
    from svitlo.store.models import Stamp

    return list(Stamp.objects.select_related("checkpoint").order_by("pk"))


def test_the_newest_checkpoint_is_stamped_by_each_authority(
    node: Node, actor: Actor, authorities: Two
) -> None:
    from svitlo.seal.timestamp import parse_request

    node = stamping(node, *authorities)
    state(node, actor, 1)

    head = closed(node)

    text = parse_note(head.note).text
    assert not head.remarks
    assert {stamp.authority for stamp in stamps()} == {one.name for one in authorities}
    for stamp in stamps():
        assert stamp.checkpoint.size == head.checkpoint.size
        assert parse_request(bytes(stamp.request)).digest == hashlib.sha256(text).digest()


def test_a_stamp_is_stated_so_that_later_ones_cover_it(
    node: Node, actor: Actor, authorities: Two
) -> None:
    from svitlo.store.models import Entry, Statement

    node = stamping(node, authorities[0])
    state(node, actor, 1)
    first = closed(node)
    state(node, actor, 1)
    second = closed(node)

    said = Statement.objects.filter(type="stamp.received").order_by("seq").first()

    assert said is not None
    assert said.value.body["size"] == first.checkpoint.size
    assert Entry.objects.get(statement=said).index < second.checkpoint.size
    assert stamps()[-1].checkpoint.size == second.checkpoint.size


def test_an_authority_that_is_away_costs_words_and_the_next_command_stamps(
    node: Node, actor: Actor, authorities: Two
) -> None:
    away = stamping(node, authorities[0], url="http://127.0.0.1:9/")
    state(node, actor, 1)

    head = closed(away)

    assert head.is_signed
    assert any(f"not stamped by {authorities[0].name}" in remark for remark in head.remarks)
    assert not stamps()

    again = closed(stamping(node, authorities[0]))
    assert not again.is_new
    assert [stamp.checkpoint.size for stamp in stamps()] == [head.checkpoint.size]


def test_a_stamp_under_a_root_that_is_not_pinned_is_not_kept(
    node: Node, actor: Actor, authorities: Two
) -> None:
    node = stamping(node, replace(authorities[0], roots_pem=authorities[1].roots_pem))
    state(node, actor, 1)

    head = closed(node)

    assert not stamps()
    assert any("not stamped" in remark for remark in head.remarks)


def test_stamps_and_reads_alone_do_not_ask_for_another_stamp_within_the_hour(
    node: Node, actor: Actor, authorities: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.audit import note_read
    from svitlo.node.opening import Node as Opened
    from svitlo.record.custody import Event

    node = stamping(node, authorities[0])
    state(node, actor, 1)
    closed(node)
    for _ in range(2):
        note_read(node, actor, Event.SEARCH, [])
        closed(node)
    assert len(stamps()) == 1

    later = node.now() + timedelta(hours=2)
    monkeypatch.setattr(Opened, "now", lambda _: later)
    note_read(node, actor, Event.SEARCH, [])
    closed(node)
    assert len(stamps()) == 2


def test_examined_stamps_say_when_their_certificates_end(
    node: Node, actor: Actor, authorities: Two
) -> None:
    from svitlo.node.journeys.stamping import examine_stamps

    node = stamping(node, *authorities)
    state(node, actor, 1)
    closed(node)

    found = examine_stamps(node)
    unset = examine_stamps(replace(node, settings=replace(node.settings, authorities=())))

    assert [one.authority for one in found] == [one.name for one in authorities]
    assert all(one.expires is not None and one.expires > one.gen_time for one in found)
    assert not any(one.fault for one in found)
    assert all("no root is pinned" in one.fault and one.expires is None for one in unset)


def test_roots_that_cannot_be_read_are_said(node: Node, actor: Actor, authorities: Two) -> None:
    setting = AuthoritySetting(name="Desk", url=authorities[0].url, roots="nowhere.pem")
    node = replace(node, settings=replace(node.settings, authorities=(setting,)))

    head = closed(node)

    assert any("cannot be read" in remark for remark in head.remarks)


def test_a_stamp_that_ends_is_renewed_by_a_later_one_that_lasts_longer(
    node: Node, actor: Actor, authorities: Two
) -> None:
    from svitlo.node.journeys.stamping import examine_stamps, expiring

    node = stamping(node, authorities[0])
    for _ in range(2):
        state(node, actor, 1)
        closed(node)
    state(node, actor, 1)
    closed(replace(node, settings=replace(node.settings, authorities=())))
    early, late = examine_stamps(node)
    assert early.expires is not None
    assert early.index is not None
    assert early.size <= early.index < late.size
    soon = early.expires

    same_end = replace(late, expires=soon)
    lasts = replace(late, expires=soon + timedelta(days=1))
    too_late = replace(lasts, gen_time=soon + timedelta(seconds=1))
    beside = replace(lasts, size=early.index)

    assert expiring([early, lasts], soon) == []
    assert expiring([early, lasts], soon - timedelta(seconds=1)) == []
    for other in (same_end, too_late, beside, replace(lasts, expires=None)):
        assert early in expiring([early, other], soon)


def test_the_newest_stamp_of_each_authority_is_examined_alone(
    node: Node, actor: Actor, authorities: Two
) -> None:
    from svitlo.node.journeys.stamping import examine_newest_stamps, examine_stamps

    node = stamping(node, *authorities)
    for _ in range(2):
        state(node, actor, 1)
        closed(node)

    every, newest = examine_stamps(node), examine_newest_stamps(node)

    assert len(every) == 4
    assert newest == every[2:]


def test_stamps_are_listed_with_the_end_of_their_certificates(
    node: Node, actor: Actor, authorities: Two
) -> None:
    from svitlo.node.settings import write_settings
    from tests.conftest import release
    from tests.fakes.shell import svitlo

    node = stamping(node, *authorities)
    state(node, actor, 1)
    closed(node)
    write_settings(node.folder, node.settings)
    release()

    listed = svitlo(node.folder, "vault", "stamps")
    soon = svitlo(node.folder, "vault", "stamps", "--expiring", "--json")
    ending = svitlo(node.folder, "vault", "stamps", "--expiring", "--days", "36500", "--json")
    (node.folder / "desk-0.pem").write_bytes(authorities[1].roots_pem)
    unpinned = svitlo(node.folder, "vault", "stamps")
    examined = svitlo(node.folder, "doctor", "--json")

    assert (listed.code, listed.out.count("holds")) == (0, 2)
    assert "integrity and time, not truth" in listed.err
    assert (soon.code, soon.value) == (0, {"items": []})
    assert ending.code == 1
    assert all(item["gen_time"] < item["expires"] for item in ending.value["items"])
    assert all(item["expires"].endswith("Z") for item in ending.value["items"])
    assert len(ending.value["items"]) == 2
    assert (unpinned.code, unpinned.out.count("holds")) == (3, 1)
    assert {"subject": "stamps", "grade": "bad"}.items() <= {
        key: value
        for row in examined.value["items"]
        if row["subject"] == "stamps" and row["grade"] == "bad"
        for key, value in row.items()
    }.items()


def test_a_stamp_by_another_policy_is_not_kept(node: Node, actor: Actor, authorities: Two) -> None:
    node = stamping(node, authorities[0])
    (setting,) = node.settings.authorities
    wanted = (replace(setting, policy="1.2.3"),)
    node = replace(node, settings=replace(node.settings, authorities=wanted))
    state(node, actor, 1)

    head = closed(node)

    assert not stamps()
    assert any("not 1.2.3" in remark or "by 1.2.3" in remark for remark in head.remarks)
