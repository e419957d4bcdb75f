"""An intake meets a store that fails: the receipt says so for each item, and the rest is sealed."""

import errno
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from tests.fakes.disk import Disk, failing_at

KIB = 1 << 10


def offer(folder: Path, **contents: bytes) -> tuple[bytes, ...]:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return (bytes(folder),)


def small_limit(node: Node, group_items: int = 4096) -> Node:
    settings = replace(node.settings, segment_member_max=KIB, group_items=group_items)
    return replace(node, settings=settings)


def outcome(node: Node, actor: Actor, paths: tuple[bytes, ...]) -> tuple[dict[str, str], set[str]]:
    """Codes by name of what was rejected, and the names of what was sealed and opens whole."""
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.node.unsealing import Vault
    from svitlo.store.models import Exhibit

    receipt = take_in(node, actor, Offer(paths=paths))
    value, rows = receipt.value, receipt.rows()
    assert value["offered"] == value["sealed"] + value["rejected"] == len(rows)
    with Vault(node) as vault:
        for exhibit in Exhibit.objects.filter(intake__ident=value["intake"]):
            content = b"".join(vault.blocks(exhibit))
            assert content == Path(os.fsdecode(bytes(exhibit.path))).read_bytes()
    codes = {Path(os.fsdecode(row.path)).name: row.code for row in rows if row.code}
    sealed = {Path(os.fsdecode(row.path)).name for row in rows if row.ident}
    assert list((node.folder / "spool").iterdir()) == []
    return codes, sealed


def while_sealing(
    patch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], object]
) -> None:
    """The disk is broken while things are sealed, and whole again when the receipt is written."""
    from svitlo.node.journeys import intake, intake_groups

    def sealing(*given: Any, **named: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            break_it(inner)
            return intake_groups.seal_items(*given, **named)

    patch.setattr(intake, "seal_items", sealing)


def freeing_disk(patch: pytest.MonkeyPatch, room: int) -> None:
    """A disk that is as empty as before when a part is dropped."""
    from svitlo.store.blobs import Part

    disk, drop = Disk(patch, room), Part.drop

    def drop_and_free(part: Part) -> None:
        drop(part)
        disk.room = room

    patch.setattr(Part, "drop", drop_and_free)


def test_what_is_too_large_for_the_disk_alone_is_rejected(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = offer(tmp_path / "in", a=b"a" * 100, b=b"b" * 400 * KIB, c=b"c" * 100)
    while_sealing(monkeypatch, lambda patch: freeing_disk(patch, 200 * KIB))

    codes, sealed = outcome(small_limit(node), actor, paths)

    assert codes == {"b": "store_failed"}
    assert sealed == {"a", "c"}


def test_a_segment_that_cannot_be_written_costs_only_its_members(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {f"s{n}": bytes([n]) * 1000 for n in range(6)}
    paths = offer(tmp_path / "in", b=b"b" * 9000, d=b"d" * 5000, **small)
    while_sealing(monkeypatch, lambda patch: freeing_disk(patch, 20_000))

    codes, sealed = outcome(small_limit(node), actor, paths)

    assert codes == dict.fromkeys(small, "store_failed")
    assert sealed == {"b", "d"}


def test_a_failed_store_gives_the_reason_in_words(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.node.journeys.intake import Offer, take_in

    paths = offer(tmp_path / "in", a=b"a" * 9000)
    while_sealing(monkeypatch, lambda patch: Disk(patch, 0))

    (row,) = take_in(small_limit(node), actor, Offer(paths=paths)).rows()

    assert (row.code, row.reason) == ("store_failed", "No space left on device")


@pytest.mark.parametrize("name", ["write", "fdatasync", "fsync", "link", "open"])
def test_any_failure_of_the_disk_is_told_and_the_rest_is_sealed(
    node: Node, actor: Actor, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sizes = [10, 2000, 1, 70_000, 9, 8, 7]
    paths = offer(tmp_path / "in", **{f"f{n}": bytes([n]) * s for n, s in enumerate(sizes)})
    seen: Counter[str] = Counter()
    for number in range(1, 9):

        def break_it(patch: pytest.MonkeyPatch, number: int = number) -> None:
            patch.setattr(os, name, failing_at(getattr(os, name), number, errno.EIO))

        while_sealing(monkeypatch, break_it)

        codes, sealed = outcome(small_limit(node, group_items=3), actor, paths)

        assert len(codes) + len(sealed) == len(sizes)
        seen.update(codes.values())
    assert set(seen) <= {"store_failed", "unreadable"}
    assert seen["store_failed"]
