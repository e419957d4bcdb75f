"""Moved: import from `svitlo.node.asserting` and `svitlo.node.audit`."""

from svitlo.node.asserting import (
    Happening,
    append_to_log,
    custody_statement,
    new_statement,
    openings_of,
)
from svitlo.node.audit import record

__all__ = [
    "Happening",
    "append_to_log",
    "custody_statement",
    "new_statement",
    "openings_of",
    "record",
]
