"""Signature lines: what each kind of key signs in a note, and the times of cosignatures.

Kind 0x01 signs the text. Kind 0x04 (Ed25519) signs the text and a time, but not the cosigner's
name: one key for one cosigner and one purpose. Kind 0x06 (ML-DSA-44) signs name, time and the
checkpoint. A `Verifier` carries the bare check of a key, `verify(message, signature)`; the message
is laid out here.

Source: C2SP tlog-cosignature v1.1.0-rc.1. Python 3.9, standard library only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from svitlo.errors import CheckpointError, NoteError
from svitlo.seal.checkpoint import HASH_BYTES, MAX_NUMBER, Checkpoint, parse_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

KIND_ED25519 = 1
KIND_ECDSA = 2
KIND_COSIGNATURE = 4
KIND_TREE_HEAD = 5
KIND_ML_DSA_44 = 6
SIGNATURE_BYTES = {KIND_ED25519: 64, KIND_COSIGNATURE: 64, KIND_ML_DSA_44: 2420}
"""How long the bare signature of each kind is that svitlo checks."""

_TIME_BYTES = 8
_MAX_NAME_BYTES = 255
_SUBTREE_LABEL = b"subtree/v1\n\0"


@dataclass(frozen=True)
class NoteSignature:
    """A signature line: the key's name and id, and the signature (kinds 4 and 6: after a time)."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Verifier:
    """A trusted key: `verify(message, signature)` says whether the bare signature is the key's."""

    name: str
    key_id: bytes
    kind: int
    verify: Callable[[bytes, bytes], bool] = field(repr=False)


@dataclass(frozen=True)
class Cosigned:
    """A signature line that verified; `time` in seconds since 1970, None for kind 0x01."""

    name: str
    key_id: bytes
    kind: int
    time: int | None


def verify_line(text: bytes, line: NoteSignature, verifier: Verifier) -> Cosigned:
    """What a signature line says, once its key has been found to have signed the note's text.

    Raises:
        NoteError: the line is another key's, of a kind that is not checked, or does not verify.
        CheckpointError: the text is no checkpoint that this kind of key can sign.
    """
    if (line.name, line.key_id) != (verifier.name, verifier.key_id):
        raise NoteError(f"the signature line is not from {verifier.name}")
    message, signature = text, line.signature
    time: int | None = None
    if verifier.kind != KIND_ED25519:
        time, signature = unpack(line.signature)
        if verifier.kind == KIND_COSIGNATURE:
            message = cosignature_message(time, text)
        else:
            message = ml_dsa_message(verifier.name, time, parse_checkpoint(text))
    if len(signature) != SIGNATURE_BYTES.get(verifier.kind):
        raise NoteError(f"a signature of {line.name} has the wrong length for its kind")
    if not verifier.verify(message, signature):
        raise NoteError(f"a signature of {line.name} does not verify")
    return Cosigned(verifier.name, verifier.key_id, verifier.kind, time)


def cosignature_message(time: int, text: bytes) -> bytes:
    """What an Ed25519 cosigner (kind 0x04) signs: a label, the time and the note's text."""
    return b"cosignature/v1\ntime %d\n" % time + text


def ml_dsa_message(name: str, time: int, checkpoint: Checkpoint) -> bytes:
    """What an ML-DSA-44 key (kind 0x06) signs for a whole tree.

    Raises:
        CheckpointError: the time is 0 (that would say nothing of the tree's age), or a name or
            origin is too long for its field.
    """
    if not 0 < time <= MAX_NUMBER:
        raise CheckpointError("a cosignature of a checkpoint carries its time")
    return (
        _SUBTREE_LABEL
        + _opaque(name)
        + struct.pack(">Q", time)
        + _opaque(checkpoint.origin)
        + struct.pack(">QQ", 0, checkpoint.size)
        + struct.pack(f">{HASH_BYTES}s", checkpoint.root)
    )


def pack(time: int, signature: bytes) -> bytes:
    """The blob of a cosignature line: the time as eight bytes, then the bare signature.

    Raises:
        CheckpointError: the time is negative, or beyond 2^63 - 1.
    """
    if not 0 <= time <= MAX_NUMBER:
        raise CheckpointError("the time of a cosignature lies between 0 and 2^63 - 1 seconds")
    return time.to_bytes(_TIME_BYTES, "big") + signature


def unpack(blob: bytes) -> tuple[int, bytes]:
    """The time and the bare signature of a cosignature line's blob.

    Raises:
        CheckpointError: it is too short, or the time is beyond 2^63 - 1.
    """
    time = int.from_bytes(blob[:_TIME_BYTES], "big")
    if len(blob) < _TIME_BYTES or time > MAX_NUMBER:
        raise CheckpointError("a cosignature begins with a time of eight bytes, below 2^63")
    return time, blob[_TIME_BYTES:]


def _opaque(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if not 0 < len(raw) <= _MAX_NAME_BYTES:
        raise CheckpointError(f"a name that ML-DSA signs is 1 to {_MAX_NAME_BYTES} bytes")
    return bytes([len(raw)]) + raw
