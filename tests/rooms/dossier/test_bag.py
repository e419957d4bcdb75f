from __future__ import annotations

import hashlib
import os
import tarfile
from typing import TYPE_CHECKING

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.dossier.bag import BagReport, bag_files, escape_path, examine_bag
from svitlo.dossier.folder import Tree
from svitlo.dossier.verify import open_folder
from svitlo.errors import BagError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"data/a.txt": b"light\n", "data/sub/b.bin": bytes(300)}

# Git does not hold these files of the suite: they are ignored, or one name in two normal forms.
NOT_IN_GIT = {
    "special-system-files": ("data/.DS_Store",),
    "same-filename-listed-twice-with-different-normalization": (
        "data/N\u00fa\u00f1ez",
        "data/Nu\u0301n\u0303ez",
    ),
}
# Valid only where a file system takes both names for one file: here one of them is missing.
ONE_FILE_IN_TWO_CASES = "duplicate-file-with-different-case"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def bag_of(payload: dict[str, bytes], **tags: bytes) -> dict[str, bytes]:
    rows = [(path, sha256(content), len(content)) for path, content in payload.items()]
    extra = [(path, sha256(content)) for path, content in tags.items()]
    files = dict(bag_files(rows, extra, [("Source-Organization", "Контактний пункт")]))
    return {**payload, **tags, **files}


def tree_of(files: dict[str, bytes]) -> Tree:
    def digest(path: str, algorithms: object) -> tuple[tuple[str, ...], int]:
        assert isinstance(algorithms, tuple)
        content = files[path]
        return tuple(hashlib.new(name, content).hexdigest() for name in algorithms), len(content)

    return Tree(tuple(files), (), files.__getitem__, digest)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def kinds(report: BagReport) -> list[tuple[str, str]]:
    return [(finding.kind, finding.about) for finding in report.findings]


@pytest.fixture(scope="session")
def suite(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bagit-suite")
    with tarfile.open(shared / "bagit-conformance-suite" / "suite.tar.gz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not before 3.11.4
        archive.extractall(folder)  # noqa: S202 - the project's own test data
    return folder


@pytest.mark.shared
def test_every_case_of_the_conformance_suite_gets_its_verdict(suite: Path) -> None:
    wrong = []
    bags = sorted(path for path in suite.glob("v*/*/*/") if path.is_dir())
    for bag in bags:
        category, name = bag.parent.name, bag.name
        for missing in NOT_IN_GIT.get(name, ()):
            (bag / missing).write_bytes(b"")
        report = examine_bag(open_folder(bag))
        good = category in {"valid", "warning"} and name != ONE_FILE_IN_TWO_CASES
        warned = bool(report.warnings) or category != "warning"
        if report.is_valid != good or not warned:
            wrong.append((f"{category}/{name}", [str(finding) for finding in report.findings]))

    assert not wrong
    assert len(bags) >= 54


def test_a_bag_that_we_write_is_valid_for_us_and_for_the_library_of_congress(
    tmp_path: Path,
) -> None:
    write(tmp_path, bag_of(GOOD))

    report = examine_bag(open_folder(tmp_path))

    assert report.is_valid
    assert report.version == "1.0"
    assert report.sha256["data/a.txt"] == sha256(b"light\n")
    assert dict(report.metadata)["Payload-Oxum"] == "306.2"
    assert bagit.Bag(str(tmp_path)).is_valid()


def test_names_with_line_ends_and_percent_signs_survive(tmp_path: Path) -> None:
    payload = {"data/a\nb%0A%25.txt": b"1", "data/c\rd %.txt": b"2"}

    report = examine_bag(tree_of(bag_of(payload)))

    assert report.is_valid
    assert not report.warnings
    assert escape_path("a\r\n%") == "a%0D%0A%25"


def test_every_fault_is_named_and_none_hides_another() -> None:
    files = bag_of({**GOOD, "data/c.txt": b"c", "data/d.txt": b"d"})
    files["data/a.txt"] = b"Light\n"
    files["data/new.txt"] = b"?"
    files["bag-info.txt"] = files["bag-info.txt"].replace(b"Source", b"Sauce")
    del files["data/c.txt"], files["data/d.txt"]

    report = examine_bag(tree_of(files))

    assert set(kinds(report)) == {
        ("bad", "data/a.txt"),
        ("extra", "data/new.txt"),
        ("missing", "data/c.txt"),
        ("missing", "data/d.txt"),
        ("bad", "bag-info.txt"),
        ("oxum", "bag-info.txt"),
    }


def test_a_path_listed_twice_is_invalid_in_1_0_even_with_equal_digests() -> None:
    files = bag_of(GOOD)
    files["manifest-sha256.txt"] += files["manifest-sha256.txt"].splitlines(keepends=True)[0]

    assert ("duplicate", "data/a.txt") in kinds(examine_bag(tree_of(files)))


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "data/../../x", "~/x", "~bob/x", "C:\\x", "\\\\host\\x", "data//x"],
)
def test_a_path_that_leaves_the_bag_is_refused_and_never_opened(path: str) -> None:
    files = bag_of(GOOD)
    files["manifest-sha256.txt"] += f"{'0' * 64}  {path}\n".encode()

    report = examine_bag(tree_of(files))

    assert ("out of scope", path) in kinds(report)
    assert ("missing", path) not in kinds(report)


def test_links_and_special_files_are_faults_and_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "bag", bag_of(GOOD))
    (tmp_path / "outside.txt").write_bytes(b"light\n")
    (tmp_path / "bag/data/a.txt").unlink()
    (tmp_path / "bag/data/a.txt").symlink_to(tmp_path / "outside.txt")
    (tmp_path / "bag/data/loop").symlink_to(tmp_path / "bag")
    os.mkfifo(tmp_path / "bag/data/pipe")

    found = kinds(examine_bag(open_folder(tmp_path / "bag")))

    for name in ("data/a.txt", "data/loop", "data/pipe"):
        assert ("not a file", name) in found
    assert ("missing", "data/a.txt") in found


def test_nothing_is_fetched(tmp_path: Path) -> None:
    files = bag_of(GOOD)
    del files["data/a.txt"]
    files["fetch.txt"] = b"http://127.0.0.1:9/a - data/a.txt\nhttp://127.0.0.1:9/b - /etc/x\n"

    report = examine_bag(tree_of(files))

    assert ("out of scope", "/etc/x") in kinds(report)
    assert any("nothing is fetched" in str(finding) for finding in report.findings)


def test_a_name_that_is_not_text_is_shown_without_control_characters() -> None:
    files = {**bag_of(GOOD), "data/\udcff\x1b[31m": b"x"}

    messages = [str(finding) for finding in examine_bag(tree_of(files)).findings]

    assert any("\\udcff\\x1b[31m" in message for message in messages)


def test_metadata_cannot_smuggle_a_line() -> None:
    facts = [("External-Identifier", "x\nPayload-Oxum: 0.0")]
    files = dict(bag_files([("data/a", sha256(b""), 0)], [], facts))

    report = examine_bag(tree_of({**files, "data/a": b""}))

    assert report.is_valid
    assert [label for label, _ in report.metadata].count("Payload-Oxum") == 1


def test_a_payload_path_outside_data_or_given_twice_is_refused() -> None:
    for rows in ([("x", "0", 0)], [("data/x", "0", 0)] * 2):
        with pytest.raises(BagError, match="payload path"):
            list(bag_files(rows, [], []))


def test_an_empty_folder_is_no_bag(tmp_path: Path) -> None:
    assert kinds(examine_bag(open_folder(tmp_path))) == [("missing", "bagit.txt")]
    with pytest.raises(BagError, match="cannot be listed"):
        open_folder(tmp_path / "nowhere")


@given(
    st.sampled_from(["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"]),
    st.binary(max_size=300),
)
def test_any_bytes_in_a_tag_file_give_findings_and_no_exception(name: str, noise: bytes) -> None:
    files = {**bag_of(GOOD), "fetch.txt": noise, name: noise}

    report = examine_bag(tree_of(files))

    assert report.unlisted or not report.is_valid
