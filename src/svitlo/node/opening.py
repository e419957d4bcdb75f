"""Open a node: its settings, keys and database, for the life of the process.

One process has one node, since Django has one set of settings. `open_node` may be called again, in
a forked child or a test, and then points the same Django at another folder.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from svitlo.errors import NotFound, SettingsError, StorageError
from svitlo.node.keyring import Keyring
from svitlo.node.settings import FILE_NAME, Settings, load_settings
from svitlo.record.ulid import Ulids

if TYPE_CHECKING:
    from svitlo.store.log.heads import HeadStore
    from svitlo.store.log.reading import LogReader

DATABASE = "svitlo.db"
SQLITE_MARK = b"SQLite format 3\0"
FOLDERS = ("objects", "spool", "headers", "heads", "tiles", "run", "previews")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One running contact point: where it lives, how it is set, what it may sign with."""

    folder: Path
    settings: Settings
    keyring: Keyring
    ulids: Ulids = field(
        default_factory=lambda: Ulids(lambda: time.time_ns() // 1_000_000, os.urandom)
    )

    _log_ids: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def spine(self) -> str:
        """The origin of the node's main log."""
        return f"{self.settings.origin}/spine/1"

    @property
    def audit(self) -> str:
        """The origin of the node's log of reads."""
        return f"{self.settings.origin}/audit/1"

    @property
    def witness(self) -> str:
        """The name under which the node cosigns other people's logs."""
        return f"{self.settings.origin}/witness"

    @property
    def version(self) -> str:
        """The version of svitlo that acts."""
        return metadata.version("svitlo")

    def now(self) -> datetime:
        """The time of this machine's clock, in UTC."""
        return datetime.now(UTC)

    def heads(self) -> "HeadStore":
        """The heads of the node's logs."""
        from svitlo.store.log.heads import HeadStore  # noqa: PLC0415 - after Django is set up

        return HeadStore(self.folder / "heads")

    def log(self, origin: str) -> "LogReader":
        """One of the node's logs, as its tables hold it.

        Raises:
            NotFound: it has no log of that origin.
        """
        from svitlo.store.log.reading import LogReader, log_of_origin  # noqa: PLC0415 - as above

        return LogReader(log_of_origin(origin))

    def log_id(self, origin: str) -> int:
        """The number of one of the node's logs; asked of the database once.

        Raises:
            NotFound: it has no log of that origin.
        """
        if origin not in self._log_ids:
            self._log_ids[origin] = self.log(origin).log_id
        return self._log_ids[origin]

    def published(self, origin: str) -> Path:
        """The folder whose files serve a log."""
        return self.folder / "tiles" / origin.removeprefix(f"{self.settings.origin}/")


def open_node(folder: Path, *, ask: Callable[[], str] | None = None) -> Node:
    """The node in a folder, with its database ready to be used.

    `ask` gives the passphrase where no file is set.

    Raises:
        NotFound: there is no node in that folder, or its database is gone.
        SettingsError: its settings do not fit.
        StorageError: its database cannot be opened.
    """
    folder = folder.absolute()
    if not (folder / FILE_NAME).is_file():
        raise NotFound(f"there is no node in {folder}: make one with `svitlo init`")
    settings = load_settings(folder)
    if not settings.origin:
        raise SettingsError(f"{FILE_NAME} names no origin")
    if not (folder / DATABASE).is_file():
        raise NotFound(f"the node in {folder} has lost its database: {DATABASE} is not there")
    _check_database(folder / DATABASE)
    point_django_at(folder)
    _connect()
    return Node(
        folder=folder,
        settings=settings,
        keyring=Keyring(folder / "keys", ask or (lambda: passphrase_of(settings))),
    )


def _check_database(path: Path) -> None:
    """Nothing, when the file begins as a database does; Django would leave a connection open."""
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_MARK))
    except OSError as error:
        raise StorageError(f"the node's database cannot be opened: {error.strerror}") from error
    if start not in (SQLITE_MARK, b""):
        raise StorageError("the node's database cannot be opened: the file is not a database")


def _connect() -> None:
    from django.db import DatabaseError, connection  # noqa: PLC0415 - after Django is set up

    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise StorageError(f"the node's database cannot be opened: {error}") from error


def passphrase_of(settings: Settings) -> str:
    """The passphrase in the file that the settings name.

    Raises:
        SettingsError: they name none, or it cannot be read.
    """
    if not settings.passphrase_file:
        raise SettingsError("the keys are sealed: set SVITLO_PASSPHRASE_FILE or passphrase_file")
    try:
        return Path(settings.passphrase_file).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise SettingsError(f"the passphrase file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError("the passphrase file is no text in UTF-8") from None


def point_django_at(folder: Path) -> None:
    """Django is set up, and its database is the one in the folder."""
    import django  # noqa: PLC0415 - commands that need no node start without it
    from django.apps import apps  # noqa: PLC0415 - as above
    from django.conf import settings  # noqa: PLC0415 - as above

    if not apps.ready:
        os.environ["SVITLO_NODE"] = str(folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svitlo.node.framework")
        django.setup()
    from django.db import connections  # noqa: PLC0415 - as above

    database = str(folder / DATABASE)
    default = connections["default"]
    if default.settings_dict["NAME"] != database:
        default.close()
        default.settings_dict["NAME"] = database
    settings.SVITLO_RUN_FOLDER = folder / "run"
