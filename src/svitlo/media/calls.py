"""The system calls that a caged child may not make, and the filter that refuses them.

Reading a file of evidence needs memory, threads and the socket that is already open. So the child
makes no socket, runs and forks no program, signals and traces nobody, opens nothing for writing and
renames, removes or mounts nothing. This closes what namespaces and Landlock leave open: sockets
bound to paths, grandchildren that outlive their limits, and kernels that lack either.

Sources: seccomp(2), the kernel's `linux/filter.h`, and its system-call tables.
"""

from __future__ import annotations

import ctypes
import platform
import struct

_ALLOW, _REFUSE, _NO_SUCH_CALL, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_X32_CALLS = 0x40000000
_CLONE_THREAD = 0x00010000
_WRITING = 0o3 | 0o100 | 0o1000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC: the same on both architectures."""

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_REFUSED = {
    # socket connect accept accept4 bind listen; execve execveat fork vfork; ptrace and the like;
    # unshare setns mount umount2 pivot_root chroot; bpf userfaultfd perf_event_open io_uring;
    # keys; open_by_handle_at, pidfd; shm, sem, msg; names: rename, unlink, mkdir, link, symlink,
    # chmod, chown, times, xattr, truncate, mknod, creat
    "x86_64": (
        *(41, 42, 43, 288, 49, 50, 59, 322, 57, 58, 101, 310, 311, 312, 272, 308, 165, 166, 155),
        *(161, 321, 323, 298, 425, 426, 427, 250, 248, 249, 304, 434, 438, 424, 29, 30, 64, 68),
        *(82, 264, 316, 87, 263, 83, 258, 84, 86, 265, 88, 266, 90, 268, 452, 92, 94, 260, 76),
        *(
            91,
            93,
            190,
            280,
            235,
            261,
            132,
            133,
            259,
            85,
            188,
            189,
            175,
            313,
            246,
            320,
            428,
            429,
            430,
            431,
            432,
            433,
            442,
        ),
    ),
    "aarch64": (
        *(198, 203, 202, 242, 200, 201, 221, 281, 117, 270, 271, 272, 97, 268, 40, 39, 41, 51),
        *(280, 282, 241, 425, 426, 427, 219, 217, 218, 265, 434, 438, 424, 194, 196, 190, 186),
        *(52, 55, 7, 88, 38, 276, 35, 34, 37, 36, 53, 452, 54, 45, 33, 5, 6, 105, 273, 104, 294),
        *(428, 429, 430, 431, 432, 433, 442),
    ),
}
_UNKNOWN = (435, 437)
"""clone3 and openat2 hide their flags in memory; told that they do not exist, libc goes on with
clone and openat, whose flags a filter can see."""

_OWN_PROCESS_ONLY = {"x86_64": (62, 200, 234), "aarch64": (129, 130, 131)}
"""kill, tkill, tgkill: abort() needs the last to end its own process."""

_THREADS_ONLY = {"x86_64": 56, "aarch64": 220}
_READING_ONLY = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
"""open and openat, with the place of their flags."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def refuse_calls(own_pid: int) -> bool:
    """True once the filter holds for this process and its threads.

    `give_up_privileges` must have come first. False where the kernel has no filters, or this
    module does not know the machine's calls.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    code = program(machine, own_pid)
    buffer = ctypes.create_string_buffer(code, len(code))
    chain = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(chain), 0, 0) == 0)


def program(machine: str, own_pid: int) -> bytes:
    """The filter as `struct sock_filter` records; `machine` is one of x86_64 and aarch64."""
    code = [_step(_LOAD, _ARCHITECTURE_AT), _step(_IF_EQUAL, _ARCHITECTURES[machine], 1, 0)]
    code += [_step(_RETURN, _KILL), _step(_LOAD, _NUMBER_AT)]
    if machine == "x86_64":
        code += [_step(_IF_AT_LEAST, _X32_CALLS, 0, 1), _step(_RETURN, _REFUSE)]
    for number in _REFUSED[machine]:
        code += [_step(_IF_EQUAL, number, 0, 1), _step(_RETURN, _REFUSE)]
    for number in _UNKNOWN:
        code += [_step(_IF_EQUAL, number, 0, 1), _step(_RETURN, _NO_SUCH_CALL)]
    code += _guarded(_THREADS_ONLY[machine], 0, _step(_IF_ANY_BIT, _CLONE_THREAD, 0, 1))
    for number in _OWN_PROCESS_ONLY[machine]:
        code += _guarded(number, 0, _step(_IF_EQUAL, own_pid, 0, 1))
    for number, place in _READING_ONLY[machine]:
        code += _guarded(number, place, _step(_IF_ANY_BIT, _WRITING, 1, 0))
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _guarded(number: int, argument: int, test: bytes) -> list[bytes]:
    """Allow call `number` when `test` of one argument goes on to the next step."""
    return [
        _step(_IF_EQUAL, number, 0, 4),
        _step(_LOAD, 16 + 8 * argument),
        test,
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
