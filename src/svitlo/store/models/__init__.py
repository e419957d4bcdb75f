"""The tables of the archive, one module a noun."""

from svitlo.store.models.account import Account
from svitlo.store.models.blob import Blob, BlobHeader
from svitlo.store.models.exhibit import Description, Disposal, Exhibit, Hold
from svitlo.store.models.intake import Intake, IntakeItem
from svitlo.store.models.log import Checkpoint, Entry, Log, Pending, Stamp, Tile, Witnessed
from svitlo.store.models.person import Person, PersonKey
from svitlo.store.models.statement import Statement, Subject

__all__ = [
    "Account",
    "Blob",
    "BlobHeader",
    "Checkpoint",
    "Description",
    "Disposal",
    "Entry",
    "Exhibit",
    "Hold",
    "Intake",
    "IntakeItem",
    "Log",
    "Pending",
    "Person",
    "PersonKey",
    "Stamp",
    "Statement",
    "Subject",
    "Tile",
    "Witnessed",
]
