"""Mend a table: the rows that are right stay, the others are added, changed or removed."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from svitlo.node.indexing import Fields
from svitlo.store.writing import in_units, unit

Step = Callable[[], object]


@dataclass(slots=True)
class Rebuilt:
    """How many rows of each table were added, changed or removed; empty where all was right."""

    changes: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, table: str, what: str) -> None:
        """One more row of the table."""
        row = self.changes.setdefault(table, {"added": 0, "changed": 0, "removed": 0})
        row[what] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table to make right: its rows by key as they are, and what they should be.

    `kept` holds the keys of rows that stay though nothing states them any more.
    """

    model: type[models.Model]
    found: Mapping[Any, models.Model]
    wanted: Mapping[Any, Fields]
    kept: Collection[Any] = ()

    def steps(self, done: Rebuilt) -> Iterator[Step]:
        """What is to be done, one row each, counted on the way."""
        name = self.model._meta.db_table.removeprefix("store_")  # noqa: SLF001 - Django's documented interface
        for key, row in self.found.items():
            if key not in self.wanted and key not in self.kept:
                done.count(name, "removed")
                yield row.delete
        for key, fields in self.wanted.items():
            here = self.found.get(key)
            if here is None:
                done.count(name, "added")
                yield _adding(self.model, fields)
            elif wrong := {f: v for f, v in fields.items() if not _is_same(getattr(here, f), v)}:
                done.count(name, "changed")
                yield _changing(self.model, here, wrong)

    def mend(self, done: Rebuilt) -> None:
        """The table has the rows that it should have."""
        for part in in_units(self.steps(done)):
            with unit():
                for step in part:
                    step()


def _is_same(here: object, wanted: object) -> bool:
    return (bytes(here) if isinstance(here, memoryview) else here) == wanted


def _adding(model: type[models.Model], fields: Fields) -> Step:
    return lambda: model._default_manager.create(**fields)  # noqa: SLF001 - as above


def _changing(model: type[models.Model], row: models.Model, fields: Fields) -> Step:
    return lambda: model._default_manager.filter(pk=row.pk).update(**fields)  # noqa: SLF001 - as above
