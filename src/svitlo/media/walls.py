"""The walls around a program that reads hostile bytes, each one put up by the process itself.

Namespaces take away the network, Landlock the files, resource limits memory and time, and a
system-call filter (`svitlo.media.calls`) what is left. A wall that this kernel does not have
reports False; who needs which is decided by the caller. Nothing here can be taken down again.

Sources: user_namespaces(7), landlock(7), capabilities(7), setrlimit(2), prctl(2).
"""

from __future__ import annotations

import ctypes
import resource
import struct
from dataclasses import dataclass

_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _SIGKILL = 1, 4, 38, 9
_CAPABILITY_VERSION_3 = 0x20080522
_O_PATH_CLOEXEC = 0o10000000 | 0o2000000
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many file rights each version of the interface knows; from version 5 on there are 16."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a caged child may use."""

    memory_bytes: int = 1 << 30
    cpu_s: int = 20
    open_files: int = 64


def leave_the_world() -> bool:
    """True once this process has namespaces of its own for network and System V IPC.

    A user namespace comes first, since it needs no privilege; root may do without one where user
    namespaces are switched off. Must run before any thread exists (unshare(2): EINVAL). All
    capabilities are given up afterwards, those in the new user namespace too.
    """
    apart = _CLONE_NEWNET | _CLONE_NEWIPC
    is_apart = _libc.unshare(_CLONE_NEWUSER | apart) == 0 or _libc.unshare(apart) == 0
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _libc.capset(header, bytes(24))
    return bool(is_apart)


def give_up_privileges() -> bool:
    """True once no program run from here can gain rights, and nobody else may trace this one."""
    is_given_up = _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return bool(is_given_up)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that forked it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def fence_files(readable: tuple[str, ...]) -> bool:
    """True once this process can read and list what lies below `readable`, and nothing else.

    Writing, creating, removing and executing are refused everywhere, and so are TCP (version 4 of
    the interface), signals and abstract sockets to outside processes (version 6).
    """
    version = _libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", rights, 0b11, 0b11)
    size = 8 if version < 4 else 16 if version < 6 else 24  # noqa: PLR2004 - versions, as above
    ruleset = _libc.syscall(_LANDLOCK_CREATE, attributes[:size], size, 0)
    if ruleset < 0:
        return False
    for path in readable:
        _allow_reading(ruleset, path)
    is_fenced = _libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    _libc.close(ruleset)
    return bool(is_fenced)


def _allow_reading(ruleset: int, path: str) -> None:
    place = _libc.open(path.encode(), _O_PATH_CLOEXEC)
    if place < 0:
        return
    for rights in (_READ_FILE | _READ_DIR, _READ_FILE):  # the second for what is no folder
        if _libc.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", rights, place), 0) == 0:
            break
    _libc.close(place)


def limit(limits: Limits) -> None:
    """Bound memory, processor time and open files; forbid file growth and core dumps."""
    for what, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
    ):
        ceiling = resource.getrlimit(what)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)  # noqa: PLW2901 - never raise one
        resource.setrlimit(what, (soft, hard))
