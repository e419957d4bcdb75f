"""Exhibits, what they say of themselves, holds on them and their disposal."""

from django.db import models


class Exhibit(models.Model):
    """One sealed thing; its identifier is `x-` and that of its `exhibit.sealed` statement.

    `seq` is that statement's too.
    """

    seq = models.BigIntegerField(primary_key=True)
    ident = models.CharField(max_length=28, unique=True, db_column="id")
    statement = models.ForeignKey("store.Statement", on_delete=models.PROTECT, db_index=False)
    intake = models.ForeignKey("store.Intake", on_delete=models.PROTECT, db_index=False)
    n = models.BigIntegerField()
    case = models.CharField(max_length=64)
    path = models.BinaryField()
    size = models.BigIntegerField()
    sha256 = models.BinaryField()
    blake3 = models.BinaryField()
    blob = models.ForeignKey("store.Blob", on_delete=models.PROTECT, related_name="exhibits")
    off = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, default="sealed")

    class Meta:
        indexes = (
            models.Index(
                fields=("sha256",), condition=models.Q(off__isnull=True), name="exhibit_alone"
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("intake", "n"), name="exhibit_item"),
            models.CheckConstraint(
                condition=models.Q(state="sealed") | models.Q(state="disposed"),
                name="exhibit_state",
            ),
        )

    def __str__(self) -> str:
        return self.ident


class Description(models.Model):
    """What the cage read in an exhibit, by the statement that says so."""

    exhibit = models.ForeignKey(Exhibit, on_delete=models.PROTECT, related_name="descriptions")
    statement = models.ForeignKey("store.Statement", on_delete=models.PROTECT)
    kind = models.CharField(max_length=120)
    skipped = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.kind} of {self.exhibit_id}"


class Hold(models.Model):
    """A hold that blocks disposal until the office that placed it releases it."""

    seq = models.BigAutoField(primary_key=True)
    ident = models.CharField(max_length=28, unique=True, db_column="id")
    subject = models.CharField(max_length=80, db_index=True)
    placed_by = models.CharField(max_length=28)
    placed = models.ForeignKey("store.Statement", on_delete=models.PROTECT, related_name="+")
    released = models.ForeignKey(
        "store.Statement", on_delete=models.PROTECT, related_name="+", null=True
    )

    def __str__(self) -> str:
        return self.ident


class Disposal(models.Model):
    """The disposal of an exhibit: proposed by one person, approved by another, then done."""

    exhibit = models.ForeignKey(Exhibit, on_delete=models.PROTECT, related_name="disposals")
    proposed_by = models.CharField(max_length=28)
    proposed = models.ForeignKey("store.Statement", on_delete=models.PROTECT, related_name="+")
    approved_by = models.CharField(max_length=28, blank=True, default="")
    done = models.ForeignKey(
        "store.Statement", on_delete=models.PROTECT, related_name="+", null=True
    )

    def __str__(self) -> str:
        return f"disposal of {self.exhibit_id}"
