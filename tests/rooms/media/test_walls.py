"""A process puts up the walls and then tries what a hostile parser would try."""

from __future__ import annotations

import json
import platform
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from svitlo.media import calls
from tests.conftest import lacking

if TYPE_CHECKING:
    from pathlib import Path

PROBE = """
import ctypes, json, mmap, os, resource, signal, socket, sys, threading
from svitlo.media import calls, walls
libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
folder, port, wanted = sys.argv[2], int(sys.argv[3]), sys.argv[4].split()
victim, local = folder + "/victim", folder + "/socket"
readable = os.open(victim, os.O_RDONLY)
built = {}
if "namespaces" in sys.argv[1]:
    built["namespaces"] = walls.leave_the_world()
walls.give_up_privileges()
if "landlock" in sys.argv[1]:
    built["landlock"] = walls.fence_files((sys.base_prefix, "/lib", "/usr/lib"))
walls.limit(walls.Limits())
if "calls" in sys.argv[1]:
    built["calls"] = calls.refuse_calls(os.getpid())

def connect(family, kind, address):
    socket.socket(family, kind).connect(address)

def by_libc(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")

tries = {
    "read": lambda: open("/etc/passwd").read(),
    "list": lambda: os.listdir("/"),
    "write": lambda: open(folder + "/written", "w").write("x"),
    "append": lambda: open(victim, "a").close(),
    "create": lambda: os.mkdir(folder + "/made"),
    "truncate": lambda: os.truncate(victim, 0),
    "mode": lambda: os.fchmod(readable, 0o777),
    "remove": lambda: os.unlink(victim),
    "tcp": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    "unix": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, local),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "fork": lambda: os.fork() or os._exit(0),
    "signal": lambda: os.kill(parent, 0),
    "trace": lambda: by_libc(libc.ptrace(16, parent, 0, 0)),
    "namespace": lambda: by_libc(libc.unshare(0x10000000)),
    "mount": lambda: by_libc(libc.mount(b"none", folder.encode(), b"tmpfs", 0, None)),
    "memory": lambda: mmap.mmap(-1, 2 << 30),
}
found = {}
for name in wanted:
    try:
        tries[name]()
        found[name] = "done"
    except MemoryError:
        found[name] = "refused"
    except OSError as error:
        found[name] = "refused"
thread = threading.Thread(target=found.update, args=({"thread": "done"},))
thread.start()
thread.join()
found["traceable"] = "refused" if libc.prctl(3, 0, 0, 0, 0) == 0 else "done"
print(json.dumps({"built": built, "found": found}))
"""


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path)


class Probe:
    """Runs the script above; what it may harm lies in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.victim = folder / "victim"
        self.victim.write_text("still here")

    def run(self, walls: str, tries: frozenset[str]) -> dict[str, str]:
        with socket.socket(socket.AF_UNIX) as local, socket.socket() as tcp:
            local.bind(str(self.folder / "socket"))
            local.listen()
            tcp.bind(("127.0.0.1", 0))
            tcp.listen()
            port = str(tcp.getsockname()[1])
            arguments = [walls, str(self.folder), port, " ".join(sorted(tries))]
            ended = subprocess.run(
                [sys.executable, "-I", "-c", PROBE, *arguments],
                capture_output=True,
                check=True,
                timeout=60,
            )
        answer = json.loads(ended.stdout)
        for name, stands in answer["built"].items():
            if not stands:
                lacking(name, "this kernel gives none")
        found = answer["found"]
        assert isinstance(found, dict)
        return found


def refused(found: dict[str, str]) -> set[str]:
    return {name for name, result in found.items() if result == "refused"}


HARMLESS = frozenset({"read", "list", "write", "tcp", "udp", "unix", "fork", "signal"})
EVERYTHING = HARMLESS | {
    *("append", "create", "truncate", "mode", "remove", "exec", "trace", "namespace", "mount"),
    "memory",
}


def test_without_walls_the_probe_gets_through(probe: Probe) -> None:
    found = probe.run("none", HARMLESS - {"write"})
    assert refused(found) == {"traceable"}


def test_all_walls_refuse_everything_but_threads(probe: Probe) -> None:
    found = probe.run("namespaces landlock calls", EVERYTHING)
    assert refused(found) == EVERYTHING | {"traceable"}
    assert found["thread"] == "done"
    assert probe.victim.read_text() == "still here"


def test_without_namespaces_nothing_gets_out_either(probe: Probe) -> None:
    assert refused(probe.run("landlock calls", EVERYTHING)) >= EVERYTHING


def test_without_landlock_files_can_be_read_but_not_written(probe: Probe) -> None:
    found = refused(probe.run("namespaces calls", EVERYTHING))
    assert found == (EVERYTHING | {"traceable"}) - {"read", "list"}
    assert probe.victim.read_text() == "still here"


def test_landlock_alone_keeps_files_from_being_read_or_run(probe: Probe) -> None:
    tries = frozenset({"read", "list", "write", "append", "create", "remove", "exec", "memory"})
    assert refused(probe.run("landlock", tries)) >= tries


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole_instructions_and_fits_the_kernel(machine: str) -> None:
    code = calls.program(machine, 4711)
    assert len(code) % 8 == 0
    assert len(code) // 8 <= 4096


def test_an_unknown_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert calls.refuse_calls(1) is False
