"""Proof files (`.tlog-proof`): one entry's place in a log, with the checkpoint that vouches for it.

```
c2sp.org/tlog-proof@v1
extra <base64>                  optional, not authenticated: no salt goes here
index <n>
<base64 of a path hash>         none or more lines, the lowest first

<checkpoint note>
```

C2SP tlog-proof@v1. Python 3.9: the court's verifier carries this module.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from svitlo.errors import ProofError
from svitlo.seal.checkpoint import Checkpoint, decode_base64, parse_checkpoint, parse_decimal
from svitlo.seal.note import MAX_NOTE_BYTES, open_note
from svitlo.seal.tree import check_hashes, leaf_hash, verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from svitlo.seal.note import Verifier

VERSION_LINE = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63
"""No tree below 2^63 leaves has a longer path."""

MAX_PROOF_BYTES = 2 * MAX_NOTE_BYTES


@dataclass(frozen=True)
class TlogProof:
    """A proof file as it was read, not yet verified; `note` is the checkpoint with signatures."""

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None


def format_tlog_proof(
    index: int, path: Sequence[bytes], note: bytes, extra: bytes | None = None
) -> bytes:
    """The bytes of a proof file.

    Raises:
        ProofError: a part has no form in a proof file.
    """
    lines = [VERSION_LINE]
    if extra is not None:
        lines.append(f"extra {base64.b64encode(extra).decode()}")
    lines += [f"index {index}", *(base64.b64encode(one).decode() for one in path), "", ""]
    made = "\n".join(lines).encode() + note
    if parse_tlog_proof(made) != TlogProof(index, tuple(path), note, extra):
        raise ProofError("these parts do not make a proof file")
    return made


def parse_tlog_proof(proof: bytes) -> TlogProof:
    """The parts of a proof file, not yet verified.

    Raises:
        ProofError: it is not a proof file.
    """
    head, separator, note = proof.partition(b"\n\n")
    if len(proof) > MAX_PROOF_BYTES or not separator or not head.isascii():
        raise ProofError("a proof file is a head of ASCII lines, an empty line, and a note")
    version, *lines = head.decode().split("\n")
    if version != VERSION_LINE:
        raise ProofError(f"a proof file begins with {VERSION_LINE}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0)[len("extra ") :], ProofError)
    if not lines or not lines[0].startswith("index ") or len(lines) > 1 + MAX_PATH:
        raise ProofError(f"a proof file has an index, and a path of {MAX_PATH} hashes at most")
    index = parse_decimal(lines[0][len("index ") :], ProofError)
    path = tuple(decode_base64(line, ProofError) for line in lines[1:])
    check_hashes(path)
    return TlogProof(index, path, note, extra)


def check_tlog_proof(proof: TlogProof, entry: bytes, log_keys: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint, signed by the log, in whose tree the entry stands at the proof's index.

    Who cosigned it, and whether that suffices, is for `seal.policy` to say of `proof.note`.

    Raises:
        ProofError: the path does not lead from the entry to the root.
        NoteError: no key of the log has signed the note, or one whose signature is wrong.
        CheckpointError: the note is not that of a checkpoint.
    """
    note, _ = open_note(proof.note, log_keys)
    checkpoint = parse_checkpoint(note.text)
    leaf, path = leaf_hash(entry), proof.path
    verify_inclusion(leaf, proof.index, checkpoint.size, path, root=checkpoint.root)
    return checkpoint
