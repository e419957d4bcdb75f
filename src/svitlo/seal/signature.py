"""Signatures: keys that sign and check, with the `cryptography` library.

Rules: a key signs for one purpose only, so its name and kind belong to it; a seed is never shown.
The log signs checkpoints with kinds 0x01 and 0x06, witnesses with 0x04 and 0x06; a person signs
statements with Ed25519, under a label of its own.

Source: RFC 8032 (Ed25519), FIPS 204 (ML-DSA-44, empty context), C2SP signed-note v1.0.0.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from svitlo.errors import MissingComponent, NoteError, SignatureError, VerifierKeyError
from svitlo.seal.checkpoint import Checkpoint, decode_base64, format_checkpoint
from svitlo.seal.cosignature import cosignature_message, ml_dsa_message, pack
from svitlo.seal.note import (
    KIND_COSIGNATURE,
    KIND_ED25519,
    KIND_ML_DSA_44,
    NoteSignature,
    Verifier,
    VerifierLine,
    check_ed25519,
    make_vkey,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SEED_BYTES = 32
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with its name and kind; the seed is 32 bytes.

    Raises:
        VerifierKeyError: the name, kind or seed has no form in a key line.
        MissingComponent: this build of `cryptography` has no ML-DSA.
    """

    name: str
    kind: int
    seed: bytes = field(repr=False)
    verifier_line: VerifierLine = field(init=False, repr=False, compare=False)
    _sign: Callable[[bytes], bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        public, sign = _key_pair(self.kind, self.seed)
        object.__setattr__(self, "verifier_line", make_vkey(self.name, self.kind, public))
        object.__setattr__(self, "_sign", sign)

    def sign(self, message: bytes) -> bytes:
        """The bare signature of a message: 64 bytes, or 2,420 for ML-DSA-44 (each time another)."""
        return self._sign(message)


def parse_skey(line: str) -> SigningKey:
    """The key of a private key line `PRIVATE+KEY+name+id+base64`.

    Raises:
        VerifierKeyError: malformed, of a kind that cannot sign here, or with another key's id.
    """
    name, _, rest = line.removeprefix(_PRIVATE).partition("+")
    key_hex, _, encoded = rest.partition("+")
    raw = decode_base64(encoded, VerifierKeyError)
    if not line.startswith(_PRIVATE) or not raw:
        raise VerifierKeyError(f"a private key line begins with {_PRIVATE}")
    key = SigningKey(name=name, kind=raw[0], seed=raw[1:])
    if key.verifier_line.key_id.hex() != key_hex:
        raise VerifierKeyError(f"the id in the private key line of {name} is not that of its key")
    return key


def format_skey(key: SigningKey) -> str:
    """The private key line: keep it as secret as the key."""
    encoded = base64.b64encode(bytes([key.kind]) + key.seed).decode()
    return f"{_PRIVATE}{key.name}+{key.verifier_line.key_id.hex()}+{encoded}"


def sign_checkpoint(key: SigningKey, checkpoint: Checkpoint, time: int) -> NoteSignature:
    """The key's signature line on a checkpoint; kind 0x01 leaves the time (seconds) out.

    Raises:
        CheckpointError: the checkpoint, or the time, has no form in what the key signs.
    """
    text = format_checkpoint(checkpoint)
    if key.kind == KIND_ED25519:
        return _line(key, key.sign(text))
    if key.kind == KIND_COSIGNATURE:
        return _line(key, pack(time, key.sign(cosignature_message(time, text))))
    return _line(key, pack(time, key.sign(ml_dsa_message(key.name, time, checkpoint))))


def sign_text(key: SigningKey, text: bytes) -> NoteSignature:
    """The signature line of a plain key (kind 0x01) on the text of a note.

    Raises:
        NoteError: the key is a cosigner's, which signs checkpoints only.
    """
    if key.kind != KIND_ED25519:
        raise NoteError(f"{key.name} signs checkpoints, not other texts")
    return _line(key, key.sign(text))


def verifier(line: VerifierLine) -> Verifier:
    """What checks the signatures of a public key.

    Raises:
        VerifierKeyError: signatures of its kind are not checked (ECDSA, tree heads).
        MissingComponent: this build of `cryptography` has no ML-DSA.
    """
    verify: Callable[[bytes, bytes], None]
    if line.kind in (KIND_ED25519, KIND_COSIGNATURE):
        check_ed25519(line.public)
        verify = ed25519.Ed25519PublicKey.from_public_bytes(line.public).verify
    elif line.kind == KIND_ML_DSA_44:
        verify = _ml_dsa_public(line.public).verify
    else:
        raise VerifierKeyError(f"signatures of the kind of {line.name}'s key are not checked")
    return Verifier(line.name, line.key_id, line.kind, partial(_holds, verify))


def sign_person(seed: bytes, message: bytes) -> bytes:
    """A person's Ed25519 signature, 64 bytes, of a message from `commitment.person_message`."""
    return _ed25519(seed).sign(message)


def person_public(seed: bytes) -> bytes:
    """The public key, 32 bytes, of a person's seed."""
    return _ed25519(seed).public_key().public_bytes_raw()


def verify_person(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a person's signature.

    Raises:
        VerifierKeyError: the key is malformed or too weak to trust.
        SignatureError: the signature is not the key's.
    """
    check_ed25519(public)
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise SignatureError("the person's signature does not verify") from None


def _line(key: SigningKey, signature: bytes) -> NoteSignature:
    return NoteSignature(key.name, key.verifier_line.key_id, signature)


def _key_pair(kind: int, seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    if kind in (KIND_ED25519, KIND_COSIGNATURE):
        private = _ed25519(seed)
        return private.public_key().public_bytes_raw(), private.sign
    if kind == KIND_ML_DSA_44:
        ml_dsa = _ml_dsa(seed)
        return ml_dsa.public_key().public_bytes_raw(), ml_dsa.sign
    raise VerifierKeyError(f"keys of kind {kind} cannot sign here")


def _ed25519(seed: bytes) -> ed25519.Ed25519PrivateKey:
    _check_seed(seed)
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def _ml_dsa(seed: bytes) -> mldsa.MLDSA44PrivateKey:
    _check_seed(seed)
    try:
        return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
    except UnsupportedAlgorithm:
        raise MissingComponent(_NO_ML_DSA) from None


def _ml_dsa_public(public: bytes) -> mldsa.MLDSA44PublicKey:
    try:
        return mldsa.MLDSA44PublicKey.from_public_bytes(public)
    except UnsupportedAlgorithm:
        raise MissingComponent(_NO_ML_DSA) from None
    except ValueError:
        raise VerifierKeyError("an ML-DSA-44 public key is 1,312 bytes") from None


_NO_ML_DSA = "ML-DSA-44, in this machine's build of the cryptography library"


def _check_seed(seed: bytes) -> None:
    if len(seed) != SEED_BYTES:
        raise VerifierKeyError(f"a seed is {SEED_BYTES} bytes, this one is {len(seed)}")


def _holds(verify: Callable[[bytes, bytes], None], message: bytes, signature: bytes) -> bool:
    try:
        verify(signature, message)
    except InvalidSignature:
        return False
    return True
