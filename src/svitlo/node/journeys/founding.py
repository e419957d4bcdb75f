"""Found a node: its folder, keys, database, logs and first person."""

import base64
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from django.core.management import call_command

from svitlo.errors import InvalidInput
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.keyring import (
    RECIPIENTS,
    VAULT,
    Keyring,
    make_keys,
    new_person_key,
)
from svitlo.node.opening import FOLDERS, Node, point_django_at
from svitlo.node.settings import Settings, write_settings
from svitlo.record.statement import LogKind, utc_text
from svitlo.seal import canonical, commitment, recipients
from svitlo.store.log.appending import append_control
from svitlo.store.models import Log, Person, PersonKey
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import unit

MAX_ORIGIN = 200
MAX_NAME = 200
_ORIGIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)
_STATE = re.compile(r"[A-Z]{2}|[A-Z0-9][A-Z0-9-]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What a new node is to be.

    `state` is a country code or the short name of an organisation, `origin` a DNS name or None for
    one made of the name, `person` the name of the first person, `phrase` the passphrase or None.
    """

    state: str
    name: str
    origin: str | None = None
    person: str = "First officer"
    phrase: str | None = None
    passphrase_file: str = ""


def found_node(folder: Path, founding: Founding) -> Node:
    """A new node in a folder that is empty or not there, with its first person and their key.

    Raises:
        InvalidInput: the folder holds something, or state, name or origin do not fit.
    """
    check_names(founding)
    origin = founding.origin or origin_from(founding.name, founding.state)
    check_founding(folder, founding, origin)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the tables and receipts inside are not encrypted
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o700)
    spine, audit = f"{origin}/spine/1", f"{origin}/audit/1"
    ring = make_keys(
        folder / "keys",
        {
            "spine.ed25519": spine,
            "spine.mldsa44": spine,
            "audit.ed25519": audit,
            "witness.ed25519": f"{origin}/witness",
        },
        founding.phrase,
    )
    _write_recipients(folder, ring)
    settings = Settings(
        state=founding.state,
        name=founding.name,
        origin=origin,
        passphrase_file=founding.passphrase_file,
    )
    node = Node(folder=folder.absolute(), settings=settings, keyring=ring)
    point_django_at(node.folder)
    settings = _first_statements(node, founding.person)
    write_settings(folder, settings)
    return Node(folder=node.folder, settings=settings, keyring=ring, ulids=node.ulids)


def origin_from(name: str, state: str) -> str:
    """A DNS name made of the contact point's name, under the domain reserved for private use.

    Raises:
        InvalidInput: the name has no letters or digits that a DNS name can hold.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    label = "-".join(re.findall("[a-z0-9]+", plain))[:60].strip("-")
    if not label:
        raise InvalidInput("the name gives no DNS name: choose one with --origin")
    return f"{label}.{state.lower()}.internal"


def check_names(founding: Founding) -> None:
    """Nothing, when node and person have names that can be shown.

    Raises:
        InvalidInput: one is empty, too long, or holds what no screen should show.
    """
    for option, text in (("name", founding.name), ("person", founding.person)):
        if not text.strip() or not text.isprintable() or len(text) > MAX_NAME:
            raise InvalidInput(f"--{option} is a name of 1 to {MAX_NAME} printable letters")


def check_founding(folder: Path, founding: Founding, origin: str) -> None:
    """Nothing, when a node can be founded there.

    Raises:
        InvalidInput: the folder is not empty, or state, name or origin do not fit.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} is not an empty folder")
    if not _STATE.fullmatch(founding.state):
        raise InvalidInput(f"--state is a country code such as DE, not {founding.state!r}")
    if not _ORIGIN.fullmatch(origin) or len(origin) > MAX_ORIGIN:
        raise InvalidInput(f"--origin is a lower-case DNS name, not {origin!r}")


def _write_recipients(folder: Path, ring: Keyring) -> None:
    identity = recipients.parse_identity(ring.secret(VAULT).decode())
    line = f"{VAULT} {recipients.format_recipient(identity.recipient)}\n"
    (folder / RECIPIENTS).write_text(
        "# Whom new objects are sealed to: one name and recipient a line.\n" + line,
        encoding="utf-8",
    )


def _first_statements(node: Node, name: str) -> Settings:
    """The logs begin, the first person and their key stand in them; returns the settings."""
    call_command("migrate", verbosity=0, interactive=False)
    person = f"p-{node.ulids.next()}"
    signer = new_person_key(node.keyring, person)
    origins = {LogKind.SPINE: node.spine, LogKind.AUDIT: node.audit}
    with unit():
        for kind, origin in origins.items():
            log = Log.objects.create(origin=origin, kind=kind.value)
            append_control(log.pk, commitment.control_entry(_genesis(node, origin)))
    recorded = new_statement(
        node,
        "person.recorded",
        actor=person,
        subject=[person],
        body={"name": name, "role": "first"},
    )
    keyed = new_statement(
        node,
        "person.key",
        actor=person,
        subject=[person],
        body={
            "alg": "ed25519",
            "key": commitment.person_key_id(signer.public),
            "public": base64.b64encode(signer.public).decode(),
        },
    )
    openings = openings_of([recorded, signer.signed(keyed)])
    with unit():
        first = append_to_log(node, LogKind.SPINE, openings)
        index_person(first, person, name, signer.public)
    return replace(node.settings, person=person)


def index_person(first: int, person: str, name: str, public: bytes) -> None:
    """The tables know the person of statement `first` and the key of the statement after it."""
    row = Person.objects.create(
        ident=person, name=name, statement=StatementRow.objects.get(seq=first)
    )
    PersonKey.objects.create(
        person=row,
        key=commitment.person_key_id(public),
        public=public,
        statement=StatementRow.objects.get(seq=first + 1),
    )


def _genesis(node: Node, origin: str) -> bytes:
    return canonical.dumps(
        {
            "v": 1,
            "type": "control.genesis",
            "node": node.settings.origin,
            "origin": origin,
            "at": utc_text(node.now()),
        }
    )
