"""Erasure: what is disposed of is gone from every place, also when the process is killed."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import Busy, InvalidInput, StorageError
from tests.fakes.office import (
    Office,
    content_of,
    exhibit_of,
    headers_in_files,
    make_office,
)
from tests.fakes.traces import check_log, secrets_of, traces, wrapped_key

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node
    from svitlo.store.models import Disposal

SMALL = {f"f{n}": f"content number {n} ".encode() * 40 for n in range(6)}


STEPS = [
    ("resealing", "add_blob"),
    ("resealing", "mirror"),
    ("disposal", "sweep_bodies"),
    ("resealing", "_erase_files"),
    ("resealing", "_drop_orphans"),
    ("resealing", "cut_write_ahead_log"),
    ("tombstones", "_forget_name"),
    ("tombstones", "empty_openings"),
    ("tombstones", "cut_write_ahead_log"),
    ("disposal", "_state_done"),
    ("disposal", "tombstone_of"),
]


@pytest.fixture
def office(node: Node) -> Office:
    return make_office(node)


@pytest.fixture
def ids(office: Office, tmp_path: Path) -> list[str]:
    return office.seal(tmp_path / "in", SMALL)


def by_id(ids: list[str]) -> dict[str, bytes]:
    return dict(zip(ids, SMALL.values(), strict=True))


def disposal_of(ident: str) -> Disposal:
    from svitlo.store.models import Disposal

    return Disposal.objects.select_related("exhibit").get(exhibit__ident=ident)


def close(office: Office) -> None:
    from svitlo.node.journeys.logkeeping import close_epoch

    close_epoch(office.node)


class Killed(BaseException):
    """The process ends here."""


def test_a_body_of_two_exhibits_goes_with_the_last(office: Office, tmp_path: Path) -> None:
    from dataclasses import replace

    from svitlo.node.journeys.disposal import dispose
    from svitlo.store.models import Statement

    office.node = replace(
        office.node, settings=replace(office.node.settings, segment_member_max=10)
    )
    twin = os.urandom(200_000)
    first, second = office.seal(tmp_path / "in", {"a": twin, "b": twin})
    assert exhibit_of(first).blob_id == exhibit_of(second).blob_id
    name, header = secrets_of(first)

    office.decided([first])
    dispose(office.node, office.alice, [first])
    assert content_of(office.node, second) == twin
    office.decided([second])
    dispose(office.node, office.alice, [second])

    assert traces(tmp_path / "node", wrapped_key(header), base64.b64encode(header)) == []
    assert not (tmp_path / "node" / "objects" / name[:2] / name).exists()
    stones = Statement.objects.filter(type="tombstone.exhibit").order_by("seq")
    assert [s.value.body["body"] for s in stones] == ["kept for another exhibit", "erased"]


def test_the_second_place_keeps_nothing_either(office: Office, tmp_path: Path) -> None:
    from dataclasses import replace

    from svitlo.node.journeys.disposal import dispose

    settings = replace(office.node.settings, second_place=str(tmp_path / "second"))
    office.node = replace(office.node, settings=settings)
    ids = office.seal(tmp_path / "in", SMALL)
    name, header = secrets_of(ids[0])
    copy = tmp_path / "second" / "objects" / name[:2] / name
    assert copy.exists()
    (tmp_path / "second" / "headers" / "copied.jsonl").write_bytes(
        b"".join(p.read_bytes() for p in (tmp_path / "node" / "headers").glob("*.jsonl"))
    )

    office.decided(ids[:1])
    dispose(office.node, office.alice, ids[:1])

    assert not copy.exists()
    assert traces(tmp_path / "second", base64.b64encode(header)) == []
    other = exhibit_of(ids[1]).blob.name
    assert (tmp_path / "second" / "objects" / other[:2] / other).exists()


def test_what_a_killed_intake_left_opens_nothing_either(
    office: Office, ids: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disposal import dispose
    from svitlo.node.keyring import read_recipients
    from svitlo.node.places import main_place
    from svitlo.node.sealing import Sealer

    place = main_place(office.node)
    sealer = Sealer(place, read_recipients(office.node.folder), office.node.ulids.next)
    sealer.add_small("01gk1ap2h0000g40r40m30e209", SMALL["f0"])
    sealer.settle()
    (orphan,) = (body.name for body in sealer.bodies)
    for path in (tmp_path / "node" / "headers").glob("*.jsonl"):
        os.utime(path, (0, 0))

    office.decided(ids[:1])
    dispose(office.node, office.alice, ids[:1])

    assert orphan not in {blob for blob, _ in headers_in_files(tmp_path / "node")}
    assert len(headers_in_files(tmp_path / "node")) == 1


@pytest.mark.parametrize("at", STEPS, ids="-".join)
def test_a_disposal_killed_at_any_step_is_finished_by_the_same_command(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: tuple[str, str]
) -> None:
    import importlib
    from dataclasses import replace

    from svitlo.node.journeys.disposal import dispose

    settings = replace(office.node.settings, second_place=str(tmp_path / "second"))
    office.node = replace(office.node, settings=settings)
    ids = office.seal(tmp_path / "in", SMALL)
    _, header = secrets_of(ids[0])
    office.decided(ids[:2], ground="erasure")

    def die(*_: object, **__: object) -> None:
        raise Killed

    close(office)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module(f"svitlo.node.journeys.{at[0]}"), at[1], die)
        with pytest.raises(Killed):
            dispose(office.node, office.alice, ids[:2], is_statement_erased=True)
    others = {ident: content for ident, content in by_id(ids).items() if ident not in ids[:2]}
    assert {ident: content_of(office.node, ident) for ident in others} == others

    values = dispose(office.node, office.bohdan, ids[:2], is_statement_erased=True)

    assert [value.stage for value in values] == ["done", "done"]
    assert traces(tmp_path, wrapped_key(header), base64.b64encode(header)) == []
    assert {ident: content_of(office.node, ident) for ident in others} == others
    assert check_log(office.node)["gone"] == 2


def test_unfinished_header_files_are_removed_when_they_are_old(tmp_path: Path) -> None:
    from svitlo.store.erasing import drop_headers

    names = (".new.jsonl.7.part", ".old.jsonl.7.part", "killed.part")
    (tmp_path / "headers").mkdir()
    for name in names:
        (tmp_path / "headers" / name).write_bytes(b"")
    os.utime(tmp_path / "headers" / names[1], (0, 0))

    drop_headers(tmp_path, lambda *_: False, before=1000.0)

    assert [path.name for path in (tmp_path / "headers").iterdir()] == [names[0]]


def test_an_open_intake_makes_a_shared_body_wait(office: Office, tmp_path: Path) -> None:
    from dataclasses import replace

    from svitlo.node.journeys.disposal import dispose
    from svitlo.store.models import Intake
    from svitlo.store.writing import unit

    office.node = replace(
        office.node, settings=replace(office.node.settings, segment_member_max=10)
    )
    (ident,) = office.seal(tmp_path / "in", {"a": os.urandom(100)})
    office.decided([ident])
    with unit():
        waiting = Intake.objects.create(
            ident="i-01gk1ap2h0000g40r40m30e209", request="0", state="open", case="general"
        )

    with pytest.raises(Busy, match=waiting.ident):
        dispose(office.node, office.alice, [ident])
    with unit():
        Intake.objects.filter(pk=waiting.pk).update(state="closed")
    (value,) = dispose(office.node, office.alice, [ident])

    assert value.stage == "done"


def test_a_damaged_neighbour_stops_the_disposal_before_anything_is_lost(
    office: Office, ids: list[str], tmp_path: Path
) -> None:
    from svitlo.errors import VerificationError
    from svitlo.node.journeys.disposal import dispose

    name, _ = secrets_of(ids[0])
    path = tmp_path / "node" / "objects" / name[:2] / name
    path.chmod(0o600)
    body = bytearray(path.read_bytes())
    body[60] ^= 1
    path.write_bytes(body)

    office.decided(ids[:1])
    with pytest.raises(VerificationError):
        dispose(office.node, office.alice, ids[:1])

    assert exhibit_of(ids[0]).state == "sealed"
    assert disposal_of(ids[0]).done is None


def test_an_erasure_leaves_neither_name_nor_digest_nor_salt(office: Office, tmp_path: Path) -> None:
    from svitlo.node.journeys.corrections import annotate
    from svitlo.node.journeys.disposal import dispose
    from svitlo.node.journeys.reading import custody_of

    ids = office.seal(tmp_path / "in", {"Olena-K.txt": b"her words", "other.txt": b"other"})
    exhibit = exhibit_of(ids[0])
    annotate(office.node, office.alice, ids[:1], "Olena-K asked for a lawyer.")
    digest, salt = bytes(exhibit.sha256), bytes(exhibit.statement.salt)
    close(office)
    office.decided(ids[:1], ground="erasure")

    dispose(office.node, office.alice, ids[:1], is_statement_erased=True)
    close(office)

    wanted = (b"Olena-K", digest, digest.hex().encode(), salt, b"her words")
    assert traces(tmp_path / "node", *wanted) == []
    assert check_log(office.node)["gone"] == 2
    stone = custody_of(exhibit_of(ids[0]))[-1].body
    assert (stone["statements"], "sha256" in stone) == ("erased", False)
    assert content_of(office.node, ids[1]) == b"other"
    assert exhibit_of(ids[1]).statement.value.body["path"].endswith("other.txt")


def test_statements_are_erased_on_that_ground_only(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import dispose

    office.decided(ids[:1], ground="retention")

    with pytest.raises(InvalidInput, match="erasure"):
        dispose(office.node, office.alice, ids[:1], is_statement_erased=True)

    assert content_of(office.node, ids[0]) == SMALL["f0"]


def test_what_was_disposed_of_may_be_erased_later(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.disposal import dispose, propose

    office.decided(ids[:1])
    dispose(office.node, office.alice, ids[:1])
    with pytest.raises(InvalidInput, match="already"):
        propose(office.node, office.alice, ids[:1], ground="court", authority="Court A")
    close(office)

    office.decided(ids[:1], ground="erasure")
    dispose(office.node, office.alice, ids[:1], is_statement_erased=True)

    assert exhibit_of(ids[0]).statement.state == "erased"
    with pytest.raises(InvalidInput, match="already"):
        propose(office.node, office.alice, ids[:1], ground="erasure", authority="Law 1")


def test_erasing_outside_a_unit_is_refused(node: Node) -> None:
    from svitlo.store.erasing import empty_openings

    with pytest.raises(StorageError, match="unit"):
        empty_openings([1])
