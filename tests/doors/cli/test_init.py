"""`svitlo init`: a node is made, and what cannot be changed later is said."""

import subprocess
import sys
from pathlib import Path

import pytest

from svitlo.node.settings import load_settings
from tests.fakes.shell import svitlo


def init(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own: a process has one node."""
    command = [sys.executable, "-m", "svitlo", "init", str(folder), *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_node_is_made_and_its_permanent_origin_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "node"

    done = init(folder, "--state", "DE", "--name", "Contact point A", "--origin", "a.example")

    assert (done.returncode, done.stdout) == (0, f"{folder}\n"), done.stderr
    assert "permanent origin is a.example" in done.stderr
    assert "no passphrase" in done.stderr
    settings = load_settings(folder, {})
    assert (settings.state, settings.name, settings.origin) == (
        "DE",
        "Contact point A",
        "a.example",
    )
    assert settings.person.startswith("p-")
    assert (folder / "tiles" / "spine" / "1" / "checkpoint").exists()


def test_with_a_passphrase_file_the_keys_are_sealed(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text("correct horse battery staple\n")
    folder = tmp_path / "node"

    done = init(
        folder, "--state", "DE", "--name", "A", "--passphrase-file", str(tmp_path / "phrase")
    )

    assert done.returncode == 0, done.stderr
    assert "no passphrase" not in done.stderr
    for path in (folder / "keys").iterdir():
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n"), path.name
    assert load_settings(folder, {}).origin == "a.de.internal"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "A"], "--state"),
        (["--state", "DE"], "--name"),
        (["--state", "Germany", "--name", "A"], "country code"),
        (["--state", "DE", "--name", ""], "--name"),
        (["--state", "DE", "--name", "A", "--origin", "A"], "--origin"),
        (["--state", "DE", "--name", "Київ"], "--origin"),
        (["--state", "DE", "--name", "A", "--passphrase-file", "/nowhere"], "does not exist"),
        (["--state", "DE", "--name", "A", "--passphrase-file", "empty"], "is empty"),
        (["--state", "DE", "--name", "A", "--passphrase-file", "binary"], "is no text"),
    ],
)
def test_wrong_input_makes_no_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    answer = svitlo(tmp_path, "init", str(tmp_path / "node"), *words)

    assert answer.code == 2
    assert said in answer.err
    assert not (tmp_path / "node").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"1")

    answer = svitlo(tmp_path, "init", str(tmp_path), "--state", "DE", "--name", "A")

    assert answer.code == 2
    assert "not an empty folder" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["photo"]
