"""The unit: the one way to write to the archive.

A unit is a transaction that holds the node's write lock, so that writers queue fairly instead of
polling (SQLite alone polls; measured: 350-450 ms at the 99th percentile beside a bulk load, 48-79
with the lock). It holds at most 256 rows, a row with its index and log rows being one, and no file,
network or crypto work. A statement that writes a table of the record outside a unit is refused.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction

from svitlo.errors import StorageError

RowT = TypeVar("RowT")

MAX_ROWS = 256
HOUSEKEEPING = frozenset(
    {"store_account", "store_account_groups", "store_account_user_permissions"}
)
"""Tables that logins write at any time."""

_WRITES = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:WITH\b.*?\b)?"
    r"(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)"
    r"\s+(?:\w+\.)?\"?(store_\w+)",
    re.IGNORECASE | re.DOTALL,
)
_is_open: ContextVar[bool] = ContextVar("svitlo_unit_is_open", default=False)


@contextmanager
def unit() -> Iterator[None]:
    """A transaction that is durable when the block ends and leaves nothing when it raises.

    Raises:
        StorageError: a unit is open already, since units do not nest; or the database cannot be
            written: disk full, folder read-only, locked for longer than its timeout.
    """
    if _is_open.get():
        raise StorageError("a unit is open already, and units do not nest")
    try:
        with _write_lock(), transaction.atomic():
            token = _is_open.set(True)
            try:
                yield
            finally:
                _is_open.reset(token)
    except OperationalError as error:
        raise StorageError(f"the database could not be written: {error}") from error


def is_unit_open() -> bool:
    """Whether the caller stands inside a unit."""
    return _is_open.get()


def refuse_outside_a_unit(  # noqa: PLR0917 - Django calls it with five
    execute: Callable[..., Any],
    sql: str,
    params: object,
    many: bool,  # noqa: FBT001 - Django's signature
    context: dict[str, Any],
) -> Any:  # noqa: ANN401 - whatever the cursor returns
    """Django's execute wrapper: a write to a `store_` table needs an open unit."""
    if not _is_open.get():
        found = _WRITES.match(sql)
        if found and found[1].lower() not in HOUSEKEEPING:
            raise StorageError(f"a write to {found[1]} outside a unit of store.writing")
    return execute(sql, params, many, context)


@contextmanager
def _write_lock() -> Iterator[None]:
    """The node's write lock, held; PostgreSQL queues by itself."""
    folder = getattr(settings, "SVITLO_RUN_FOLDER", None)
    if folder is None or connection.vendor != "sqlite":
        yield
        return
    opened = os.open(folder / "write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def in_units(rows: Iterable[RowT], size: int = MAX_ROWS) -> Iterator[list[RowT]]:
    """The rows in lists of at most `size`, in order: one unit each."""
    waiting = iter(rows)
    while part := list(islice(waiting, size)):
        yield part
