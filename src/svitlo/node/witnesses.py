"""Witnesses on this machine: other nodes, each asked through a process of its own.

A witness is another node's `log witness` command: it reads one JSON object a line and answers with
one. The process is started when the witness is first asked, lives as long as the command that asks,
and gets none of this node's settings. What it answers is verified by the caller, never believed.
"""

import base64
import binascii
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from svitlo.errors import SealError, SettingsError, Unreachable
from svitlo.node.settings import Settings, WitnessSetting
from svitlo.seal.note import Verifier, parse_vkey
from svitlo.seal.signature import verifier

ANSWER_S = 30.0
"""Longest wait for an answer; starting the process is in it."""

MAX_ANSWER_BYTES = 1 << 20
_LEAVE_S = 5.0


class Witness:
    """One witness: its name, the key that its lines are checked with, and how to ask it.

    Raises:
        SettingsError: its key line is malformed.
    """

    def __init__(self, setting: WitnessSetting, base: Path) -> None:
        try:
            self.verifier: Verifier = verifier(parse_vkey(setting.vkey))
        except SealError as error:
            raise SettingsError(f"the vkey of a witness does not fit: {error}") from None
        self.name = self.verifier.name
        self._folder = base / setting.node
        self._process: subprocess.Popen[bytes] | None = None
        self._is_lost = False

    def last(self, origin: str) -> bytes | None:
        """The last note of that log that the witness cosigned, None when it never did.

        Raises:
            Unreachable: it does not answer, or not as it should.
        """
        note = self._ask({"get": origin}).get("note")
        return None if note is None else self._decoded(note)

    def add(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body that the witness answers to a request to cosign.

        Raises:
            Unreachable: it does not answer, or not as it should.
        """
        answer = self._ask({"add": base64.b64encode(body).decode()})
        status = answer.get("status")
        if not isinstance(status, int):
            raise Unreachable(f"{self.name} answered without a status")
        return status, self._decoded(answer.get("body"))

    def close(self) -> None:
        """The process has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _ask(self, question: Mapping[str, str]) -> dict[str, Any]:
        if self._is_lost:
            raise Unreachable(f"{self.name} does not answer")
        try:
            answer = json.loads(self._exchange(json.dumps(question).encode() + b"\n"))
        except (OSError, ValueError):
            self._lose()
            raise Unreachable(f"{self.name} does not answer as it should") from None
        if not isinstance(answer, dict):
            self._lose()
            raise Unreachable(f"{self.name} does not answer as it should")
        return answer

    def _exchange(self, line: bytes) -> bytes:
        process = self._process = self._process or self._started()
        if process.stdin is None or process.stdout is None:
            raise OSError
        process.stdin.write(line)
        process.stdin.flush()
        answer, until = b"", time.monotonic() + ANSWER_S
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not answer.endswith(b"\n"):
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise OSError
                block = os.read(process.stdout.fileno(), 1 << 16)
                answer += block
                if not block or len(answer) > MAX_ANSWER_BYTES:
                    raise OSError
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if not self._folder.is_dir():
            raise OSError
        return subprocess.Popen(
            [sys.executable, "-m", "svitlo", "--node", str(self._folder), "log", "witness"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={key: text for key, text in os.environ.items() if not key.startswith("SVITLO_")},
        )

    def _lose(self) -> None:
        self._is_lost = True
        if self._process is not None:
            self._process.kill()
        self.close()

    def _decoded(self, text: object) -> bytes:
        try:
            return base64.b64decode(str(text), validate=True)
        except binascii.Error:
            raise Unreachable(f"{self.name} does not answer as it should") from None


class Witnesses:
    """The witnesses that the settings name, for the life of one command."""

    def __init__(self, settings: Settings, base: Path) -> None:
        self._all = tuple(Witness(setting, base) for setting in settings.witnesses)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for witness in self._all:
            witness.close()

    def __iter__(self) -> Iterator[Witness]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
