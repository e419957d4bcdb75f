"""Gather what a dossier proves its exhibits by: statements, batches, tiles, stamps, trust."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from django.db import connection
from rfc3161_client import decode_timestamp_response

from svitlo.dossier.contents import Dossier, Exhibit, Stamp, Trust, Withheld
from svitlo.dossier.package import batch_line, needed_tiles, tile_file
from svitlo.dossier.proofs import Opening, plain_value
from svitlo.errors import LogStateError, SettingsError
from svitlo.node.journeys.confirming import OVERRIDE
from svitlo.node.journeys.disclosure_writing import Outbound, verifier_file
from svitlo.node.journeys.holding import CASE
from svitlo.node.journeys.rotation import signing_keys
from svitlo.node.journeys.stamping import authority_of
from svitlo.node.keyring import SPINE
from svitlo.node.opening import Node
from svitlo.record.statement import utc_text
from svitlo.seal.note import parse_vkey
from svitlo.seal.policy import Group, Log, Policy, Quorum, Witness, examine_note, format_policy
from svitlo.seal.signature import verifier
from svitlo.seal.tree import leaf_hash
from svitlo.store.models import Checkpoint, Entry, PersonKey, Subject
from svitlo.store.models import Exhibit as ExhibitRow
from svitlo.store.models import Stamp as StampRow
from svitlo.store.writing import in_units

_NAME = re.compile("[a-z0-9]+")


def gathered(
    outbound: Outbound,
    exhibits: tuple[Exhibit, ...],
    bound: Mapping[str, bytes],
    withheld: tuple[Withheld, ...],
) -> tuple[Dossier, tuple[str, ...]]:
    """Everything that the dossier is made of, and words on what it does not have.

    Raises:
        LogStateError: the export is not signed yet.
    """
    node = outbound.node
    reader = node.log(node.spine)
    row = reader.checkpoint()
    statements = _statements(reader.log_id, outbound.rows)
    if row is None or not statements or statements[-1].index >= row.size:
        raise LogStateError("the export stands in the log and is not signed yet: make it again")
    remarks: list[str] = []
    policy, quorum = _policy(node, row, remarks)
    roots, stamps = _stamps(node, row, statements)
    remarks += [] if quorum.k else ["no independent cosigner"]
    remarks += [] if stamps else ["not stamped by a time stamp authority"]
    indices = [statement.index for statement in statements]
    dossier = Dossier(
        case=outbound.case,
        exhibits=exhibits,
        statements=tuple(statements),
        batches=tuple(_batches(reader.log_id, outbound.rows)),
        checkpoint=bytes(row.note),
        tiles={tile_file(*tile): reader.tile(*tile) for tile in needed_tiles(row.size, indices)},
        bound=bound,
        trust=Trust(roots=roots, policy=format_policy(policy), people=_people(statements)),
        verifier=verifier_file(),
        stamps=stamps,
        withheld=withheld,
        cosigners=tuple(
            (name, _utc(time)) for name, time in zip(quorum.names, quorum.times, strict=True)
        ),
        quorum=policy.quorum,
        confirmed_at=_confirmations(node.spine),
    )
    return dossier, tuple(remarks)


def _confirmations(origin: str) -> tuple[str, ...]:
    """When two officers confirmed the log because no cosigner could."""
    found = Subject.objects.filter(name=origin, statement__type=OVERRIDE)
    return tuple(sorted(set(found.values_list("statement__at", flat=True))))


def _utc(seconds: int) -> str:
    return utc_text(datetime.fromtimestamp(seconds, UTC))


def _statements(log_id: int, rows: Sequence[ExhibitRow]) -> list[Opening]:
    """What the log holds about the exhibits, their intakes and who signed, in log order."""
    about = ((row.ident, row.intake.ident, f"{CASE}{row.case}") for row in rows)
    names = sorted(set().union(*about))
    wanted = {row.statement_id for row in rows}
    for part in in_units(names):
        found = Subject.objects.filter(name__in=part, statement__log=log_id)
        wanted.update(found.values_list("statement_id", flat=True))
    openings = _openings(log_id, wanted)
    signers = {str(o.value["sig"]["key"]) for o in openings if "sig" in o.value}
    keys = PersonKey.objects.filter(key__in=signers).values_list("statement_id", flat=True)
    openings += _openings(log_id, set(keys) - wanted)
    return sorted(openings, key=lambda opening: opening.index)


def _openings(log_id: int, statements: Iterable[int]) -> list[Opening]:
    openings = []
    for part in in_units(sorted(statements)):
        found = Entry.objects.filter(log_id=log_id, statement__in=part, statement__state="active")
        for index, salt, text in found.values_list("index", "statement__salt", "statement__text"):
            value = plain_value(bytes(text))
            openings.append(Opening(int(index), bytes(salt), bytes(text), value))
    return openings


def _batches(log_id: int, rows: Sequence[ExhibitRow]) -> list[bytes]:
    """For each intake, how the exhibits here lead to the root of its signed batch."""
    chosen = {row.ident for row in rows}
    lines = []
    for intake, ident in sorted({(row.intake.pk, row.intake.ident) for row in rows}):
        leaves, places = [], {}
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT x.id, e.entry, e."index" FROM store_exhibit x JOIN store_entry e'
                " ON e.statement_id = x.statement_id AND e.log_id = %s"
                " WHERE x.intake_id = %s ORDER BY x.n",
                [log_id, intake],
            )
            for place, (name, entry, index) in enumerate(cursor):
                leaves.append(leaf_hash(bytes(entry)))
                if name in chosen:
                    places[place] = int(index)
        lines.append(batch_line(ident.removeprefix("i-"), leaves, places))
    return lines


def _policy(node: Node, row: Checkpoint, remarks: list[str]) -> tuple[Policy, Quorum]:
    """The rule by which a verifier accepts the checkpoint, and who has cosigned it."""
    logs = [Log(key.verifier_line) for key in signing_keys(node, SPINE)]
    keys = [parse_vkey(setting.vkey) for setting in node.settings.witnesses]
    witnesses = tuple(Witness(f"w{number}", key) for number, key in enumerate(keys, 1))
    asked = node.settings.quorum
    names = tuple(witness.name for witness in witnesses)
    groups = (Group("q", asked, names),) if 0 < asked <= len(names) else ()
    policy = Policy(tuple(logs), witnesses, groups, "q" if groups else "none")
    quorum = examine_note(policy, bytes(row.note), verifier).quorum
    if not quorum.reached or asked > len(names):
        remarks.append(f"{quorum.k} of the {asked} cosignatures that this node asks for are there")
        policy = Policy(tuple(logs), witnesses, (), "none")
    return policy, quorum


def _people(statements: Iterable[Opening]) -> tuple[tuple[str, str, str, str], ...]:
    keys = {str(o.value["sig"]["key"]) for o in statements if "sig" in o.value}
    rows = PersonKey.objects.filter(key__in=keys).select_related("person").order_by("key")
    return tuple((r.key, bytes(r.public).hex(), r.person.ident, r.person.name) for r in rows)


def _stamps(
    node: Node, row: Checkpoint, statements: Sequence[Opening]
) -> tuple[bytes, tuple[Stamp, ...]]:
    """The roots, and for each authority its first stamp over all these exhibits and its newest.

    The first says how early they existed; where its checkpoint is an older one, the proof that the
    log grew out of it goes along.
    """
    sealed = max(o.index for o in statements if o.kind == "exhibit.sealed")
    roots: dict[str, bytes] = {}
    stamps: dict[str, Stamp] = {}
    for setting in node.settings.authorities:
        try:
            roots[setting.name] = authority_of(node, setting).roots_pem
        except SettingsError:
            continue
        found = StampRow.objects.filter(
            authority=setting.name,
            checkpoint__log_id=row.log_id,
            checkpoint__size__gt=sealed,
            checkpoint__size__lte=row.size,
        ).order_by("checkpoint__size")
        for one in filter(None, [found.first(), found.last()]):
            stamp = _stamp(node, row, one, roots[setting.name])
            stamps[stamp.name] = stamp
    return b"".join(dict.fromkeys(roots.values())), tuple(stamps.values())


def _stamp(node: Node, row: Checkpoint, found: StampRow, roots: bytes) -> Stamp:
    older = found.checkpoint
    is_older = older.size < row.size
    word = "-".join(_NAME.findall(found.authority.lower()))[:16] or "authority"
    short = hashlib.sha256(found.authority.encode()).hexdigest()[:4]
    proof = node.log(node.spine).tiles(row.size).consistency(older.size) if is_older else []
    return Stamp(
        name=f"{word}-{short}-{older.size}",
        authority=found.authority,
        request=bytes(found.request),
        response=bytes(found.response),
        chain=_chain(bytes(found.response)) or roots,
        at=int(found.made_at.timestamp()),
        checkpoint=bytes(older.note) if is_older else b"",
        consistency=tuple(proof),
    )


def _chain(response: bytes) -> bytes:
    """The certificates in a token, as PEM; none where they cannot be taken out."""
    try:
        token = decode_timestamp_response(response).time_stamp_token()
        found = pkcs7.load_der_pkcs7_certificates(token)
    except ValueError:
        return b""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in found)
