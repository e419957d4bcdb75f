"""Who may open an age file: recipients (public keys) and identities (secret keys) of two kinds.

`mlkem768x25519` is the default: evidence must stay closed for decades, also to a quantum computer.
X25519 is for older tools. The two are never mixed in one header that we write.

Source: the age specification, "The X25519 recipient type" and "The MLKEM768-X25519 hybrid
post-quantum recipient type"; HPKE is RFC 9180 with the KEM of draft-ietf-hpke-pq.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from svitlo.errors import AgeError
from svitlo.seal import bech32
from svitlo.seal.header import Stanza, decode_base64, encode_base64

KEY_BYTES = 32
ML_KEM_PUBLIC_BYTES = 1184
ML_KEM_SEED_BYTES = 64
ENCAPSULATED_BYTES = 1120
WRAPPED_BYTES = 32
"""A wrapped file key: 16 bytes and a tag of 16."""

X25519_KIND = "X25519"
X25519_LABEL = b"age-encryption.org/v1/X25519"
HYBRID_KIND = "mlkem768x25519"
HYBRID_LABEL = b"age-encryption.org/mlkem768x25519"
HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
FIXED_NONCE = bytes(12)
"""Each wrapping key is used once."""

Random: TypeAlias = Callable[[int], bytes]
"""So many bytes that nobody can guess (`os.urandom`)."""


@dataclass(frozen=True, slots=True)
class X25519Recipient:
    """A public key of 32 bytes, `age1...`.

    Raises:
        AgeError: it is not 32 bytes.
    """

    kind: ClassVar[str] = X25519_KIND
    prefix: ClassVar[str] = "age"

    public: bytes

    def __post_init__(self) -> None:
        _check_length("an X25519 recipient", self.public, KEY_BYTES)

    def wrap(self, file_key: bytes, random: Random) -> Stanza:
        """The file key, wrapped for this recipient.

        Raises:
            AgeError: the key is a point of low order, for which anyone could open the file.
        """
        ephemeral = X25519PrivateKey.from_private_bytes(random(KEY_BYTES))
        share = ephemeral.public_key().public_bytes_raw()
        key = _shared_key(ephemeral, self.public, share + self.public)
        body = ChaCha20Poly1305(key).encrypt(FIXED_NONCE, file_key, None)
        return Stanza(X25519_KIND, (encode_base64(share),), body)


@dataclass(frozen=True, slots=True)
class HybridRecipient:
    """A post-quantum public key of 1,216 bytes, `age1pq1...`: ML-KEM-768, then X25519.

    Raises:
        AgeError: it is not 1,216 bytes, or no ML-KEM key.
    """

    kind: ClassVar[str] = HYBRID_KIND
    prefix: ClassVar[str] = "age1pq"

    public: bytes
    _key: MLKEM768X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_length("a hybrid recipient", self.public, ML_KEM_PUBLIC_BYTES + KEY_BYTES)
        try:
            key = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(self.public[:ML_KEM_PUBLIC_BYTES]),
                X25519PublicKey.from_public_bytes(self.public[ML_KEM_PUBLIC_BYTES:]),
            )
        except ValueError:
            raise AgeError("the ML-KEM part of a hybrid recipient is no public key") from None
        object.__setattr__(self, "_key", key)

    def wrap(self, file_key: bytes, random: Random) -> Stanza:  # noqa: ARG002 - as its sibling
        """The file key, wrapped for this recipient.

        HPKE of the `cryptography` library draws its own randomness; `random` is not used.

        Raises:
            AgeError: the X25519 part of the key is a point of low order.
        """
        try:
            sealed = HYBRID.encrypt(file_key, self._key, HYBRID_LABEL)
        except (ValueError, InvalidTag):
            raise AgeError("the X25519 part of a hybrid recipient is of low order") from None
        enc, body = sealed[:ENCAPSULATED_BYTES], sealed[ENCAPSULATED_BYTES:]
        return Stanza(HYBRID_KIND, (encode_base64(enc),), body)


@dataclass(frozen=True, slots=True)
class X25519Identity:
    """A secret key of 32 bytes, `AGE-SECRET-KEY-1...`.

    Raises:
        AgeError: it is not 32 bytes.
    """

    prefix: ClassVar[str] = "age-secret-key-"

    secret: bytes = field(repr=False)
    _key: X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_length("an X25519 identity", self.secret, KEY_BYTES)
        object.__setattr__(self, "_key", X25519PrivateKey.from_private_bytes(self.secret))

    @property
    def recipient(self) -> X25519Recipient:
        """The public key of this identity."""
        return X25519Recipient(self._key.public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file key, or None when no stanza is for this identity.

        Raises:
            AgeError: an X25519 stanza is malformed, or its share is a point of low order.
        """
        public = self._key.public_key().public_bytes_raw()
        for stanza in stanzas:
            if stanza.kind == X25519_KIND:
                share = _argument(stanza, KEY_BYTES)
                key = _shared_key(self._key, share, share + public)
                try:
                    return ChaCha20Poly1305(key).decrypt(FIXED_NONCE, stanza.body, None)
                except InvalidTag:
                    continue
        return None


@dataclass(frozen=True, slots=True)
class HybridIdentity:
    """A post-quantum secret: a seed of 32 bytes, `AGE-SECRET-KEY-PQ-1...`.

    Raises:
        AgeError: it is not 32 bytes.
    """

    prefix: ClassVar[str] = "age-secret-key-pq-"

    secret: bytes = field(repr=False)
    _ml_kem: MLKEM768PrivateKey = field(init=False, repr=False, compare=False)
    _x25519: X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_length("a hybrid identity", self.secret, KEY_BYTES)
        expanded = hashlib.shake_256(self.secret).digest(ML_KEM_SEED_BYTES + KEY_BYTES)
        ml_kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:ML_KEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[ML_KEM_SEED_BYTES:])
        object.__setattr__(self, "_ml_kem", ml_kem)
        object.__setattr__(self, "_x25519", x25519)

    @property
    def recipient(self) -> HybridRecipient:
        """The public key of this identity."""
        return HybridRecipient(
            self._ml_kem.public_key().public_bytes_raw()
            + self._x25519.public_key().public_bytes_raw()
        )

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file key, or None when no stanza is for this identity.

        Raises:
            AgeError: a hybrid stanza is malformed, or its share is a point of low order.
        """
        key = MLKEM768X25519PrivateKey(self._ml_kem, self._x25519)
        for stanza in stanzas:
            if stanza.kind == HYBRID_KIND:
                enc = _argument(stanza, ENCAPSULATED_BYTES)
                _exchange(self._x25519, enc[-KEY_BYTES:])
                try:
                    return HYBRID.decrypt(enc + stanza.body, key, HYBRID_LABEL)
                except InvalidTag:
                    continue
        return None


Recipient: TypeAlias = X25519Recipient | HybridRecipient
Identity: TypeAlias = X25519Identity | HybridIdentity


def parse_recipient(text: str) -> Recipient:
    """The recipient that `age1...` or `age1pq1...` names.

    Raises:
        AgeError: the text is neither.
    """
    prefix, public = bech32.decode(text)
    if text != text.lower():
        raise AgeError("a recipient is written in lower case")
    for kind in (HybridRecipient, X25519Recipient):
        if prefix == kind.prefix:
            return kind(public)
    raise AgeError("a recipient was expected; it begins with age1pq1 or age1")


def format_recipient(recipient: Recipient) -> str:
    """The recipient as text, `age1pq1...` or `age1...`."""
    return bech32.encode(recipient.prefix, recipient.public)


def parse_identity(text: str) -> Identity:
    """The identity that `AGE-SECRET-KEY-PQ-1...` or `AGE-SECRET-KEY-1...` is.

    Raises:
        AgeError: the text is neither; the message does not quote it.
    """
    prefix, secret = bech32.decode(text)
    if text != text.upper():
        raise AgeError("an identity is written in upper case")
    for kind in (HybridIdentity, X25519Identity):
        if prefix == kind.prefix:
            return kind(secret)
    raise AgeError("an identity was expected; it begins with AGE-SECRET-KEY-")


def format_identity(identity: Identity) -> str:
    """The secret as text, `AGE-SECRET-KEY-PQ-1...` or `AGE-SECRET-KEY-1...`."""
    return bech32.encode(identity.prefix, identity.secret).upper()


def parse_identities(text: str) -> tuple[Identity, ...]:
    """The identities of an identity file: one a line, between empty lines and `#` comments.

    Raises:
        AgeError: a line is no identity, or there is none.
    """
    lines = (line.strip() for line in text.splitlines())
    identities = tuple(parse_identity(line) for line in lines if line and line[0] != "#")
    if not identities:
        raise AgeError("an identity file with at least one identity was expected")
    return identities


def _check_length(what: str, content: bytes, expected: int) -> None:
    if len(content) != expected:
        raise AgeError(f"{what} has {expected} bytes, {len(content)} were found")


def _argument(stanza: Stanza, length: int) -> bytes:
    """The one argument of a stanza whose body can be a wrapped file key."""
    if len(stanza.arguments) != 1:
        raise AgeError(
            f"one argument was expected in a stanza of kind {stanza.kind}, "
            f"{len(stanza.arguments)} were found"
        )
    share = decode_base64(stanza.arguments[0])
    if len(share) != length or len(stanza.body) != WRAPPED_BYTES:
        raise AgeError(
            f"a share of {length} and a body of {WRAPPED_BYTES} bytes were expected in a stanza "
            f"of kind {stanza.kind}, {len(share)} and {len(stanza.body)} were found"
        )
    return share


def _exchange(secret: X25519PrivateKey, public: bytes) -> bytes:
    """The shared secret (RFC 7748 section 6.1).

    Raises:
        AgeError: it is all zero: the public key is a point of low order.
    """
    try:
        return secret.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise AgeError("an X25519 key of low order was found: anyone could open the file") from None


def _shared_key(secret: X25519PrivateKey, public: bytes, salt: bytes) -> bytes:
    shared = _exchange(secret, public)
    return HKDF(SHA256(), 32, salt, X25519_LABEL).derive(shared)
