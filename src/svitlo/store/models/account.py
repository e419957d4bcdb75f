"""An account is a login; a person is someone in the record."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Account(AbstractUser):
    """A login of this node, tied to the person who acts through it."""

    person = models.CharField(max_length=28, blank=True, default="")

    class Meta:
        ordering = ("username",)

    def __str__(self) -> str:
        return self.username
