"""People of the node who act and sign, and their keys."""

from django.db import models


class Person(models.Model):
    """Someone who acts in the record."""

    seq = models.BigAutoField(primary_key=True)
    ident = models.CharField(max_length=28, unique=True, db_column="id")
    name = models.CharField(max_length=200)
    statement = models.ForeignKey("store.Statement", on_delete=models.PROTECT)

    def __str__(self) -> str:
        return self.name


class PersonKey(models.Model):
    """A signing key that a `person.key` statement binds to a person."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="keys")
    key = models.CharField(max_length=16, unique=True)
    public = models.BinaryField()
    statement = models.ForeignKey("store.Statement", on_delete=models.PROTECT)

    def __str__(self) -> str:
        return self.key
