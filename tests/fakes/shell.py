"""Commands as a shell runs them, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from svitlo.cli.program import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:  # the JSON of any command
        return json.loads(self.out)


def svitlo(folder: Path, *words: str, env: dict[str, str] | None = None) -> Answer:
    """The answer of `svitlo --node FOLDER WORDS...`."""
    done = CliRunner().invoke(main, ["--node", str(folder), *words], env=env)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


def sealed(folder: Path, *contents: bytes) -> list[str]:
    """The identifiers of exhibits with these contents, added by the command."""
    offered = folder.parent / f"offered-{len(list(folder.parent.iterdir()))}"
    offered.mkdir()
    for number, content in enumerate(contents):
        (offered / f"f{number}").write_bytes(content)
    value = svitlo(folder, "exhibit", "add", str(offered), "--json").value
    return [row["id"] for row in sorted(value["exhibits"], key=lambda row: str(row["name"]))]
