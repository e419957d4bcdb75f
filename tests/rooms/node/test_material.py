from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import MissingComponent
from svitlo.node.demo import material

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return material.make_material(tmp_path_factory.mktemp("material"))


def test_the_folder_holds_every_kind_that_an_investigator_gets(made: tuple[Path, ...]) -> None:
    kinds = {path.suffix for path in made}

    assert kinds == {".jpg", ".png", ".mp4", ".pdf", ".txt", ".csv", ".warc"}


def test_one_name_comes_in_both_unicode_forms_and_its_bytes_twice(made: tuple[Path, ...]) -> None:
    first, second = (path for path in made if path.name.endswith("ряд 01.jpg"))

    assert first.name != second.name
    assert unicodedata.normalize("NFC", first.name) == unicodedata.normalize("NFC", second.name)
    assert first.read_bytes() == second.read_bytes()


def test_a_name_with_a_newline_and_an_empty_file_are_there(made: tuple[Path, ...]) -> None:
    assert any("\n" in path.name for path in made)
    assert [path.name for path in made if path.stat().st_size == 0] == ["порожній файл.txt"]


def test_only_one_file_lies_there_twice(made: tuple[Path, ...]) -> None:
    digests = {hashlib.sha256(path.read_bytes()).digest() for path in made}

    assert len(digests) == len(made) - 1


def test_the_same_call_gives_the_same_bytes(made: tuple[Path, ...], tmp_path: Path) -> None:
    again = material.make_material(tmp_path)

    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]


def test_what_a_child_cannot_make_is_said() -> None:
    with pytest.raises(MissingComponent, match="no specimen photo"):
        material.specimen("photo", given=b"not a picture")


def test_the_web_archive_carries_right_digests(made: tuple[Path, ...]) -> None:
    from warcio.checker import Checker

    (archive,) = (path for path in made if path.suffix == ".warc")
    checker = Checker(_Options())

    checker.process_one(str(archive))

    assert checker.exit_value == 0


class _Options:
    verbose = False
    inputs: tuple[str, ...] = ()
