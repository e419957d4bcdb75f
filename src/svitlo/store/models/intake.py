"""Intakes: what was offered together, and what became of each item."""

from django.db import models


class Intake(models.Model):
    """One act of taking in; `request` is a digest of what was asked, to go on after a kill."""

    seq = models.BigAutoField(primary_key=True)
    ident = models.CharField(max_length=28, unique=True, db_column="id")
    request = models.CharField(max_length=64, db_index=True)
    state = models.CharField(max_length=10, default="census")
    case = models.CharField(max_length=64)
    actor = models.CharField(max_length=28)
    started_at = models.CharField(max_length=20)
    offered = models.BigIntegerField(default=0)
    receipt = models.BinaryField(default=b"")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=("census", "open", "closed")), name="intake_state"
            ),
        )

    def __str__(self) -> str:
        return self.ident


class IntakeItem(models.Model):
    """One offered thing: `path` is its name byte for byte, `ordinal` its place in the census.

    A member of an archive has the archive's path in `container` and its own number in `place`; a
    size of -1 is not known before reading (standard input).
    """

    pk = models.CompositePrimaryKey("intake", "ordinal")
    intake = models.ForeignKey(Intake, on_delete=models.PROTECT, db_index=False)
    ordinal = models.BigIntegerField()
    path = models.BinaryField()
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    container = models.BinaryField(default=b"")
    place = models.BigIntegerField(default=-1)
    state = models.CharField(max_length=10, default="offered")
    code = models.CharField(max_length=24, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = (
            # Written with OR: SQLite builds a table for each IN of more than two, once a row.
            models.CheckConstraint(
                condition=models.Q(state="offered", code="")
                | models.Q(state="sealed", code="")
                | (models.Q(state="rejected") & ~models.Q(code="")),
                name="intake_item_state",
            ),
        )

    def __str__(self) -> str:
        return f"{self.intake_id}:{self.ordinal}"
