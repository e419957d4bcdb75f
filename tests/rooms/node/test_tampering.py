from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from svitlo.errors import NotFound
from svitlo.node.demo import tampering

if TYPE_CHECKING:
    from pathlib import Path


def test_one_byte_is_changed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"abc")
    path.chmod(0o400)

    tampering.flip_byte(path, 1)

    assert path.read_bytes() == b"acc"
    assert path.stat().st_mode & 0o777 == 0o400


def test_the_first_exhibit_that_is_not_empty_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, content in (("0001", b""), ("0002", b"photo")):
        folder = tmp_path / "data" / "exhibits" / number
        folder.mkdir(parents=True)
        (folder / "original.jpg").write_bytes(content)

    tampering.main([str(tmp_path)])

    assert "0002/original.jpg: one byte is another now" in capsys.readouterr().out


def test_a_folder_without_exhibits_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no exhibit"):
        tampering.first_original(tmp_path)
