"""Taking in: what is offered is sealed or rejected, and the receipt says so."""

import hashlib
import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from svitlo.errors import InvalidInput
from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from svitlo.record.exhibit import name_bytes
from svitlo.record.statement import parse_statement
from tests.fakes.offers import codes, folder_of, opened, sealed, taken
from tests.fakes.promises import check_receipt

KIB = 1 << 10
LARGE = bytes(range(256)) * 16


@pytest.fixture
def small_limit(node: Node) -> Node:
    """The node, which gives everything above 1 KiB a body of its own."""
    return replace(node, settings=replace(node.settings, segment_member_max=KIB))


def test_a_folder_is_sealed_whole(node: Node, actor: Actor, tmp_path: Path) -> None:
    contents = {b"f%d" % n: bytes([n]) * n * 1000 for n in range(30)}
    folder = folder_of(tmp_path / "in", contents)

    receipt = taken(node, actor, folder)

    assert receipt.value["offered"] == receipt.value["sealed"] == 30
    assert receipt.value["bytes"] == sum(map(len, contents.values()))
    assert opened(node, receipt) == {
        bytes(folder) + b"/" + name: content for name, content in contents.items()
    }
    for row in receipt.rows():
        content = contents[row.path.rpartition(b"/")[2]]
        assert row.sha256 == hashlib.sha256(content).digest()
    check_receipt(node, receipt.value["intake"], offered=30, rejected={})


NAMES = {
    "NFC": "é".encode(),
    "NFD": "e\u0301".encode(),
    "newline": b"a\nb",
    "right to left": "\u202egpj.exe".encode(),
    "255 bytes": b"n" * 255,
    "not UTF-8": b"\xff\xfe caf\xe9",
    "an option": b"-rf",
    "quotes": b"\"'`$(reboot)\\",
    "control characters": bytes(range(1, 32)),
    "a space": b" ",
    "surrogate bytes": b"\xed\xa0\x80",
    "emoji": "\U0001f3e5".encode(),
    "formula": b"=1+1",
}


def test_names_survive_byte_for_byte(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.store.models import Exhibit

    folder = folder_of(tmp_path / "in", {name: name for name in NAMES.values()})

    receipt = taken(node, actor, folder)

    expected = {bytes(folder) + b"/" + name for name in NAMES.values()}
    assert set(opened(node, receipt)) == expected
    lines = (receipt.folder / "intake.jsonl").read_bytes().splitlines()
    assert {name_bytes(json.loads(line), "path") for line in lines} == expected
    for exhibit in Exhibit.objects.select_related("statement"):
        statement = parse_statement(bytes(exhibit.statement.text))
        assert name_bytes(statement.body, "path") == bytes(exhibit.path)


def test_a_relative_path_is_kept_as_it_was_offered(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path / "in", {b"a": b"1"})
    monkeypatch.chdir(tmp_path)

    receipt = taken(node, actor, Path("in/../in"))

    assert [row.path for row in receipt.rows()] == [b"in/../in/a"]


def test_an_empty_file_is_an_exhibit(small_limit: Node, actor: Actor, tmp_path: Path) -> None:
    receipt = taken(small_limit, actor, folder_of(tmp_path / "in", {b"empty": b""}))

    assert list(opened(small_limit, receipt).values()) == [b""]


def test_an_empty_folder_gives_a_receipt_of_nothing(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    receipt = taken(node, actor, folder_of(tmp_path / "in", {}))

    assert receipt.value["offered"] == 0
    assert receipt.value["index_range"] == []
    check_receipt(node, receipt.value["intake"], offered=0, rejected={})


def test_a_file_above_the_segment_limit_has_a_body_of_its_own(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.store.models import Exhibit

    content = os.urandom(1 << 20) * 17
    receipt = taken(node, actor, folder_of(tmp_path / "in", {b"film": content, b"note": b"n"}))

    assert sorted(map(len, opened(node, receipt).values())) == [1, 17 << 20]
    assert opened(node, receipt)[bytes(tmp_path / "in" / "film")] == content
    assert [row.off is None for row in Exhibit.objects.order_by("n")] == [True, False]


@pytest.mark.slow
def test_a_sparse_file_of_more_than_four_gib_comes_out_as_it_went_in(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.node.unsealing import Vault
    from svitlo.store.models import Exhibit

    folder = folder_of(tmp_path / "in", {b"disk.img": b"begins"})
    with (folder / "disk.img").open("r+b") as file:
        file.truncate((4 << 30) + 7)
        file.seek((4 << 30) + 4)
        file.write(b"end")

    receipt = taken(node, actor, folder)

    assert receipt.value["bytes"] == (4 << 30) + 7
    with (folder / "disk.img").open("rb") as file, Vault(node) as vault:
        exhibit = Exhibit.objects.get()
        assert bytes(exhibit.sha256) == hashlib.file_digest(file, "sha256").digest()
        assert vault.read(exhibit, (4 << 30) - 2, 100) == bytes(6) + b"end"


def test_the_same_bytes_twice_are_two_exhibits_with_two_chains(
    small_limit: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.node.journeys.reading import custody_of
    from svitlo.store.models import Exhibit

    receipt = taken(small_limit, actor, folder_of(tmp_path / "in", {b"a": b"same", b"b": b"same"}))

    assert sealed(receipt) == [b"a", b"b"]
    own = [
        {statement.id for statement in custody_of(exhibit) if statement.type == "exhibit.sealed"}
        for exhibit in Exhibit.objects.all()
    ]
    assert len(own[0]) == len(own[1]) == 1
    assert own[0] != own[1]


def bodies(node: Node) -> list[tuple[str, int]]:
    """Case of each exhibit that is alone in its body, and which body that is."""
    from svitlo.store.models import Exhibit

    rows = Exhibit.objects.filter(off__isnull=True).order_by("seq")
    return list(rows.values_list("case", "blob_id"))


def test_large_twins_share_a_body_within_one_case(
    small_limit: Node, actor: Actor, tmp_path: Path
) -> None:
    first = folder_of(tmp_path / "one", {b"a": LARGE, b"b": LARGE})
    taken(small_limit, actor, first)
    taken(small_limit, actor, folder_of(tmp_path / "two", {b"c": LARGE}))

    assert len({body for _, body in bodies(small_limit)}) == 1
    assert len(bodies(small_limit)) == 3


def test_twins_share_no_body_across_cases(small_limit: Node, actor: Actor, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {b"a": LARGE})
    for case in ("north", "south", "north"):
        taken(small_limit, actor, folder, case=case)

    (_, first), (_, other), (_, again) = bodies(small_limit)
    assert first == again != other


def test_twins_share_no_body_across_recipients(
    small_limit: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.seal.recipients import HybridIdentity, format_recipient

    folder = folder_of(tmp_path / "in", {b"a": LARGE})
    taken(small_limit, actor, folder)
    more = format_recipient(HybridIdentity(bytes(32)).recipient)
    with (small_limit.folder / "recipients.txt").open("a") as file:
        file.write(f"headquarters {more}\n")

    taken(small_limit, actor, folder)

    (_, first), (_, second) = bodies(small_limit)
    assert first != second


def test_a_twin_of_a_damaged_body_is_sealed_again(
    small_limit: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": LARGE})
    taken(small_limit, actor, folder)
    (damaged,) = (small_limit.folder / "objects").glob("*/*")
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")

    receipt = taken(small_limit, actor, folder)

    assert list(opened(small_limit, receipt).values()) == [LARGE]


def test_what_is_no_file_is_rejected_by_name(node: Node, actor: Actor, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {b"good": b"1"})
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "up").symlink_to("..")
    (folder / "out").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))

        receipt = taken(node, actor, folder, Path("/dev/null"), tmp_path / "nowhere")

    assert sealed(receipt) == [b"good"]
    assert codes(receipt) == {
        b"fifo": "not_regular",
        b"socket": "not_regular",
        b"null": "not_regular",
        b"loop": "symlink",
        b"up": "symlink",
        b"out": "symlink",
        b"nowhere": "vanished",
    }
    assert not receipt.is_complete


def after_the_census(patch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens to the files between the census and the reading."""
    from svitlo.node.journeys import intake, intake_groups

    def seal_items(*given: object, **named: object) -> object:
        happens()
        return intake_groups.seal_items(*given, **named)  # type: ignore[arg-type]  # passed on as it came

    patch.setattr(intake, "seal_items", seal_items)


def test_what_vanishes_or_turns_into_something_else_is_rejected(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "in", dict.fromkeys((b"a", b"b", b"c", b"d"), b"1"))

    def happens() -> None:
        for name in ("a", "b", "c"):
            (folder / name).unlink()
        (folder / "b").symlink_to("d")
        os.mkfifo(folder / "c")

    after_the_census(monkeypatch, happens)

    receipt = taken(node, actor, folder)

    assert codes(receipt) == {b"a": "vanished", b"b": "symlink", b"c": "not_regular"}
    assert sealed(receipt) == [b"d"]


def test_a_file_that_grew_since_the_census_is_sealed_as_it_is(
    small_limit: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1", b"b": b"2"})
    after_the_census(monkeypatch, lambda: (folder / "a").write_bytes(LARGE))

    receipt = taken(small_limit, actor, folder)

    assert list(opened(small_limit, receipt).values()) == [LARGE, b"2"]


@pytest.mark.parametrize("size", [10, len(LARGE)])
def test_a_file_that_never_stands_still_is_rejected(
    small_limit: Node, actor: Actor, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    from svitlo.node import source

    folder = folder_of(tmp_path / "in", {b"growing": LARGE[:size], b"still": b"2"})
    is_same = source.is_same

    def grow(before: os.stat_result, after: os.stat_result) -> bool:
        if before.st_size >= size:
            return False
        return is_same(before, after)

    monkeypatch.setattr(source, "is_same", grow)

    receipt = taken(small_limit, actor, folder)

    assert codes(receipt) == {b"growing": "changed_while_reading"}
    assert sealed(receipt) == [b"still"]
    assert list((small_limit.folder / "spool").iterdir()) == []


def test_a_file_that_cannot_be_read_is_rejected(node: Node, actor: Actor) -> None:
    receipt = taken(node, actor, Path("/proc/self/mem"))

    assert codes(receipt) == {b"mem": "unreadable"}


def test_custody_begins_with_reception_and_seal(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.journeys.reading import custody_of
    from svitlo.store.models import Exhibit

    folder = folder_of(tmp_path / "in", {b"a": b"1"})

    receipt = taken(node, actor, folder, source="NGO", collected_by="Olena")

    received, exhibit, seal, batch = custody_of(Exhibit.objects.get())
    assert [received.body["event"], seal.body["event"]] == ["receive", "seal"]
    assert (received.body["from"], received.body["collected_by"]) == ("NGO", "Olena")
    assert received.body["clock"]["source"] in {"adjtimex", "unknown"}
    assert exhibit.batch == batch.id == receipt.value["batch"]
    assert batch.body["root"] == receipt.value["batch_root"]
    assert batch.body["source"] == "NGO"
    assert batch.sig is not None
    assert {received.actor, seal.actor, batch.actor} == {actor.person}


def test_nothing_offered_is_no_intake(node: Node, actor: Actor) -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        taken(node, actor)


@pytest.mark.parametrize("case", ["", "x" * 65, "two\nlines", "\udcff"])
def test_a_case_has_a_printable_name(node: Node, actor: Actor, tmp_path: Path, case: str) -> None:
    with pytest.raises(InvalidInput, match="case"):
        taken(node, actor, tmp_path, case=case)


@pytest.mark.parametrize("word", ["source", "collected_by"])
def test_words_that_are_no_text_are_refused(
    node: Node, actor: Actor, tmp_path: Path, word: str
) -> None:
    from svitlo.store.models import Intake

    with pytest.raises(InvalidInput, match="not text"):
        taken(node, actor, tmp_path / "in", **{word: "\udcff"})

    assert not Intake.objects.exists()


@pytest.mark.parametrize("below", ["", "..", "../elsewhere/.."])
def test_the_node_does_not_seal_itself_and_its_keys(node: Node, actor: Actor, below: str) -> None:
    (node.folder.parent / "elsewhere").mkdir()

    with pytest.raises(InvalidInput, match="its keys"):
        taken(node, actor, node.folder / below)


def test_a_folder_beside_the_node_may_begin_like_it(node: Node, actor: Actor) -> None:
    folder = folder_of(node.folder.parent / f"{node.folder.name}-photos", {b"a": b"1"})

    assert sealed(taken(node, actor, folder)) == [b"a"]
