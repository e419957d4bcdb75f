"""The cage: files are read by a walled process without keys, and only its answer comes back.

`Cage` starts the zygote (`python -I -m svitlo.media`) with an empty environment and no open file
but a control socket. For each file the zygote forks a child that asks this process for bytes over a
socket of its own; plaintext never touches a disk. A file that kills its reader, hangs it or
exhausts its memory costs that file its description, and says so; the next one is read as usual.

Threads may not share a cage. Where neither namespaces nor Landlock can be had there is no cage and
nothing is read; sealing does not need one.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from svitlo.errors import CagedProgramFailed, InvalidInput, SandboxError
from svitlo.node.answer import Outcome, serve
from svitlo.node.description import FRAMES, Description, parse_answer, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from svitlo.node.description import Skipped, Value

ZYGOTE = ("-I", "-m", "svitlo.media")
"""What the interpreter is started with: isolated from environment and user folders."""

ATTEMPTS = ("read", "write", "network", "memory", "run")
"""What `Cage.attempt` has a child try."""

_OUT_OF_MEMORY = 3
_START_S, _GRACE_S = 60, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CageLimits:
    """What one file may cost."""

    wall_s: int = 60
    cpu_s: int = 20
    memory_bytes: int = 1 << 30
    open_files: int = 64
    pixels: int = 100_000_000


class Cage:
    """A running zygote, and one child at a time. Use `with Cage.open() as cage`."""

    def __init__(
        self, limits: CageLimits | None = None, *, anchors: str = "", trust_list: str = ""
    ) -> None:
        self.limits = limits or CageLimits()
        self.walls: dict[str, bool] = {}
        self.tools: dict[str, str] = {}
        self._anchors = anchors
        self._trust_list = trust_list
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @classmethod
    def open(
        cls, limits: CageLimits | None = None, *, anchors: str = "", trust_list: str = ""
    ) -> Self:
        """A cage that is ready; `anchors` are PEM certificates of the trust list so named.

        Raises:
            SandboxError: This machine has neither namespaces nor Landlock, or lacks a library.
        """
        cage = cls(limits, anchors=anchors, trust_list=trust_list)
        cage._start()
        return cage

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote and whatever it still runs."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._control = self._process = None

    def describe(self, read: Callable[[int, int], bytes], size: int, name: str) -> Description:
        """What the file of `size` bytes says of itself; `read(offset, length)` gives its bytes.

        `name` is compared with the content and goes nowhere else.

        Raises:
            SandboxError: The cage could not be started again.
            StorageError: `read` gave fewer bytes than asked for. What `read` raises passes through.
        """
        request = {
            "name": name,
            "pixels": self.limits.pixels,
            "anchors": self._anchors,
            "trust_list": self._trust_list,
        }
        outcome = self._run("describe", request, read, size)
        reported: dict[str, Any] = {"version": importlib.metadata.version("svitlo")}
        reported["params"] = self._params()
        if outcome.reply and outcome.skipped is None:
            with contextlib.suppress(InvalidInput):
                return _described(outcome.reply, outcome.frames, reported)
            outcome.skipped = "bad_reply"
        reported["skipped"] = outcome.skipped or "crashed"
        with contextlib.suppress(InvalidInput):
            return _described(outcome.early, [], reported)
        unknown = {"mime": "application/octet-stream", "extension": "bin"}
        return Description(kind=unknown, **reported)

    def typeset(self, document: bytes) -> bytes:
        """The PDF that `svitlo.dossier.report` makes of a document in JSON.

        Raises:
            CagedProgramFailed: It gave no PDF; the message says why.
            SandboxError: The cage could not be started again.
        """

        def read(offset: int, length: int) -> bytes:
            return document[offset : offset + length]

        outcome = self._run("typeset", {}, read, len(document))
        return _product(outcome, b"%PDF-", "the report was not typeset")

    def redact(
        self,
        read: Callable[[int, int], bytes],
        size: int,
        boxes: Sequence[tuple[int, int, int, int]],
    ) -> bytes:
        """A PNG copy of a picture, upright and without metadata, with `boxes` painted over.

        A box is left, top, width, height in pixels of the upright picture. Without boxes it is a
        clean working copy.

        Raises:
            CagedProgramFailed: It is no picture, or a box leaves it; the message says which.
            SandboxError: The cage could not be started again.
        """
        request: dict[str, object] = {"boxes": list(boxes), "pixels": self.limits.pixels}
        outcome = self._run("redact", request, read, size)
        return _product(outcome, b"\x89PNG", "the picture was not redacted")

    def attempt(self) -> dict[str, bool]:
        """What a child tried to do, and whether the walls refused it: all should be True.

        It tries to read and write a file outside, to reach the network, to take 2 GiB, and to run
        a program.

        Raises:
            CagedProgramFailed: The child did not say.
        """
        outcome = self._run("attempt", {}, lambda _offset, _length: b"", 0)
        try:
            found = parse_object(outcome.reply or outcome.early)
        except InvalidInput:
            raise CagedProgramFailed("the walls of the cage could not be tried") from None
        return {name: found.get(name) is True for name in ATTEMPTS}

    def _params(self) -> dict[str, Value]:
        libraries: Value = {name.replace("-", "_"): self.tools[name] for name in self.tools}
        walls: Value = [name for name, stands in self.walls.items() if stands]
        limits = self.limits
        return {
            "pixels": limits.pixels,
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_s,
            "wall_s": limits.wall_s,
            "walls": walls,
            "libraries": libraries,
        }

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *ZYGOTE],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        self._control = ours
        ready = self._hear(_START_S)
        if not ready.get("ready"):
            self.close()
            raise SandboxError(_why_not(ready))
        self.walls, self.tools = ready["walls"], ready["tools"]
        return ours

    def _run(
        self, program: str, request: dict[str, object], read: Callable[[int, int], bytes], size: int
    ) -> Outcome:
        """What one child said; a zygote that was found dead is replaced, once."""
        request = {**request, "program": program, "size": size}
        outcome = self._run_once(request, read, size)
        if outcome is None:
            outcome = self._run_once(request, read, size)
        return outcome or Outcome(skipped="crashed")

    def _run_once(
        self, request: dict[str, object], read: Callable[[int, int], bytes], size: int
    ) -> Outcome | None:
        """What one child said; None when the zygote died and no child had begun."""
        outcome = Outcome()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._ask(request, theirs)
            ours.settimeout(self.limits.wall_s + _GRACE_S)
            try:
                serve(ours, outcome, read, size)
            except InvalidInput:
                outcome.skipped = "bad_reply"
            finally:
                ours.close()
                status = self._hear(self.limits.wall_s + _GRACE_S)
                if "ended" not in status:
                    self.close()
        if status.get("gone") and not outcome.early and not outcome.skipped:
            return None
        outcome.skipped = outcome.skipped or self._cause(status)
        return outcome

    def _ask(self, request: dict[str, object], line: socket.socket) -> None:
        limits = self.limits
        inner = {
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_s,
            "open_files": limits.open_files,
        }
        whole = {**request, "limits": inner, "wall_s": limits.wall_s}
        body = json.dumps(whole).encode()
        for attempt in (1, 2):
            control = self._control or self._start()
            try:
                socket.send_fds(control, [len(body).to_bytes(4, "big")], [line.fileno()])
                control.sendall(body)
            except OSError as error:
                self.close()
                if attempt == 2:  # noqa: PLR2004 - a zygote that has died is started again, once
                    raise SandboxError("the process of the cage ends at once") from error
            else:
                return

    def _hear(self, timeout_s: float) -> dict[str, Any]:
        """The zygote's next word; `gone` when it has ended, `silent` when it says nothing."""
        if self._control is None:
            return {"gone": True}
        self._control.settimeout(timeout_s)
        try:
            head = self._control.recv(4, socket.MSG_WAITALL)
            body = self._control.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            return cast("dict[str, Any]", json.loads(body))
        except TimeoutError:
            return {"silent": True}
        except (OSError, ValueError):
            return {"gone": True}

    def _cause(self, status: dict[str, Any]) -> Skipped | None:
        """Why a child ended without a reply, from how it ended."""
        if "ended" not in status:
            return "time" if status.get("silent") else "crashed"
        ended = status["ended"]
        used_up = status["cpu_ms"] >= self.limits.cpu_s * 1000
        if ended == 0:
            return None
        if status["is_late"] or ended == -signal.SIGXCPU or (ended == -signal.SIGKILL and used_up):
            return "time"
        if ended in {_OUT_OF_MEMORY, -signal.SIGKILL}:
            return "memory"
        return "crashed"


def _product(outcome: Outcome, magic: bytes, failure: str) -> bytes:
    """The file that a child made.

    Raises:
        CagedProgramFailed: It made none, or one of another kind.
    """
    made = b"".join(outcome.frames)
    if outcome.skipped is None and made.startswith(magic):
        return made
    why: object = outcome.skipped or "bad_reply"
    with contextlib.suppress(InvalidInput):
        why = parse_object(outcome.early).get("failed", why)
    raise CagedProgramFailed(f"{failure}: {why}")


def _why_not(ready: dict[str, Any]) -> str:
    if "missing" in ready:
        return f"the cage cannot read files, a library is not here: {ready['missing']}"
    if "ready" in ready:
        return "no cage can be built here: the kernel allows neither namespaces nor Landlock"
    return "the process of the cage did not start"


def _described(text: bytes, frames: list[bytes], reported: dict[str, Any]) -> Description:
    """A checked answer as a value.

    Raises:
        InvalidInput: It is not what was agreed.
    """
    answer = cast("dict[str, Any]", parse_answer(text))
    named = dict(zip(answer.get("has", []), frames, strict=False)) if frames else {}
    if len(named) != len(frames) or not named.keys() <= FRAMES:
        raise InvalidInput("the caged reader sent frames that it did not name")
    if "preview" in named and not named["preview"].startswith(b"\xff\xd8\xff"):
        raise InvalidInput("the caged reader sent a preview that is no JPEG")
    if "skipped" in answer:
        reported = {"skipped": answer["skipped"], **reported}
    parts = {name: answer[name] for name in ("kind", "fields", "provenance", "fingerprint")}
    return Description(**parts, **named, **reported)
