"""Opening a node: what is missing or broken is said before anything is done."""

import shutil
from pathlib import Path

import pytest

from svitlo.errors import NotFound, SettingsError, StorageError
from svitlo.node.opening import Node, open_node, passphrase_of
from svitlo.node.settings import Settings


def test_a_node_knows_its_names(node: Node) -> None:
    assert node.spine == "a.example/spine/1"
    assert node.audit == "a.example/audit/1"
    assert node.witness == "a.example/witness"
    assert node.published(node.spine) == node.folder / "tiles" / "spine" / "1"


def test_its_logs_are_there_and_no_other(node: Node) -> None:
    assert node.log(node.spine).size() > 0
    assert node.log(node.audit).size() == 1
    with pytest.raises(NotFound, match=r"no log b\.example"):
        node.log("b.example/spine/1")


def test_its_clock_has_a_zone(node: Node) -> None:
    assert node.now().tzinfo is not None


def test_a_folder_that_is_no_node_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound, match="svitlo init"):
            open_node(folder)


def test_a_node_without_origin_is_told(tmp_path: Path) -> None:
    (tmp_path / "svitlo.toml").write_text('name = "A"\n')

    with pytest.raises(SettingsError, match="no origin"):
        open_node(tmp_path)


def test_a_node_that_lost_its_database_gets_no_empty_one(node: Node) -> None:
    copy = node.folder.parent / "copy"
    shutil.copytree(node.folder, copy)
    (copy / "svitlo.db").unlink()

    with pytest.raises(NotFound, match="lost its database"):
        open_node(copy)

    assert not (copy / "svitlo.db").exists()


def test_a_database_that_is_none_is_told(node: Node) -> None:
    copy = node.folder.parent / "copy"
    shutil.copytree(node.folder, copy)
    (copy / "svitlo.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(StorageError, match="cannot be opened"):
        open_node(copy)


def test_another_node_may_be_opened_after_it(node: Node, founded: Path) -> None:
    from svitlo.store.models import Log

    with_more = Log.objects.count()
    other = node.folder.parent / "other"
    shutil.copytree(founded, other)

    open_node(other)

    assert Log.objects.count() == with_more
    assert node.spine == open_node(node.folder).spine


def test_the_passphrase_comes_from_the_file_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text("words \n")

    assert passphrase_of(Settings(passphrase_file=str(tmp_path / "phrase"))) == "words "
    with pytest.raises(SettingsError, match="SVITLO_PASSPHRASE_FILE"):
        passphrase_of(Settings())
    with pytest.raises(SettingsError, match="No such file"):
        passphrase_of(Settings(passphrase_file=str(tmp_path / "nowhere")))
    (tmp_path / "phrase").write_bytes(b"\xff\x00")
    with pytest.raises(SettingsError, match="no text"):
        passphrase_of(Settings(passphrase_file=str(tmp_path / "phrase")))
