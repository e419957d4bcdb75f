"""Preserve: check that nothing has changed, say what was found, repair from a second copy.

Sealed fixity needs no key: the BLAKE3 of a body is its name. Full fixity opens every exhibit and
compares both recorded digests. Each run is stated, with the exhibits that failed by name; nothing
passes silently, a check that could not run is a failure. Source: ISO 14721 (OAIS) for the terms.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Q

from svitlo.errors import DigestMismatch, InvalidInput, NotFound, SealError, StorageError
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, custody_statement
from svitlo.node.audit import record
from svitlo.node.opening import Node
from svitlo.node.places import main_place, mirror, sealing_in, second_place
from svitlo.node.unsealing import Vault
from svitlo.record.custody import Event, subjects_in_parts
from svitlo.record.statement import MAX_SUBJECTS
from svitlo.store.blobs import FolderPlace
from svitlo.store.models import Blob, Exhibit, Intake
from svitlo.store.writing import in_units, unit

Progress = Callable[[int, int, int], None]


@dataclass(slots=True)
class Findings:
    """What a check found: how many were checked, and the fault of each that failed.

    What was disposed of has no bytes to check: it is named, and counts as neither.
    """

    method: str
    checked: int = 0
    size: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    disposed: list[str] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether everything holds."""
        return not self.failed


def verify_full(
    node: Node, actor: Actor, exhibits: Sequence[Exhibit], *, progress: Progress
) -> Findings:
    """What full fixity found: every exhibit opened and held to both digests; stated.

    Raises:
        NotFound: this node holds no identity that opens its vault.
    """
    found = Findings("full")
    exhibits = _living(exhibits, found)
    with Vault(node) as vault:
        for exhibit in sorted(exhibits, key=lambda row: (row.blob_id, row.off or 0)):
            _note(found, exhibit.ident, lambda: _check(vault, exhibit))  # noqa: B023 - called at once
            found.size += exhibit.size
            progress(found.checked, found.size, len(exhibits))
    failed = {e.blob_id: e.blob.name for e in exhibits if e.ident in found.failed}
    _remember(node, failed, dict.fromkeys(failed, ""))
    _state_check(node, actor, found, [exhibit.ident for exhibit in exhibits])
    return found


def _check(vault: Vault, exhibit: Exhibit) -> None:
    """The exhibit holds the bytes of its row, and the row names those that were stated."""
    vault.check(exhibit)
    said = exhibit.statement.value.body
    row = (exhibit.size, bytes(exhibit.sha256).hex(), bytes(exhibit.blake3).hex())
    if row != (said.get("size"), said.get("sha256"), said.get("blake3")):
        raise DigestMismatch(f"{exhibit.ident} was stated with other digests than its row names")


def verify_sealed(
    node: Node, actor: Actor, exhibits: Sequence[Exhibit], *, progress: Progress
) -> Findings:
    """What sealed fixity found: the bodies of the exhibits against their names; stated.

    An exhibit fails with its body.
    """
    place, found = main_place(node), Findings("sealed")
    exhibits = _living(exhibits, found)
    faults: dict[int, str] = {}
    names = {exhibit.blob_id: exhibit.blob.name for exhibit in exhibits}
    for done, (row, name) in enumerate(names.items(), 1):
        try:
            found.size += place.check_body(name)
        except (NotFound, DigestMismatch, OSError) as error:
            faults[row] = str(error)
        progress(done, found.size, len(names))
    found.checked = len(exhibits)
    found.failed = {e.ident: faults[e.blob_id] for e in exhibits if e.blob_id in faults}
    _remember(node, names, faults)
    _state_check(node, actor, found, [exhibit.ident for exhibit in exhibits])
    return found


def due_exhibits(node: Node) -> list[Exhibit]:
    """The exhibits whose bodies were not checked for longer than the settings allow."""
    limit = node.now() - timedelta(days=node.settings.fixity_days)
    never_or_long_ago = Q(blob__checked_at__isnull=True) | Q(blob__checked_at__lt=limit)
    rows = Exhibit.objects.filter(never_or_long_ago, state="sealed")
    return list(rows.select_related("blob").order_by("blob_id", "off"))


def repair_bodies(node: Node, actor: Actor) -> dict[str, str]:
    """What became of each damaged or missing body: repaired from the second copy, or why not.

    The damaged body is kept in the spool for examination; the repair is stated.

    Raises:
        InvalidInput: no second place is set.
    """
    place, copies = main_place(node), second_place(node)
    if copies is None:
        raise InvalidInput("there is no second copy: set second_place in svitlo.toml")
    outcome: dict[str, str] = {}
    with sealing_in(node):
        for blob in Blob.objects.filter(state__in=("stored", "damaged")).order_by("seq"):
            try:
                place.check_body(blob.name)
            except (NotFound, DigestMismatch, OSError) as error:
                result = _repair(node, blob, place, copies)
                _state_repair(node, actor, blob, {"fault": str(error), "result": result})
                outcome[blob.name] = result
    return outcome


def _repair(node: Node, blob: Blob, place: FolderPlace, copies: FolderPlace) -> str:
    try:
        copies.check_body(blob.name)
        place.quarantine(blob.name, node.ulids.next())
        mirror(copies, place, [blob.name], part=node.ulids.next())
        place.check_body(blob.name)
        result = "repaired"
    except (NotFound, DigestMismatch, StorageError, OSError) as error:
        result = f"not repaired: {error}"
    with unit():
        Blob.objects.filter(pk=blob.pk).update(
            state="stored" if result == "repaired" else "damaged", checked_at=node.now()
        )
    return result


def _state_repair(node: Node, actor: Actor, blob: Blob, said: dict[str, str]) -> None:
    ids = list(blob.exhibits.order_by("seq").values_list("ident", flat=True))
    for part in subjects_in_parts(ids, MAX_SUBJECTS):
        happening = Happening(
            event=Event.VERIFY,
            subject=part,
            what="body",
            result=said["result"],
            extra={"method": "repair", "blob": blob.name, "fault": said["fault"]},
        )
        record(node, custody_statement(node, actor, happening))


def _note(found: Findings, ident: str, check: Callable[[], None]) -> None:
    found.checked += 1
    try:
        check()
    except (SealError, DigestMismatch, NotFound, OSError) as error:
        found.failed[ident] = str(error)


def _living(exhibits: Sequence[Exhibit], found: Findings) -> list[Exhibit]:
    """The exhibits that have bytes; the others are named in what was found."""
    found.disposed = [exhibit.ident for exhibit in exhibits if exhibit.state != "sealed"]
    return [exhibit for exhibit in exhibits if exhibit.state == "sealed"]


def _remember(node: Node, names: dict[int, str], faults: dict[int, str]) -> None:
    """When each body was checked, and what state it is in; what was erased meanwhile stays so."""
    now, kept = node.now(), Blob.objects.exclude(state="erased")
    for part in in_units(names):
        sound = [row for row in part if row not in faults]
        with unit():
            kept.filter(pk__in=sound).update(checked_at=now, state="stored")
            kept.filter(pk__in=set(part) - set(sound)).update(checked_at=now, state="damaged")


def _state_check(node: Node, actor: Actor, found: Findings, ids: Sequence[str]) -> None:
    """The check is stated, naming every exhibit that was checked and those that failed."""
    if not ids:
        return
    for part in subjects_in_parts(ids, MAX_SUBJECTS):
        failed = [ident for ident in part if ident in found.failed]
        happening = Happening(
            event=Event.VERIFY,
            subject=part,
            what="exhibit",
            result=f"{len(failed)} failed" if failed else "intact",
            extra={"method": found.method, "count": len(part), "failed": failed},
        )
        record(node, custody_statement(node, actor, happening))


def copy_bodies(node: Node, *, intake: Intake | None = None) -> int:
    """How many bodies were copied to the second place, which now has all, or all of an intake.

    Raises:
        InvalidInput: no second place is set.
        StorageError: the second place cannot be written.
    """
    place, copies = main_place(node), second_place(node)
    if copies is None:
        raise InvalidInput("there is no second copy: set second_place in svitlo.toml")
    have = set(copies.names())
    rows = Blob.objects.filter(state="stored")
    if intake is not None:
        rows = rows.filter(exhibits__intake=intake).distinct()
    names = rows.order_by("seq").values_list("name", flat=True)
    missing = [name for name in names if name not in have]
    with sealing_in(node):
        mirror(place, copies, missing, part=node.ulids.next())
    return len(missing)
