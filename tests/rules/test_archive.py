from __future__ import annotations

import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from tests.rules.sources import SVITLO, dotted, imported, modules

FOREIGN = "django", "sqlite3"


def kept_models() -> list[type[models.Model]]:
    return list(apps.get_app_config("store").get_models())


def columns() -> list[tuple[str, models.Field[object, object]]]:
    return [
        (f"{model.__name__}.{column.name}", column)
        for model in kept_models()
        for column in model._meta.concrete_fields  # noqa: SLF001  # Django's documented interface
    ]


@pytest.mark.usefixtures("node")
def test_migrations_are_complete() -> None:
    told = io.StringIO()

    call_command("makemigrations", check=True, dry_run=True, stdout=told)

    assert "No changes" in told.getvalue()


def test_text_is_never_null() -> None:
    texts = (models.CharField, models.TextField)

    assert not [name for name, column in columns() if isinstance(column, texts) and column.null]


def test_foreign_keys_protect_what_they_point_to() -> None:
    pointing = [(name, col) for name, col in columns() if isinstance(col, models.ForeignKey)]

    assert pointing
    assert not [n for n, column in pointing if column.remote_field.on_delete is not models.PROTECT]


def test_every_model_says_what_its_rows_are() -> None:
    assert not [model.__name__ for model in kept_models() if "__str__" not in vars(model)]


def test_commands_import_django_late() -> None:
    early = [
        dotted(path)
        for path in modules(SVITLO / "cli")
        if {name.split(".")[0] for name in imported(path)} & set(FOREIGN)
    ]

    assert not early
