"""The state of this machine's clock, as the kernel knows it: no network is asked.

Source: adjtimex(2), Linux; STA_UNSYNC says that nothing disciplines the clock.
"""

import ctypes
import ctypes.util
from typing import Any

_STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def clock_state() -> dict[str, Any]:
    """Whether the clock is synchronised, and its largest error in microseconds, where known."""
    state = _Timex()
    try:
        library = ctypes.CDLL(None, use_errno=True)
        answer = library.adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        return {"source": "unknown"}
    if answer < 0:
        return {"source": "unknown"}
    return {
        "source": "adjtimex",
        "synchronised": not state.status & _STA_UNSYNC,
        "max_error_us": int(state.maxerror),
    }
