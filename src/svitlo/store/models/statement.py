"""Statements with their openings, and the index of what they speak of.

A statement's row is evidence: by trigger it is only ever inserted, and the one change allowed is
erasure, which empties salt and text and leaves the commitment in the log.
"""

from django.db import models

from svitlo.record.statement import Statement as Value
from svitlo.record.statement import parse_statement


class Statement(models.Model):
    """One statement: its canonical text and the salt of its commitment."""

    seq = models.BigIntegerField(primary_key=True)
    ident = models.CharField(max_length=26, unique=True, db_column="id")
    log = models.ForeignKey("store.Log", on_delete=models.PROTECT, db_index=False)
    type = models.CharField(max_length=40)
    at = models.CharField(max_length=20)
    salt = models.BinaryField()
    text = models.BinaryField()
    state = models.CharField(max_length=10, default="active")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state="active")
                | models.Q(state="restricted")
                | models.Q(state="erased"),
                name="statement_state",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.ident}"

    @property
    def value(self) -> Value:
        """The statement of the record room."""
        return parse_statement(bytes(self.text))


class Subject(models.Model):
    """That a statement speaks of something; `exhibit.sealed` is found through its exhibit."""

    name = models.CharField(max_length=80)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="subjects")

    class Meta:
        indexes = (models.Index(fields=("name", "statement"), name="subject_of"),)

    def __str__(self) -> str:
        return self.name
