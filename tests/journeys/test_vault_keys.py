"""Keys of the vault: rotated, rewrapped, resealed; people with keys of their own."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import Busy, InvalidInput, NotForThisIdentity
from svitlo.node.keyring import VAULT, Keyring
from svitlo.seal import age, recipients
from tests.fakes.office import (
    Office,
    content_of,
    exhibit_of,
    headers_in_files,
    make_office,
    stated,
)
from tests.fakes.traces import check_log, secrets_of, traces, wrapped_key

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node

SMALL = {f"f{n}": f"content number {n} ".encode() * 40 for n in range(3)}


@pytest.fixture
def office(node: Node) -> Office:
    return make_office(node)


@pytest.fixture
def ids(office: Office, tmp_path: Path) -> list[str]:
    return office.seal(tmp_path / "in", SMALL)


def identity(node: Node, name: str) -> recipients.Identity:
    return recipients.parse_identity(node.keyring.secret(name).decode())


def opens(ident: str, *identities: recipients.Identity) -> bool:
    """Whether the header in the table opens for one of the identities."""
    try:
        age.unwrap(secrets_of(ident)[1], identities)
    except NotForThisIdentity:
        return False
    return True


def test_a_second_person_has_a_key_that_somebody_vouches_for(office: Office) -> None:
    from svitlo.seal.commitment import person_key_id
    from svitlo.store.models import PersonKey, Statement

    signer = office.bohdan.signer
    assert signer is not None

    key = PersonKey.objects.get(person__ident=office.bohdan.person)
    recorded, keyed = (
        row.value
        for row in Statement.objects.filter(subjects__name=office.bohdan.person).order_by("seq")
    )
    assert key.key == person_key_id(signer.public) == recorded.body["key"] == keyed.body["key"]
    assert base64.b64decode(keyed.body["public"]) == signer.public
    assert (recorded.actor, recorded.sig is not None) == (office.alice.person, True)
    assert (keyed.actor, keyed.sig and keyed.sig["key"]) == (office.bohdan.person, key.key)


@pytest.mark.parametrize("name", ["", " ", "Bohdan", "two\nlines", "x" * 201])
def test_a_person_has_a_name_of_their_own(office: Office, name: str) -> None:
    from svitlo.node.journeys.vault_keys import add_person

    with pytest.raises(InvalidInput):
        add_person(office.node, office.alice, name)


def test_keys_are_listed_without_secrets(office: Office) -> None:
    from svitlo.node.journeys.vault_keys import list_keys

    keys = list_keys(office.node)

    kinds = [key.kind for key in keys]
    assert [kinds.count(kind) for kind in ("person", "log", "recipient")] == [3, 4, 1]
    assert all(key.is_held for key in keys)
    assert "SECRET" not in repr(keys)
    assert "PRIVATE" not in repr(keys)


def test_after_a_rotation_new_objects_are_for_the_new_key_and_old_ones_stay_open(
    office: Office, ids: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.vault_keys import rotate

    assert rotate(office.node, office.alice) == 2
    (new,) = office.seal(tmp_path / "later", {"g": b"later"})

    first, second = identity(office.node, VAULT), identity(office.node, "vault-2")
    assert (opens(ids[0], first), opens(ids[0], second)) == (True, False)
    assert (opens(new, first), opens(new, second)) == (False, True)
    assert content_of(office.node, ids[0]) == SMALL["f0"]
    assert content_of(office.node, new) == b"later"
    assert stated("key_grant")[0].value.body["generation"] == 2


def test_keys_made_by_a_rotation_are_sealed_as_the_others_are(office: Office) -> None:
    from svitlo.node.journeys.vault_keys import rotate

    rotate(office.node, office.alice)
    assert rotate(office.node, office.alice) == 3

    path = office.node.folder / "keys" / "vault-3"
    assert path.stat().st_mode & 0o777 == 0o400


def test_a_rewrap_changes_who_opens_and_no_body(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.vault_keys import rewrap, rotate

    name, old = secrets_of(ids[0])
    body = (office.node.folder / "objects" / name[:2] / name).read_bytes()
    first = identity(office.node, VAULT)
    rotate(office.node, office.alice)

    count = rewrap(office.node, office.bohdan, [exhibit_of(ident) for ident in ids])

    new_name, new = secrets_of(ids[0])
    assert (count, new_name) == (1, name)
    assert (office.node.folder / "objects" / name[:2] / name).read_bytes() == body
    assert (opens(ids[0], first), opens(ids[0], identity(office.node, "vault-2"))) == (False, True)
    assert headers_in_files(office.node.folder) == [(name, base64.b64encode(new).decode())]
    assert traces(office.node.folder, wrapped_key(old), base64.b64encode(old)) == []
    assert content_of(office.node, ids[1]) == SMALL["f1"]
    grant = stated("key_grant")[-1].value
    assert (list(grant.subject), grant.body["count"], grant.body["bodies"]) == (ids, 3, 1)
    assert grant.actor == office.bohdan.person


def test_a_rewrap_for_the_same_recipients_does_nothing(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.vault_keys import rewrap

    before = secrets_of(ids[0])

    assert rewrap(office.node, office.alice, [exhibit_of(ids[0])]) == 0

    assert secrets_of(ids[0]) == before
    assert stated("key_grant") == []


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["unit", "drop_headers", "cut_write_ahead_log", "_state_grant"])
def test_a_rewrap_killed_at_any_step_is_finished_by_the_same_command(
    office: Office, ids: list[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from svitlo.node.journeys import vault_keys

    _, old = secrets_of(ids[0])
    vault_keys.rotate(office.node, office.alice)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(vault_keys, step, die)
        with pytest.raises(Killed):
            vault_keys.rewrap(office.node, office.alice, [exhibit_of(ident) for ident in ids])
    assert content_of(office.node, ids[0]) == SMALL["f0"]

    vault_keys.rewrap(office.node, office.alice, [exhibit_of(ident) for ident in ids])

    name, new = secrets_of(ids[0])
    assert headers_in_files(office.node.folder) == [(name, base64.b64encode(new).decode())]
    assert traces(office.node.folder, wrapped_key(old), base64.b64encode(old)) == []
    assert content_of(office.node, ids[0]) == SMALL["f0"]


def test_who_kept_a_header_and_a_key_is_shut_out_by_resealing_only(
    office: Office, tmp_path: Path
) -> None:
    from svitlo.node.journeys.vault_keys import reseal, rewrap, rotate

    office.node = replace(
        office.node, settings=replace(office.node.settings, segment_member_max=10)
    )
    content = os.urandom(3_000_000)
    first, second = office.seal(tmp_path / "in", {"a": content, "b": content})
    thief, (name, stolen) = identity(office.node, VAULT), secrets_of(first)
    key = age.unwrap(stolen, [thief])
    rotate(office.node, office.alice)
    rewrap(office.node, office.alice, [exhibit_of(first)])
    assert age.unwrap(secrets_of(first)[1], office.node.keyring.identities()) == key

    assert reseal(office.node, office.alice, [exhibit_of(first)]) == 1

    new_name, header = secrets_of(first)
    assert age.unwrap(header, office.node.keyring.identities()) != key
    assert not (office.node.folder / "objects" / name[:2] / name).exists()
    assert [exhibit_of(ident).blob.name for ident in (first, second)] == [new_name] * 2
    assert content_of(office.node, second) == content
    assert check_log(office.node)["gone"] == 0


def test_two_commands_never_change_the_vault_at_once(office: Office, ids: list[str]) -> None:
    from svitlo.node.journeys.resealing import vault_to_itself
    from svitlo.node.journeys.vault_keys import reseal

    with vault_to_itself(office.node), pytest.raises(Busy):
        reseal(office.node, office.alice, [exhibit_of(ids[0])])


def test_what_was_disposed_of_is_neither_rewrapped_nor_resealed(
    office: Office, tmp_path: Path
) -> None:
    from svitlo.node.journeys.disposal import dispose
    from svitlo.node.journeys.vault_keys import reseal, rewrap, rotate

    (ident,) = office.seal(tmp_path / "in", {"a": b"gone"})
    office.decided([ident])
    dispose(office.node, office.alice, [ident])
    rotate(office.node, office.alice)

    assert rewrap(office.node, office.alice, [exhibit_of(ident)]) == 0
    assert reseal(office.node, office.alice, [exhibit_of(ident)]) == 0
    assert headers_in_files(office.node.folder) == []


def test_a_header_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    from svitlo.store.erasing import drop_headers

    (tmp_path / "headers").mkdir()
    path = tmp_path / "headers" / "0.jsonl"
    path.write_bytes(b'{"blob":"aa","header":"AA=="}\n{"blob":"bb","hea')

    assert drop_headers(tmp_path, lambda blob, _: blob == "bb") == 0
    assert drop_headers(tmp_path, lambda blob, _: blob == "aa") == 1
    assert path.read_bytes() == b'{"blob":"bb","hea'
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_keys_of_a_passphrase_node_stay_sealed(office: Office, tmp_path: Path) -> None:
    from svitlo.node.journeys.vault_keys import rotate
    from svitlo.node.keyring import make_keys

    ring = make_keys(tmp_path / "keys", {}, "a phrase")
    for name in ("spine.ed25519", "spine.mldsa44", f"person-{office.alice.person}"):
        ring.keep(name, office.node.keyring.secret(name))
    (office.node.folder / "keys").rename(tmp_path / "plain-keys")
    (tmp_path / "keys").rename(office.node.folder / "keys")
    sealed = replace(office.node, keyring=Keyring(office.node.folder / "keys", lambda: "a phrase"))

    generation = rotate(sealed, office.alice)

    content = (office.node.folder / "keys" / f"vault-{generation}").read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
