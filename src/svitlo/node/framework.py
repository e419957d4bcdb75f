"""Django's settings module, computed from the node's settings.

It imports with an empty environment (the type checker does that): then there is no node, and the
database is an empty one in memory. One settings object means one node a process.
"""

import os
from pathlib import Path

from svitlo.node.settings import Settings, load_settings

_folder = os.environ.get("SVITLO_NODE", "")
SVITLO_FOLDER: Path | None = Path(_folder).absolute() if _folder else None
SVITLO_RUN_FOLDER: Path | None = SVITLO_FOLDER / "run" if SVITLO_FOLDER else None
SVITLO_SETTINGS: Settings = load_settings(SVITLO_FOLDER)

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;"
    "PRAGMA secure_delete=ON;PRAGMA cache_size=-32768;PRAGMA temp_store=MEMORY;"
    "PRAGMA recursive_triggers=ON;"
)
"""With recursive triggers a REPLACE meets the trigger that forbids deleting evidence."""

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(SVITLO_FOLDER / "svitlo.db") if SVITLO_FOLDER else ":memory:",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": SQLITE_PRAGMAS,
        },
    }
}
SECRET_KEY = "no page is served yet, so nothing is signed with this"  # noqa: S105 - see the text
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "svitlo.store.apps.StoreConfig",
]
AUTH_USER_MODEL = "store.Account"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("uk", "Українська"), ("fr", "Français")]
