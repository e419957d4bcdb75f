"""Sealed bytes by name, and the headers that open them."""

from django.db import models


class Blob(models.Model):
    """One immutable sealed body; its name is the BLAKE3 of its bytes."""

    seq = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    is_segment = models.BooleanField()
    case = models.CharField(max_length=64)
    recipients = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default="stored")
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=("stored", "damaged", "erased")), name="blob_state"
            ),
        )

    def __str__(self) -> str:
        return self.name


class BlobHeader(models.Model):
    """The age header of a body: the wrapped file key. Deleting it in all places erases the body."""

    blob = models.OneToOneField(Blob, on_delete=models.PROTECT, related_name="header")
    header = models.BinaryField()

    def __str__(self) -> str:
        return f"header of {self.blob_id}"
