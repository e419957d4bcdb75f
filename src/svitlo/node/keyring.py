"""The node's keys: one file each in `keys/`, one key for one purpose.

With a passphrase the files are age files for a random unlock key, and that key alone is sealed with
the passphrase, so that opening all of them costs one scrypt. Without one the files are plain and
0400, and `svitlo doctor` warns. Nothing here prints a secret.
"""

import base64
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from svitlo.errors import InvalidInput, NotFound, SealError, SettingsError
from svitlo.record.statement import Statement, sign_statement
from svitlo.seal import age, passphrase, recipients
from svitlo.seal.header import VERSION_LINE
from svitlo.seal.note import KIND_COSIGNATURE, KIND_ED25519, KIND_ML_DSA_44
from svitlo.seal.signature import SigningKey, format_skey, parse_skey, sign_person
from svitlo.store.log.heads import write_once

UNLOCK = "unlock.age"
VAULT = "vault-1"
RECIPIENTS = "recipients.txt"
PRIVATE = 0o400

SPINE = ("spine.ed25519", "spine.mldsa44")
AUDIT = ("audit.ed25519",)
WITNESS = ("witness.ed25519",)
_KINDS = {"ed25519": KIND_ED25519, "mldsa44": KIND_ML_DSA_44}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person who signs: the identifier in the record, and what their key does."""

    person: str
    public: bytes
    sign: Callable[[bytes], bytes]

    def signed(self, statement: Statement) -> Statement:
        """The statement with this person's signature."""
        return sign_statement(statement, self.public, self.sign)


class Keyring:
    """The keys of one node, read when they are first needed.

    Args:
        folder: the node's `keys` folder.
        ask: gives the passphrase; called only when the keys are sealed.
    """

    def __init__(self, folder: Path, ask: Callable[[], str]) -> None:
        self._folder = folder
        self._ask = ask

    @property
    def is_sealed(self) -> bool:
        """Whether a passphrase protects the files."""
        return (self._folder / UNLOCK).exists()

    def signing_keys(self, names: Sequence[str]) -> tuple[SigningKey, ...]:
        """The signing keys of those files.

        Raises:
            NotFound: a file is not there.
        """
        return tuple(parse_skey(self.secret(name).decode()) for name in names)

    def signer(self, person: str) -> Signer:
        """The key of a person.

        Raises:
            NotFound: this node does not hold that person's key.
        """
        key = parse_skey(self.secret(f"person-{person}").decode())
        return Signer(
            person=person,
            public=key.verifier_line.public,
            sign=lambda message: sign_person(key.seed, message),
        )

    def identities(self) -> tuple[recipients.Identity, ...]:
        """The identities that open the vault, newest generation first.

        Raises:
            NotFound: this node holds none, as a field node does.
        """
        names = [path.name for path in self._folder.glob("vault-*")]
        if not names:
            raise NotFound("this node holds no identity that opens its vault")
        names.sort(key=lambda name: (len(name), name), reverse=True)
        return tuple(recipients.parse_identity(self.secret(name).decode()) for name in names)

    def dummy_key(self, year: int) -> bytes:
        """The dummy key of that year, made when there is none yet."""
        name = f"dummy-{year}"
        if not (self._folder / name).exists():
            with suppress(FileExistsError):  # another process made it meanwhile
                self.keep(name, base64.b64encode(os.urandom(32)))
        return base64.b64decode(self.secret(name))

    def secret(self, name: str) -> bytes:
        """The content of a key file, opened.

        Raises:
            NotFound: there is no such key here.
            SettingsError: the passphrase does not open it.
        """
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"this node holds no key {name}") from None
        if content.startswith(VERSION_LINE):
            return age.open_bytes(content, [self._unlock])
        return content

    def keep(self, name: str, content: bytes) -> None:
        """A new key file, sealed when the others are; an existing one is never replaced."""
        if self.is_sealed:
            content = age.seal_bytes(content, [self._unlock.recipient], os.urandom)
        write_private(self._folder / name, content)

    @cached_property
    def _unlock(self) -> recipients.X25519Identity:
        content = (self._folder / UNLOCK).read_bytes()
        try:
            secret = passphrase.open_with_passphrase(content, self._ask())
        except SealError as error:
            raise SettingsError(f"the passphrase does not open the keys: {error}") from None
        return recipients.X25519Identity(secret)


def write_private(path: Path, content: bytes) -> None:
    """A new file that only its owner reads, whole and durable."""
    write_once(path, content, PRIVATE)


def make_keys(folder: Path, names: dict[str, str], phrase: str | None) -> Keyring:
    """A new set of signing keys, and the first vault identity; sealed where there is a passphrase.

    `names` says for each file (such as `spine.ed25519`) the name that its key signs under.
    """
    folder.mkdir(mode=0o700)
    if phrase is not None:
        secret = os.urandom(32)
        write_private(folder / UNLOCK, passphrase.seal_with_passphrase(secret, phrase, os.urandom))
    ring = Keyring(folder, lambda: phrase or "")
    for file_name, signs_as in names.items():
        role, _, scheme = file_name.partition(".")
        kind = KIND_COSIGNATURE if role == "witness" else _KINDS[scheme]
        key = SigningKey(name=signs_as, kind=kind, seed=os.urandom(32))
        ring.keep(file_name, format_skey(key).encode())
    ring.keep(VAULT, recipients.format_identity(recipients.HybridIdentity(os.urandom(32))).encode())
    return ring


def new_person_key(ring: Keyring, person: str) -> Signer:
    """A new signing key for a person, kept in the ring."""
    key = SigningKey(name=person, kind=KIND_ED25519, seed=os.urandom(32))
    ring.keep(f"person-{person}", format_skey(key).encode())
    return ring.signer(person)


def read_recipients(folder: Path) -> tuple[recipients.Recipient, ...]:
    """Whom new objects are sealed to: the lines of `recipients.txt` in the node's folder.

    Raises:
        InvalidInput: the file names nobody.
    """
    lines = (folder / RECIPIENTS).read_text(encoding="utf-8").split("\n")
    texts = [line.split()[-1] for line in lines if line.strip() and not line.startswith("#")]
    if not texts:
        raise InvalidInput(f"{RECIPIENTS} names nobody to seal to")
    return tuple(recipients.parse_recipient(text) for text in texts)
