"""Work that is killed: a child of this process, and what it had said before it died.

The child is forked, so it is warm: Django is set up and everything is imported. It dies by SIGKILL,
either at a point where it writes (a trap), or at a moment that the parent chooses.
"""

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Say = Callable[[dict[str, Any]], None]
Moment = Literal["before", "half", "after"]

_CALLS = ("fsync", "fdatasync", "link", "replace", "unlink", "mkdir", "ftruncate")
_write = os.write


@dataclass(frozen=True)
class Trap:
    """Death at the `at`-th write point (from 0): before it, half way through it, or after it."""

    at: int
    moment: Moment


@dataclass(frozen=True)
class Life:
    """What a child said, how it ended, and how many write points it came to."""

    said: list[dict[str, Any]]
    was_killed: bool
    lasted_s: float

    @property
    def points(self) -> list[str]:
        """The names of the write points that were passed; known of a child that was not killed."""
        return [str(name) for said in self.said for name in said.get("points", [])]


def live(
    work: Callable[[Say], None], *, trap: Trap | None = None, kill_after_s: float | None = None
) -> Life:
    """A child does the work until it is done or killed.

    Raises:
        AssertionError: the work failed by itself; the message is its traceback.
    """
    inlet, outlet = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:
        os.close(inlet)
        _live_in_child(work, outlet, trap)
    os.close(outlet)
    text = _heard(inlet, None if kill_after_s is None else began + kill_after_s, child)
    _, status = os.waitpid(child, 0)
    lasted = time.monotonic() - began
    lines = text.split(b"\n")[:-1]
    said = [json.loads(line) for line in lines]
    assert not said or "error" not in said[-1], said[-1]["error"]
    was_killed = os.WIFSIGNALED(status)
    assert was_killed or os.WEXITSTATUS(status) == 0, status
    return Life(said, was_killed, lasted)


def _heard(inlet: int, deadline: float | None, child: int) -> bytes:
    """All that the child wrote; it is killed when the deadline comes first."""
    parts: list[bytes] = []
    with os.fdopen(inlet, "rb", buffering=0) as pipe:
        while True:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([pipe], [], [], wait)[0]:
                os.kill(child, signal.SIGKILL)
                deadline = None
            elif block := pipe.read(1 << 16):
                parts.append(block)
            else:
                return b"".join(parts)


def _live_in_child(work: Callable[[Say], None], outlet: int, trap: Trap | None) -> None:
    def say(value: dict[str, Any]) -> None:
        view = memoryview(json.dumps(value).encode() + b"\n")
        while view:
            view = view[_write(outlet, view) :]

    status = 1
    try:
        points = _lay(trap)
        work(say)
        say({"points": points})
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must hear of it
        say({"error": traceback.format_exc()})
    finally:
        os._exit(status)


def _lay(trap: Trap | None) -> list[str]:
    """Every write point of this process is counted, and at one of them it dies."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    points: list[str] = []

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def at_the_point(*args: Any, **more: Any) -> Any:
            here = trap is not None and trap.at == len(points)
            points.append(name)
            if here and trap is not None:
                _die_at(trap, name, call, args)
            return call(*args, **more)

        return at_the_point

    for name in _CALLS:
        setattr(os, name, wrapped(name, getattr(os, name)))
    setattr(os, "write", wrapped("write", os.write))  # noqa: B010 - as the others
    commit = wrapped("commit", BaseDatabaseWrapper.commit)
    setattr(BaseDatabaseWrapper, "commit", commit)  # noqa: B010 - as the others
    return points


def _die_at(trap: Trap, name: str, call: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if trap.moment == "half" and name == "write":
        block = bytes(args[1])
        call(args[0], block[: len(block) // 2])
    elif trap.moment == "after":
        call(*args)
    os.kill(os.getpid(), signal.SIGKILL)
