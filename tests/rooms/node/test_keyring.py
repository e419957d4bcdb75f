"""The node's keys: one file each, never replaced, never half there, never shown."""

import os
from pathlib import Path

import pytest

from svitlo.errors import InvalidInput, NotFound, SettingsError
from svitlo.node.keyring import (
    SPINE,
    VAULT,
    Keyring,
    make_keys,
    new_person_key,
    read_recipients,
    write_private,
)
from svitlo.record.statement import Statement, check_signature
from svitlo.seal.curve import verifier
from svitlo.seal.note import KIND_ED25519, KIND_ML_DSA_44, make_vkey
from svitlo.seal.recipients import HybridIdentity, format_identity, format_recipient

NAMES = {
    "spine.ed25519": "a.example/spine/1",
    "spine.mldsa44": "a.example/spine/1",
    "witness.ed25519": "a.example/witness",
}
PHRASE = "correct horse battery staple"
ULID = "01gk1ap2h0000g40r40m30e209"


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return make_keys(tmp_path / "keys", NAMES, None)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of keys that a passphrase protects; scrypt makes it slow, so it is made once."""
    folder = tmp_path_factory.mktemp("locked") / "keys"
    make_keys(folder, NAMES, PHRASE)
    return folder


def test_each_key_signs_under_its_name_and_kind(ring: Keyring) -> None:
    first, second = ring.signing_keys(SPINE)

    assert (first.name, first.kind) == ("a.example/spine/1", KIND_ED25519)
    assert (second.name, second.kind) == ("a.example/spine/1", KIND_ML_DSA_44)
    assert first.seed != second.seed


def test_only_the_owner_reads_key_files(ring: Keyring, tmp_path: Path) -> None:
    files = list((tmp_path / "keys").iterdir())

    assert {path.name for path in files} == {*NAMES, VAULT}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o400}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_key_file_is_never_replaced(ring: Keyring, tmp_path: Path) -> None:
    before = (tmp_path / "keys" / "spine.ed25519").read_bytes()

    with pytest.raises(FileExistsError):
        ring.keep("spine.ed25519", b"another")

    assert (tmp_path / "keys" / "spine.ed25519").read_bytes() == before
    assert not list((tmp_path / "keys").glob("*.part"))


def test_a_key_file_is_never_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)

    with pytest.raises(KeyboardInterrupt):
        write_private(tmp_path / "key", b"secret")

    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_named(ring: Keyring) -> None:
    with pytest.raises(NotFound, match=r"no key audit\.ed25519"):
        ring.signing_keys(("audit.ed25519",))
    with pytest.raises(NotFound, match="person-p-1"):
        ring.signer("p-1")


def test_a_person_signs_statements(ring: Keyring) -> None:
    signer = new_person_key(ring, f"p-{ULID}")
    statement = signer.signed(
        Statement(
            type="person.key",
            id=ULID,
            node="a.example",
            at="2022-11-29T09:15:00Z",
            actor=signer.person,
            subject=(),
            body={},
        )
    )

    line = make_vkey("p", KIND_ED25519, signer.public)
    check_signature(statement, lambda message, signature: verifier(line).verify(message, signature))
    assert ring.signer(f"p-{ULID}").public == signer.public


def test_the_newest_identity_comes_first(ring: Keyring) -> None:
    for generation in (2, 9, 10):
        text = format_identity(HybridIdentity(bytes([generation]) * 32))
        ring.keep(f"vault-{generation}", text.encode())

    made = [HybridIdentity(bytes([n]) * 32) for n in (10, 9, 2)]

    assert list(ring.identities()[:3]) == made


def test_a_node_without_identity_opens_nothing(ring: Keyring, tmp_path: Path) -> None:
    (tmp_path / "keys" / VAULT).unlink()

    with pytest.raises(NotFound, match="no identity"):
        ring.identities()


def test_the_dummy_key_of_a_year_stays(ring: Keyring) -> None:
    first = ring.dummy_key(2026)

    assert len(first) == 32
    assert ring.dummy_key(2026) == first
    assert ring.dummy_key(2027) != first


def test_two_processes_agree_on_the_dummy_key(
    ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Keyring(tmp_path / "keys", lambda: "")
    theirs: list[bytes] = []
    keep = ring.keep

    def lose_the_race(name: str, content: bytes) -> None:
        theirs.append(other.dummy_key(2026))
        keep(name, content)

    monkeypatch.setattr(ring, "keep", lose_the_race)

    assert [ring.dummy_key(2026)] == theirs


def test_with_a_passphrase_no_file_holds_a_secret(locked: Path) -> None:
    for path in locked.iterdir():
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n"), path.name


def test_the_passphrase_is_asked_for_once(locked: Path) -> None:
    asked: list[str] = []

    def ask() -> str:
        asked.append("once")
        return PHRASE

    ring = Keyring(locked, ask)
    assert ring.is_sealed
    assert not asked

    assert len(ring.signing_keys(SPINE)) == 2
    assert len(ring.identities()) == 1
    assert asked == ["once"]


def test_a_wrong_passphrase_is_told(locked: Path) -> None:
    with pytest.raises(SettingsError, match="does not open the keys"):
        Keyring(locked, lambda: "guess").secret("spine.ed25519")


def test_no_secret_is_shown(ring: Keyring) -> None:
    (key,) = ring.signing_keys(("spine.ed25519",))

    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in repr(key)


def recipients_file(folder: Path, text: str) -> Path:
    (folder / "recipients.txt").write_text(text)
    return folder


def test_recipients_are_read_one_a_line(tmp_path: Path) -> None:
    ours, theirs = (HybridIdentity(bytes([n]) * 32).recipient for n in (1, 2))
    text = f"# who\n\nours {format_recipient(ours)}\n{format_recipient(theirs)}\n"

    assert read_recipients(recipients_file(tmp_path, text)) == (ours, theirs)


@pytest.mark.parametrize("text", ["", "\n\n", "# nobody\n"])
def test_a_list_of_nobody_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="nobody"):
        read_recipients(recipients_file(tmp_path, text))
