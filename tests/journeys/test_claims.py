"""Claimed digests: what a manifest says holds, or the item is rejected and nothing of it sealed."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from svitlo.errors import InvalidInput, ManifestError
from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from svitlo.record.statement import parse_statement
from tests.fakes.offers import codes, folder_of, opened, sealed, taken
from tests.fakes.promises import check_receipt

KIB = 1 << 10
LARGE = bytes(range(256)) * 16


@pytest.fixture
def small_limit(node: Node) -> Node:
    """The node, which gives everything above 1 KiB a body of its own."""
    return replace(node, settings=replace(node.settings, segment_member_max=KIB))


def listed(folder: Path, names: list[str], algorithm: str = "sha256") -> Path:
    """A manifest beside the folder, of the files as they are now."""
    manifest = folder.parent / f"{algorithm.upper()}SUMS"
    lines = []
    for name in names:
        state = hashlib.new(algorithm, (folder / name).read_bytes(), usedforsecurity=False)
        lines.append(f"{state.hexdigest()}  {folder.name}/{name}\n")
    manifest.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return manifest


def claimed_of(node: Node) -> dict[bytes, Any]:
    """What the statement of each exhibit says was claimed, by the last part of its name."""
    from svitlo.store.models import Exhibit

    return {
        bytes(row.path).rpartition(b"/")[2]: parse_statement(bytes(row.statement.text)).body.get(
            "claimed"
        )
        for row in Exhibit.objects.select_related("statement")
    }


def test_claims_that_hold_stand_in_the_statement_apart_from_what_was_measured(
    small_limit: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"large": LARGE, b"small": b"s"})
    manifests = [listed(folder, ["large", "small"], kind) for kind in ("sha256", "md5")]

    receipt = taken(small_limit, actor, folder, manifests=tuple(map(bytes, manifests)))

    assert claimed_of(small_limit) == {
        name: {
            "digests": {
                "sha256": hashlib.sha256(content).hexdigest(),
                "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            },
            "weak": ["md5"],
        }
        for name, content in {b"large": LARGE, b"small": b"s"}.items()
    }
    assert [file["lines"] for file in receipt.value["manifests"]] == [2, 2]
    assert receipt.value["lines_without_file"] == {"count": 0, "names": []}
    check_receipt(small_limit, receipt.value["intake"], offered=2, rejected={})


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha384", "sha512"])
def test_what_differs_from_its_line_is_rejected_and_nothing_of_it_is_sealed(
    small_limit: Node, actor: Actor, tmp_path: Path, algorithm: str
) -> None:
    from svitlo.store.models import Blob, Exhibit

    folder = folder_of(tmp_path / "in", {b"large": LARGE, b"small": b"s"})
    manifest = listed(folder, ["large", "small"], algorithm)
    (folder / "large").write_bytes(LARGE + b"!")
    (folder / "small").write_bytes(b"t")

    receipt = taken(small_limit, actor, folder, manifests=(bytes(manifest),))

    assert codes(receipt) == {b"large": "digest_mismatch", b"small": "digest_mismatch"}
    assert not Exhibit.objects.exists()
    assert not Blob.objects.exists()
    assert list((small_limit.folder / "spool").iterdir()) == []
    assert all(algorithm in row.reason for row in receipt.rows())


def test_one_mismatch_leaves_the_others_sealed(node: Node, actor: Actor, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1", b"b": b"2", b"c": b"3"})
    manifest = listed(folder, ["a", "b", "c"])
    (folder / "b").write_bytes(b"other")

    receipt = taken(node, actor, folder, manifests=(bytes(manifest),))

    assert codes(receipt) == {b"b": "digest_mismatch"}
    assert sealed(receipt) == [b"a", b"c"]
    assert sorted(opened(node, receipt).values()) == [b"1", b"3"]
    check_receipt(node, receipt.value["intake"], offered=3, rejected={"digest_mismatch": 1})


def test_64_digits_without_a_name_may_be_of_blake3(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    digest = blake3(b"1").hexdigest()
    (tmp_path / "list").write_text(f"{digest}  in/a\n", encoding="utf-8")

    taken(node, actor, folder, manifests=(bytes(tmp_path / "list"),))

    assert claimed_of(node) == {b"a": {"digests": {"blake3": digest}}}


def test_a_manifest_in_the_folder_is_sealed_and_needs_no_line(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a\nb": b"1", b"c\\d": b"2"})
    digests = [hashlib.sha256(content).hexdigest() for content in (b"1", b"2")]
    lines = f"\\{digests[0]}  a\\nb\n\\{digests[1]}  c\\\\d\n"
    (folder / "SHA256SUMS").write_text(lines, encoding="utf-8")

    receipt = taken(node, actor, folder, manifests=(bytes(folder / "SHA256SUMS"),))

    assert len(sealed(receipt)) == 3
    assert [name for name, claim in claimed_of(node).items() if claim is None] == [b"SHA256SUMS"]


def test_a_relative_offer_and_another_way_to_the_folder_are_the_same_files(
    node: Node, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    manifest = listed(folder, ["a"])
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)

    receipt = taken(node, actor, Path("in"), manifests=(bytes(tmp_path / "link" / manifest.name),))

    assert sealed(receipt) == [b"a"]
    assert claimed_of(node)[b"a"] is not None


@pytest.mark.parametrize(
    "case",
    [
        (["{a}  in/a", "not a line"], "malformed_line"),
        (["{a}  in/a", "CRC32 (in/a) = 00"], "unknown_algorithm"),
        (["{a}  in/a", "{a}  in/../in/a"], "duplicate_path"),
        (["{a}  in/a", "{a}  ../a"], "out_of_scope"),
        (["{a}  in/a", "{a}  /etc/passwd"], "out_of_scope"),
        (["{a}  in/a", "{a}  in/b"], "line_without_file"),
        ([], "file_without_line"),
    ],
)
def test_a_manifest_that_does_not_fit_stops_before_anything_is_sealed(
    node: Node, actor: Actor, tmp_path: Path, case: tuple[list[str], str]
) -> None:
    from svitlo.store.models import Exhibit, Intake, IntakeItem, Statement

    lines, code = case
    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    digest = hashlib.sha256(b"1").hexdigest()
    manifest = tmp_path / "SHA256SUMS"
    manifest.write_text("\n".join(lines).format(a=digest), encoding="utf-8")
    before = Statement.objects.count()

    with pytest.raises(ManifestError) as caught:
        taken(node, actor, folder, manifests=(bytes(manifest),))

    assert caught.value.codes == (code,)
    assert code in str(caught.value)
    assert not Exhibit.objects.exists()
    assert not Intake.objects.exists()
    assert not IntakeItem.objects.exists()
    assert Statement.objects.count() == before


def test_all_faults_are_told_at_once_and_many_are_counted(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    (tmp_path / "list").write_text("x\n" * 30, encoding="utf-8")

    with pytest.raises(ManifestError) as caught:
        taken(node, actor, folder, manifests=(bytes(tmp_path / "list"),))

    assert len(caught.value.codes) == 30
    assert "and 10 more" in str(caught.value)


def test_a_manifest_that_is_not_there_is_wrong_input(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1"})

    with pytest.raises(InvalidInput, match="cannot be read"):
        taken(node, actor, folder, manifests=(bytes(tmp_path / "gone"),))


def test_on_request_what_has_no_counterpart_is_noted_and_the_rest_sealed(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", {b"a": b"1", b"b": b"2"})
    manifest = listed(folder, ["a"])
    with manifest.open("a", encoding="utf-8") as file:
        file.write("00" * 32 + "  in/gone\n")

    receipt = taken(node, actor, folder, manifests=(bytes(manifest),), is_partly_listed=True)

    assert sealed(receipt) == [b"a", b"b"]
    assert receipt.value["lines_without_file"] == {"count": 1, "names": [{"name": "in/gone"}]}
    unlisted = receipt.value["files_without_line"]
    assert unlisted == {"count": 1, "names": [{"name": str(folder / "b")}]}
    assert claimed_of(node)[b"b"] is None


def test_the_reception_names_the_manifests_by_their_digests(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    from svitlo.store.models import Statement

    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    manifest = listed(folder, ["a"])

    receipt = taken(node, actor, folder, manifests=(bytes(manifest),))

    bodies = [row.value.body for row in Statement.objects.filter(type="custody.event")]
    (said,) = [body["manifests"] for body in bodies if "manifests" in body]
    assert said == receipt.value["manifests"]
    assert said[0]["sha256"] == hashlib.sha256(manifest.read_bytes()).hexdigest()


def test_what_came_by_standard_input_is_held_to_the_line_of_a_dash(
    node: Node, actor: Actor, tmp_path: Path
) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(b'1').hexdigest()}  -\n", "utf-8")

    def added(content: bytes) -> int:
        words = ["exhibit", "add", "-", "--manifest", str(tmp_path / "SHA256SUMS")]
        command = [sys.executable, "-m", "svitlo", "--node", str(node.folder), *words]
        return subprocess.run(command, input=content, check=False, capture_output=True).returncode

    assert added(b"1") == 0
    assert added(b"2") == 1


def test_members_of_an_archive_need_no_line(node: Node, actor: Actor, tmp_path: Path) -> None:
    import zipfile

    folder = folder_of(tmp_path / "in", {})
    with zipfile.ZipFile(folder / "a.zip", "w") as file:
        file.writestr("m", b"member")
    manifest = listed(folder, ["a.zip"])

    receipt = taken(node, actor, folder, manifests=(bytes(manifest),), has_members=True)

    assert sealed(receipt) == [b"a.zip", b"m"]


def test_after_a_kill_the_same_claims_are_held_to(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.store.models import Intake

    one = replace(node, settings=replace(node.settings, group_items=2))
    folder = folder_of(tmp_path / "in", {b"%d" % n: b"%d" % n for n in range(6)})
    manifest = listed(folder, [str(n) for n in range(6)])
    (folder / "5").write_bytes(b"other")
    offer = Offer(paths=(bytes(folder),), manifests=(bytes(manifest),))

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(one, actor, offer, progress=stop)

    receipt = take_in(one, actor, offer)

    assert Intake.objects.count() == 1
    assert codes(receipt) == {b"5": "digest_mismatch"}
    assert all(claimed_of(node).values())
    assert len(claimed_of(node)) == 5


def test_another_manifest_is_another_offer(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.claims import Claims
    from svitlo.node.journeys.intake import Offer

    folder = folder_of(tmp_path / "in", {b"a": b"1"})
    paths = (bytes(folder),)
    offer = Offer(paths=paths)
    first = offer.request(actor, Claims((bytes(listed(folder, ["a"])),), paths))
    second = offer.request(actor, Claims((bytes(listed(folder, ["a"], "md5")),), paths))

    assert len({first, second, offer.request(actor, Claims())}) == 3


def test_names_that_are_not_text_are_found(node: Node, actor: Actor, tmp_path: Path) -> None:
    name = b"\xff\xe9 \xe2\x80\xae"
    folder = folder_of(tmp_path / "in", {name: b"1"})
    manifest = listed(folder, [os.fsdecode(name)])

    taken(node, actor, folder, manifests=(bytes(manifest),))

    assert claimed_of(node)[name] is not None
