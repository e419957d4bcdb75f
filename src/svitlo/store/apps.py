"""The archive as Django knows it: app `store`, and the guard on every connection."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class StoreConfig(AppConfig):
    """The one Django app that holds tables."""

    name = "svitlo.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the guard of `store.writing` on each connection that is opened."""
        from svitlo.store import writing

        def guard(connection: Any, **_: Any) -> None:  # noqa: ANN401 - a Django signal's arguments
            if writing.refuse_outside_a_unit not in connection.execute_wrappers:
                connection.execute_wrappers.append(writing.refuse_outside_a_unit)

        connection_created.connect(guard, weak=False, dispatch_uid="svitlo.store.guard")
