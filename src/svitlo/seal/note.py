"""Signed notes: text, an empty line, signature lines; and the key lines that verify them.

Rules: unknown keys are ignored; a known key whose signature does not verify spoils the whole note;
a note without one good signature is refused. Keys that accept forgeries are not read at all.

Source: C2SP signed-note v1.0.0. Python 3.9, standard library only.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from svitlo.errors import NoteError, VerifierKeyError
from svitlo.seal.checkpoint import decode_base64
from svitlo.seal.cosignature import (
    KIND_COSIGNATURE,
    KIND_ECDSA,
    KIND_ED25519,
    KIND_ML_DSA_44,
    KIND_TREE_HEAD,
    Cosigned,
    NoteSignature,
    Verifier,
    verify_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "KIND_COSIGNATURE",
    "KIND_ECDSA",
    "KIND_ED25519",
    "KIND_ML_DSA_44",
    "KIND_TREE_HEAD",
    "MAX_LINES",
    "MAX_NOTE_BYTES",
    "Note",
    "NoteSignature",
    "Verifier",
    "VerifierLine",
    "check_ed25519",
    "format_note",
    "format_signature",
    "format_vkey",
    "key_id",
    "make_vkey",
    "open_note",
    "parse_note",
    "parse_signatures",
    "parse_vkey",
    "verify_lines",
]

MAX_LINES = 64
MAX_NOTE_BYTES = 256 * 1024
"""Room for 64 lines of ML-DSA-44, 3,268 bytes each."""

KEY_ID_BYTES = 4
PUBLIC_BYTES = {KIND_ED25519: 32, KIND_COSIGNATURE: 32, KIND_ML_DSA_44: 1312}
"""How long the public key of each kind is that svitlo checks."""

_DASH = "— "
_ED25519_PRIME = 2**255 - 19
_ED25519_WEAK_Y = {
    0,
    1,
    _ED25519_PRIME - 1,
    int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    ),
    int.from_bytes(
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
    ),
}
"""The y coordinates of the points of order 1, 2, 4 and 8."""


@dataclass(frozen=True)
class VerifierLine:
    """A public key with its name, as a key line (vkey) carries it; `key_id` is 4 bytes."""

    name: str
    key_id: bytes
    kind: int
    public: bytes


@dataclass(frozen=True)
class Note:
    """A note as it was read: nothing in it is trusted before `open_note`. The text ends in LF."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


def parse_note(data: bytes) -> Note:
    """The parts of a signed note, not yet verified.

    Raises:
        NoteError: not a signed note, or one beyond 64 lines or 256 KiB.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise NoteError(f"a note is at most {MAX_NOTE_BYTES} bytes")
    if any(byte < ord(" ") and byte != ord("\n") for byte in set(data)):
        raise NoteError("a note holds no control characters but line ends")
    text, separator, lines = data.rpartition(b"\n\n")
    if not separator:
        raise NoteError("a note is text, an empty line, signature lines")
    return Note(_utf8(text) + b"\n", parse_signatures(lines))


def parse_signatures(lines: bytes) -> tuple[NoteSignature, ...]:
    """The signature lines of a note, or of a witness's answer; at least one.

    Raises:
        NoteError: a line is malformed, or there are more than 64.
    """
    *rows, last = _utf8(lines).decode().split("\n")
    if last or not 0 < len(rows) <= MAX_LINES:
        raise NoteError(f"a note ends with 1 to {MAX_LINES} signature lines, each ended by LF")
    return tuple(map(_parse_signature, rows))


def format_note(note: Note) -> bytes:
    """The bytes of a signed note.

    Raises:
        NoteError: its text or a line has no form in a note.
    """
    data = note.text + b"\n" + b"".join(map(format_signature, note.signatures))
    if parse_note(data) != note:
        raise NoteError("the text of a note ends with a line end")
    return data


def format_signature(line: NoteSignature) -> bytes:
    """One signature line, with its line end."""
    blob = base64.b64encode(line.key_id + line.signature).decode()
    return f"{_DASH}{line.name} {blob}\n".encode("utf-8", "surrogatepass")


def verify_lines(note: Note, verifiers: Iterable[Verifier]) -> tuple[Cosigned, ...]:
    """What each line of a known key says, in the order of the note; unknown keys are left out.

    Raises:
        NoteError: a line of a known key does not verify.
        CheckpointError: a cosignature stands under a text that is no checkpoint.
    """
    known: dict[tuple[str, bytes], list[Verifier]] = {}
    for key in verifiers:
        known.setdefault((key.name, key.key_id), []).append(key)
    return tuple(
        verify_line(note.text, line, key)
        for line in note.signatures
        for key in known.get((line.name, line.key_id), ())
    )


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> tuple[Note, tuple[Verifier, ...]]:
    """A note that a known key has signed, and the known keys that signed it, each once.

    Raises:
        NoteError: malformed, signed by no known key, or by one whose signature does not verify.
        CheckpointError: a cosignature stands under a text that is no checkpoint.
    """
    note, known = parse_note(data), tuple(verifiers)
    good = {(line.name, line.key_id) for line in verify_lines(note, known)}
    if not good:
        raise NoteError("no known key has signed the note")
    return note, tuple(key for key in known if (key.name, key.key_id) in good)


def parse_vkey(line: str) -> VerifierLine:
    """The key of a key line `name+id+base64`.

    Raises:
        VerifierKeyError: malformed, of an unknown kind, with an id that is not the key's, or too
            weak to trust.
    """
    name, _, rest = line.partition("+")
    key_hex, _, encoded = rest.partition("+")  # base64 has "+" too
    raw = decode_base64(encoded, VerifierKeyError)
    key = make_vkey(name, int.from_bytes(raw[:1], "big"), raw[1:])
    if key.key_id.hex() != key_hex:
        raise VerifierKeyError(f"the id in the key line of {name!a} is not that of its key")
    return key


def format_vkey(key: VerifierLine) -> str:
    """The key line `name+id+base64`."""
    encoded = base64.b64encode(bytes([key.kind]) + key.public).decode()
    return f"{key.name}+{key.key_id.hex()}+{encoded}"


def make_vkey(name: str, kind: int, public: bytes) -> VerifierLine:
    """The key line of a public key.

    Raises:
        VerifierKeyError: the name has no form in a key line, the kind is unknown, the key has the
            wrong length for its kind, or is too weak to trust.
    """
    if not is_key_name(name):
        raise VerifierKeyError("the name of a key is not empty and holds no blanks, no plus")
    if kind not in PUBLIC_BYTES and kind not in (KIND_ECDSA, KIND_TREE_HEAD):
        raise VerifierKeyError(f"the key of {name!a} is of an unknown kind, {kind}")
    if len(public) != PUBLIC_BYTES.get(kind, len(public) or None):
        raise VerifierKeyError(f"the key of {name!a} has the wrong length for its kind")
    if kind in (KIND_ED25519, KIND_COSIGNATURE):
        check_ed25519(public)
    return VerifierLine(name, key_id(name, kind, public), kind, public)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes that point out a key of a name; ECDSA keys go by the hash of their SPKI."""
    prefix = b"" if kind == KIND_ECDSA else name.encode() + b"\n" + bytes([kind])
    return hashlib.sha256(prefix + public).digest()[:KEY_ID_BYTES]


def is_key_name(name: str) -> bool:
    """Whether a name can stand in key and signature lines: UTF-8, no blanks, no plus."""
    encodable = name.encode("utf-8", "ignore").decode() == name
    return name.split() == [name] and min(name) > " " and "+" not in name and encodable


def check_ed25519(public: bytes) -> None:
    """Check that an Ed25519 public key is none that accepts forged signatures.

    Raises:
        VerifierKeyError: it is not 32 bytes, not in canonical form, or a point of small order.

    Source: RFC 8032, section 5.1.3; measured, a key of small order accepts 12 to 100 % of messages.
    """
    y = int.from_bytes(public, "little") & (2**255 - 1)  # the top bit is the sign of x
    if len(public) != PUBLIC_BYTES[KIND_ED25519] or y >= _ED25519_PRIME or y in _ED25519_WEAK_Y:
        raise VerifierKeyError(
            "an Ed25519 key is malformed or of small order: it accepts forgeries"
        )


def _parse_signature(row: str) -> NoteSignature:
    name, blank, encoded = row[len(_DASH) :].partition(" ")
    if not row.startswith(_DASH) or not blank or not is_key_name(name):
        raise NoteError("a signature line is a dash, the key's name and base64")
    blob = decode_base64(encoded, NoteError)
    if len(blob) <= KEY_ID_BYTES:
        raise NoteError(f"the signature of {name!a} is empty")
    return NoteSignature(name, blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


def _utf8(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8") from None
    return text
