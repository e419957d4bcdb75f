"""Logs: their entries, what waits to be sequenced, tiles, checkpoints, stamps, and logs of others.

`Entry` is evidence and append-only by trigger. `Tile` is a cache of entries and can be rebuilt.
"""

from django.db import models


class Log(models.Model):
    """One append-only log: the spine, or an audit log."""

    origin = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=16)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, default="open")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(size__gte=0), name="log_size_not_negative"),
        )

    def __str__(self) -> str:
        return self.origin


class Entry(models.Model):
    """One entry at its index: `0x01` and a commitment, or `0x02` and a control record."""

    pk = models.CompositePrimaryKey("log", "index")
    log = models.ForeignKey(Log, on_delete=models.PROTECT, db_index=False)
    index = models.BigIntegerField()
    entry = models.BinaryField()
    statement = models.ForeignKey(
        "store.Statement", on_delete=models.PROTECT, null=True, related_name="entries"
    )

    def __str__(self) -> str:
        return f"{self.log_id}:{self.index}"


class Pending(models.Model):
    """An entry that is durable and has no index yet; `seq` is the order of arrival."""

    seq = models.BigIntegerField(primary_key=True)
    log = models.ForeignKey(Log, on_delete=models.PROTECT, db_index=False)
    entry = models.BinaryField()
    statement = models.ForeignKey(
        "store.Statement", on_delete=models.PROTECT, null=True, db_index=False
    )

    def __str__(self) -> str:
        return f"{self.log_id}:{self.pk}"


class Tile(models.Model):
    """The hashes of one tile, at most 256 of 32 bytes; the last of a level may be partial."""

    pk = models.CompositePrimaryKey("log", "level", "n")
    log = models.ForeignKey(Log, on_delete=models.PROTECT, db_index=False)
    level = models.SmallIntegerField()
    n = models.BigIntegerField()
    hashes = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.log_id}:{self.level}/{self.n}"


class Checkpoint(models.Model):
    """A signed size and root; `note` gains cosignature lines, size and root never change."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, db_index=False)
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.BinaryField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("log", "size"), name="checkpoint_size"),)

    def __str__(self) -> str:
        return f"{self.log_id}:{self.size}"


class Stamp(models.Model):
    """What one time stamp authority answered about a checkpoint."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="stamps")
    authority = models.CharField(max_length=120)
    request = models.BinaryField()
    response = models.BinaryField()
    made_at = models.DateTimeField()
    remark = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("checkpoint", "authority"), name="stamp_authority"),
        )

    def __str__(self) -> str:
        return f"{self.authority} {self.made_at:%Y-%m-%d %H:%M}"


class Witnessed(models.Model):
    """The last checkpoint of somebody else's log that this node cosigned: the whole note."""

    origin = models.CharField(max_length=255, unique=True)
    size = models.BigIntegerField()
    note = models.BinaryField()
    cosigned = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.origin}:{self.size}"
