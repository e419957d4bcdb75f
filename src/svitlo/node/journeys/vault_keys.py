"""Keys of the vault: who may open what is sealed, from now on and after the fact.

*Rotate*: a new generation of the vault's identity, for new objects. *Rewrap*: new headers with the
same file keys for the recipients of today; the old headers go from table and files. *Reseal*: new
bodies under new file keys, since whoever had an old header and an identity of it keeps access
otherwise. People get signing keys here too. Each is stated.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from svitlo.errors import InvalidInput
from svitlo.node.acting import Actor
from svitlo.node.asserting import (
    Happening,
    append_to_log,
    custody_statement,
    new_statement,
    openings_of,
)
from svitlo.node.audit import record
from svitlo.node.journeys.founding import index_person
from svitlo.node.journeys.resealing import (
    place_folders,
    recipients_name,
    reseal_bodies,
    sweep_bodies,
    vault_to_itself,
)
from svitlo.node.journeys.rotation import signing_keys
from svitlo.node.keyring import AUDIT, RECIPIENTS, SPINE, WITNESS, new_person_key, read_recipients
from svitlo.node.opening import Node
from svitlo.record.custody import Event
from svitlo.record.statement import MAX_SUBJECTS, LogKind
from svitlo.seal import age, commitment
from svitlo.seal.note import format_vkey
from svitlo.seal.recipients import HybridIdentity, format_identity, format_recipient
from svitlo.store.blobs import FolderPlace
from svitlo.store.erasing import cut_write_ahead_log, drop_headers
from svitlo.store.log.heads import write_durably
from svitlo.store.models import Blob, BlobHeader, Exhibit, Person, PersonKey
from svitlo.store.writing import in_units, unit

GENERATION = "vault-"
MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValue:
    """A key as people see it: what it is for, whose, its public part, and if the secret is here."""

    kind: str
    name: str
    public: str
    is_held: bool


def list_keys(node: Node) -> list[KeyValue]:
    """The public side of all keys: people, logs, and whom new objects are sealed to."""
    here = {path.name for path in (node.folder / "keys").iterdir()}
    found = [
        KeyValue(
            kind="person",
            name=f"{row.person.ident} ({row.person.name})",
            public=row.key,
            is_held=f"person-{row.person.ident}" in here,
        )
        for row in PersonKey.objects.select_related("person").order_by("pk")
    ]
    for names in (SPINE, AUDIT, WITNESS):
        for key in signing_keys(node, names):
            line = key.verifier_line
            found.append(
                KeyValue(kind="log", name=line.name, public=format_vkey(line), is_held=True)
            )
    for name, public in named_recipients(node):
        found.append(KeyValue(kind="recipient", name=name, public=public, is_held=name in here))
    return found


def add_person(node: Node, actor: Actor, name: str, *, role: str = "officer") -> str:
    """The identifier of a new person who can act here, with a signing key in the node's keys.

    Raises:
        InvalidInput: the name is empty, too long, or somebody has it.
    """
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"a name of 1 to {MAX_NAME} letters was expected")
    if Person.objects.filter(name=name).exists():
        raise InvalidInput(f"there is a person named {name} already: add what tells them apart")
    person = f"p-{node.ulids.next()}"
    signer = new_person_key(node.keyring, person)
    key = commitment.person_key_id(signer.public)
    recorded = new_statement(
        node,
        "person.recorded",
        actor=actor.person,
        subject=[person],
        body={"name": name, "role": role, "key": key},
        basis=actor.purpose.basis,
    )
    keyed = new_statement(
        node,
        "person.key",
        actor=person,
        subject=[person],
        body={
            "alg": "ed25519",
            "key": key,
            "public": base64.b64encode(signer.public).decode(),
        },
        basis=actor.purpose.basis,
    )
    voucher = actor.needed_signer("to add a person")
    openings = openings_of([voucher.signed(recorded), signer.signed(keyed)])
    with unit():
        first = append_to_log(node, LogKind.SPINE, openings)
        index_person(first, person, name, signer.public)
    return person


def rotate(node: Node, actor: Actor) -> int:
    """The new generation of the vault's identity, to which new objects are sealed from now on.

    What was sealed before stays open to the earlier generations, whose keys stay here.
    """
    with vault_to_itself(node):
        found = [path.name for path in (node.folder / "keys").glob(f"{GENERATION}*")]
        generation = 1 + max(int(name.removeprefix(GENERATION)) for name in [*found, "0"])
        identity = HybridIdentity(os.urandom(32))
        name, public = f"{GENERATION}{generation}", format_recipient(identity.recipient)
        node.keyring.keep(name, format_identity(identity).encode())
        others = [r for r in named_recipients(node) if not r[0].startswith(GENERATION)]
        write_recipients(node, [(name, public), *others])
        said = {"generation": generation, "recipient": digest_of_recipient(public)}
        _state_grant(node, actor, [], result="rotated", said=said)
    return generation


def rewrap(node: Node, actor: Actor, exhibits: Sequence[Exhibit]) -> int:
    """How many bodies have new headers, for the recipients of today; the old headers are gone.

    An exhibit in a segment takes the others in it along. Bodies whose headers are for the same
    recipients already are left as they are.

    Raises:
        Busy: another command changes the vault, or reads the database: repeat it.
        NotForThisIdentity: this node cannot open one of them.
    """
    with vault_to_itself(node):
        to = read_recipients(node.folder)
        identities = node.keyring.identities()
        wanted = {exhibit.blob_id for exhibit in exhibits if exhibit.state == "sealed"}
        stale = [
            header
            for part in in_units(sorted(wanted))
            for header in BlobHeader.objects.filter(blob__in=part).select_related("blob")
            if header.blob.recipients != recipients_name(to)
        ]
        for part_of in in_units(stale):
            headers = [age.rewrap(bytes(h.header), identities, to, os.urandom) for h in part_of]
            FolderPlace(node.folder).keep_headers(
                node.ulids.next(),
                [(h.blob.name, header) for h, header in zip(part_of, headers, strict=True)],
            )
            with unit():
                for row, header in zip(part_of, headers, strict=True):
                    BlobHeader.objects.filter(pk=row.pk).update(header=header)
                Blob.objects.filter(pk__in=[h.blob_id for h in part_of]).update(
                    recipients=recipients_name(to)
                )
        _drop_old_headers(node, wanted)
        if stale:
            moved = {header.blob_id for header in stale}
            ids = Exhibit.objects.filter(blob__in=moved, state="sealed").order_by("seq")
            said = {"bodies": len(stale), "recipients": recipients_name(to)}
            named = list(ids.values_list("ident", flat=True))
            _state_grant(node, actor, named, result="rewrapped", said=said)
    return len(stale)


def _drop_old_headers(node: Node, blobs: set[int]) -> None:
    """Of these bodies no header is left but the one in the table."""
    kept: dict[str, bytes] = {}
    for part in in_units(sorted(blobs)):
        rows = BlobHeader.objects.filter(blob__in=part).values_list("blob__name", "header")
        kept |= {name: hashlib.sha256(bytes(header)).digest() for name, header in rows}
    for folder in place_folders(node):
        drop_headers(
            folder,
            lambda name, header: kept.get(name, b"") not in {b"", hashlib.sha256(header).digest()},
        )
    cut_write_ahead_log()


def reseal(node: Node, actor: Actor, exhibits: Sequence[Exhibit]) -> int:
    """How many bodies were sealed anew under new file keys; the old ones are erased.

    Raises:
        Busy: an intake is open, or another command changes the vault: repeat it.
        DigestMismatch: an exhibit is not what was sealed: repair its body first.
    """
    with vault_to_itself(node):
        wanted = {exhibit.blob_id for exhibit in exhibits if exhibit.state == "sealed"}
        blobs = Blob.objects.filter(pk__in=wanted, header__isnull=False).order_by("seq")
        count = reseal_bodies(node, actor, list(blobs))
        sweep_bodies(node)
    return count


def named_recipients(node: Node) -> list[tuple[str, str]]:
    """Name and recipient of each line of `recipients.txt`, in order."""
    lines = (node.folder / RECIPIENTS).read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return [(line[0] if len(line) > 1 else "", line[-1]) for line in words]


def write_recipients(node: Node, lines: Sequence[tuple[str, str]]) -> None:
    """New objects are sealed to these, in this order."""
    text = "".join(f"{name} {public}".strip() + "\n" for name, public in lines)
    write_durably(
        node.folder / RECIPIENTS,
        b"# Whom new objects are sealed to: one name and recipient a line.\n" + text.encode(),
    )


def digest_of_recipient(public: str) -> str:
    """SHA-256 of a recipient's text, by which statements name it."""
    return hashlib.sha256(public.encode()).hexdigest()


def _state_grant(
    node: Node, actor: Actor, ids: Sequence[str], *, result: str, said: dict[str, object]
) -> None:
    """One event says who may open what; it names the exhibits where they are few enough."""
    listed = {"count": len(ids), "list": hashlib.sha256("\n".join(ids).encode()).hexdigest()}
    happening = Happening(
        event=Event.KEY_GRANT,
        subject=list(ids) if 0 < len(ids) <= MAX_SUBJECTS else [node.settings.origin],
        what="headers" if ids else "vault",
        result=result,
        extra=said | (listed if ids else {}),
    )
    record(node, custody_statement(node, actor, happening))
