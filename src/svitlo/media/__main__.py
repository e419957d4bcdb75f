"""The zygote of the cage: a process without keys that forks one walled child for every file.

Started by `svitlo.node.sandbox` as `python -I -m svitlo.media` with an empty environment; its
standard input is the control socket. It puts up its walls before it imports a parser, and never
looks at a byte of a file: the child does that, and its end, good or bad, is told to the parent.

Control socket: frames of `u32be length` and JSON. The zygote says that it is ready, and which walls
stand; then, for every file, comes a request that carries the child's socket (SCM_RIGHTS), answered
by how the child ended. Child's socket: `u64be offset + u32be length` asks for bytes of the file;
offset 2^64-1 announces a part of the reply, 2^64-2 what is known so far, should the child die.

Sources: unix(7) for the passing of sockets, pidfd_open(2) for the waiting.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from svitlo.errors import SvitloError
from svitlo.media import calls, walls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import WriteableBuffer

FRAME_BYTES = 512 * 1024
REPLY, SO_FAR = 2**64 - 1, 2**64 - 2
FAILED, OUT_OF_MEMORY = 1, 3
"""How a child ends that has no reply to give."""

WHOLE_BYTES = 32 << 20
"""Files up to this size are fetched in one go: several readers pass over them."""

_HEAD = struct.Struct(">QI")


class Served(io.RawIOBase):
    """A seekable file whose bytes are asked for over the child's socket."""

    def __init__(self, line: socket.socket, size: int) -> None:
        super().__init__()
        self._line = line
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a place before the start of the file")
        self._place = start + offset
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), FRAME_BYTES, self._size - self._place))
        if not wanted:
            return 0
        self._line.sendall(_HEAD.pack(self._place, wanted))
        got = 0
        while got < wanted:
            count = self._line.recv_into(view[got:wanted])
            if not count:
                os._exit(1)  # the parent has given up on this file
            got += count
        self._place += wanted
        return wanted


def main() -> int:
    """Be the zygote until the parent closes the control socket."""
    has_namespaces = walls.leave_the_world()
    walls.give_up_privileges()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    control = socket.socket(fileno=sys.stdin.fileno())
    has_fence = walls.fence_files(_readable())
    if not has_namespaces and not has_fence:
        _tell(control, {"ready": False})
        return FAILED
    try:
        tools = importlib.import_module("svitlo.media.metadata").load()
    except (ImportError, OSError) as error:
        _tell(control, {"ready": False, "missing": str(error)})
        return FAILED
    gc.collect()
    gc.freeze()
    built = {"namespaces": has_namespaces, "landlock": has_fence, "calls": _can_refuse_calls()}
    _tell(control, {"ready": True, "walls": built, "tools": tools})
    while (heard := _hear(control)) is not None:
        request, line = heard
        _tell(control, _run(control, request, line))
    return 0


def _readable() -> tuple[str, ...]:
    """What a child may read: the interpreter, the libraries, and this program."""
    libraries = (f"{sys.base_prefix}/lib", "/lib", "/lib64", "/usr/lib", "/usr/lib64")
    return (*filter(None, sys.path), *libraries, "/etc/ld.so.cache", "/dev/null")


def _can_refuse_calls() -> bool:
    """Whether the filter of system calls can be had here, tried in a child of its own."""
    child = os.fork()
    if not child:
        os._exit(0 if calls.refuse_calls(os.getpid()) else FAILED)
    return os.waitpid(child, 0)[1] == 0


def _hear(control: socket.socket) -> tuple[dict[str, Any], int] | None:
    """The next request and its child's socket; None when the parent has gone."""
    head, passed, _, _ = socket.recv_fds(control, 4, 1)
    if len(head) < 4 or not passed:  # noqa: PLR2004 - the length of a length
        return None
    body = control.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    return json.loads(body), passed[0]


def _tell(control: socket.socket, message: Mapping[str, Any]) -> None:
    body = json.dumps(message).encode()
    control.sendall(len(body).to_bytes(4, "big") + body)


def _run(control: socket.socket, request: Mapping[str, Any], line: int) -> dict[str, Any]:
    """Fork the child for one request, wait for its end, and say how it ended."""
    child = os.fork()
    if not child:
        _be_the_child(control, request, line)
    os.close(line)
    watch = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(watch, select.POLLIN)
    is_late = not waiting.poll(request["wall_s"] * 1000)
    if is_late:
        os.kill(child, signal.SIGKILL)
    os.close(watch)
    _, status, usage = os.wait4(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    cpu_ms = round((usage.ru_utime + usage.ru_stime) * 1000)
    return {"ended": ended, "is_late": is_late, "cpu_ms": cpu_ms}


def _be_the_child(control: socket.socket, request: Mapping[str, Any], line: int) -> NoReturn:
    """Put up the inner walls, run the program, and end without unwinding."""
    ended = FAILED
    try:
        walls.die_with_parent()
        own = socket.socket(fileno=line)
        control.close()
        os.closerange(line + 1, 256)
        walls.limit(walls.Limits(**request["limits"]))
        calls.refuse_calls(os.getpid())
        _PROGRAMS[request["program"]](own, request)
        ended = 0
    except MemoryError:
        ended = OUT_OF_MEMORY
    finally:
        os._exit(ended)


def _describe(line: socket.socket, request: Mapping[str, Any]) -> None:
    """What the file says of itself: kind and claims early, the whole at the end."""
    served = Served(line, request["size"])
    is_small = request["size"] <= WHOLE_BYTES
    stream = io.BytesIO(served.readall()) if is_small else io.BufferedReader(served, 64 * 1024)
    describe = importlib.import_module("svitlo.media.metadata").describe
    answer, frames = describe(stream, request, lambda known: _send(line, SO_FAR, known))
    _send(line, REPLY, answer, frames)


def _typeset(line: socket.socket, request: Mapping[str, Any]) -> None:
    """The PDF of one document."""
    typeset = importlib.import_module("svitlo.dossier.report").typeset
    try:
        pdf = typeset(Served(line, request["size"]).readall())
    except SvitloError as error:
        _send(line, SO_FAR, {"failed": str(error)[:1000]})
        raise
    _send(line, REPLY, {}, _cut(pdf))


def _redact(line: socket.socket, request: Mapping[str, Any]) -> None:
    """A copy of a picture with boxes painted over."""
    redacted = importlib.import_module("svitlo.media.redaction").redacted
    size, boxes, pixels = request["size"], request["boxes"], request["pixels"]
    try:
        copy = redacted(io.BytesIO(Served(line, size).readall()), size, boxes, pixels=pixels)
    except SvitloError as error:
        _send(line, SO_FAR, {"failed": str(error)[:1000]})
        raise
    _send(line, REPLY, {}, _cut(copy))


def _attempt(line: socket.socket, _request: Mapping[str, Any]) -> None:
    """What a hostile file would try, and whether it was refused; harmless where it is not."""
    address = ("127.0.0.1", 9)  # the discard port
    tries: dict[str, Callable[[], object]] = {
        "read": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "write": lambda: os.open("/dev/null", os.O_WRONLY),
        "network": lambda: socket.socket().connect(address),
        "memory": lambda: bytearray(2 << 30),
        "run": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - it is refused
    }
    found: dict[str, bool] = {}
    for name, attempt in tries.items():
        _send(line, SO_FAR, {**found, name: False})  # in case this one does not come back
        try:
            attempt()
            found[name] = False
        except MemoryError:
            found[name] = True
        except OSError as error:
            found[name] = error.errno != errno.ECONNREFUSED
    _send(line, REPLY, found)


def _cut(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[cut : cut + FRAME_BYTES] for cut in range(0, len(data), FRAME_BYTES))


def _send(
    line: socket.socket, place: int, answer: Mapping[str, Any], frames: tuple[bytes, ...] = ()
) -> None:
    text = json.dumps({**answer, "frames": len(frames)}).encode()
    for part in (text, *frames):
        line.sendall(_HEAD.pack(place, len(part)) + part)


_PROGRAMS: dict[str, Callable[[socket.socket, Mapping[str, Any]], None]] = {
    "describe": _describe,
    "typeset": _typeset,
    "redact": _redact,
    "attempt": _attempt,
}

if __name__ == "__main__":
    sys.exit(main())
