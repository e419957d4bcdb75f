"""Every error that svitlo raises, in one tree.

```
SvitloError
|-- InvalidInput              what came from outside is not what was expected
|   |-- SettingsError         svitlo.toml or a SVITLO_ variable
|   |-- StatementError        a statement breaks the rules of the record
|   `-- ManifestError         a manifest of claimed digests; carries its faults
|-- VerificationError         something was checked and does not hold
|   |-- SealError             fixed bytes: formats and proofs
|   |   |-- CanonicalError    not canonical JSON
|   |   |-- CommitmentError   a log entry and what opens it
|   |   |-- SignatureError    a person's signature
|   |   |-- VerifierKeyError  a key line, or a key too weak to trust
|   |   |-- NoteError         a signed note
|   |   |-- CheckpointError   a checkpoint, or a signature over one
|   |   |-- ProofError        inclusion, consistency, tiles
|   |   |-- PolicyError       a witness policy, or a quorum not reached
|   |   |-- TimestampError    an RFC 3161 stamp
|   |   |-- AgeError          an age file
|   |   |   `-- NotForThisIdentity   whole, but none of these keys opens it
|   |   |-- SegmentError      a sealed segment
|   |   `-- ForkError         two histories of one log; carries both notes
|   |-- DigestMismatch        bytes differ from their recorded digest
|   `-- DossierError          a dossier
|       `-- BagError          its BagIt structure
|-- StorageError              the archive could not keep or give something
|   |-- NotFound              no such thing here
|   `-- LogStateError         the log may not be written or signed now
|-- Rejected                  one offered thing cannot be sealed; carries its code
|-- AccessDenied              this actor may not do this
|-- Held                      a hold forbids it
|-- Busy                      another process has it now
|-- Unreachable               another machine does not answer, or not as it should
|-- SandboxError              no cage can be built on this machine
|   `-- CagedProgramFailed    a caged program died, or gave no usable answer
`-- MissingComponent          a program or library that this needs is not here
```

Names state the fact. Messages say what was expected and what was found, in a user's words, without
secrets. Python 3.9: the court's verifier carries this module.
"""

from __future__ import annotations


class SvitloError(Exception):
    """The root of all errors of svitlo."""


class InvalidInput(SvitloError):
    """What came from outside is not what was expected."""


class SettingsError(InvalidInput):
    """A setting is unknown or its value does not fit."""


class StatementError(InvalidInput):
    """A statement breaks the rules of the record."""


class ManifestError(InvalidInput):
    """Manifests of claimed digests have faults; `codes` are theirs, each of `record.manifest`."""

    def __init__(self, message: str, codes: tuple[str, ...]) -> None:
        super().__init__(message)
        self.codes = codes


class VerificationError(SvitloError):
    """Something was checked and does not hold."""


class SealError(VerificationError):
    """A sealed format or a proof does not hold."""


class CanonicalError(SealError):
    """Bytes or a value are not canonical JSON (RFC 8785)."""


class CommitmentError(SealError):
    """A log entry is malformed, or an opening does not fit it."""


class SignatureError(SealError):
    """A person's signature is not one of the person's key."""


class VerifierKeyError(SealError):
    """A key line is malformed, or a key is too weak to trust."""


class NoteError(SealError):
    """A signed note is malformed, or no trusted signature on it verifies."""


class CheckpointError(SealError):
    """A checkpoint or a cosignature over it is malformed or wrong."""


class ProofError(SealError):
    """A Merkle proof, tile or entry bundle does not hold."""


class PolicyError(SealError):
    """A witness policy is malformed, or its quorum is not reached."""


class TimestampError(SealError):
    """An RFC 3161 time stamp does not hold."""


class AgeError(SealError):
    """An age file is malformed, damaged or not for this identity."""


class NotForThisIdentity(AgeError):
    """An age file is well formed, but none of the keys that were tried opens it."""


class SegmentError(SealError):
    """A sealed segment is malformed."""


class ForkError(SealError):
    """Two histories of one log exist; carries the two signed notes that show it."""

    def __init__(self, message: str, ours: bytes = b"", theirs: bytes = b"") -> None:
        super().__init__(message)
        self.ours = ours
        self.theirs = theirs


class DigestMismatch(VerificationError):
    """Bytes differ from their recorded digest."""


class DossierError(VerificationError):
    """A dossier is malformed or does not verify."""


class BagError(DossierError):
    """A bag breaks the rules of BagIt 1.0 (RFC 8493)."""


class StorageError(SvitloError):
    """The archive could not keep or give something."""


class NotFound(StorageError):
    """There is no such thing here."""


class LogStateError(StorageError):
    """The log may not be written or signed in its present state."""


class Rejected(SvitloError):
    """One offered thing cannot be sealed; `code` is one of `record.exhibit.REJECTIONS`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class AccessDenied(SvitloError):
    """This actor may not do this."""


class Held(SvitloError):
    """A hold forbids it."""


class Busy(SvitloError):
    """Another process has it now; try again later."""


class Unreachable(SvitloError):
    """Another machine does not answer, or not as it should."""


class SandboxError(SvitloError):
    """No cage can be built on this machine, so no file is read."""


class CagedProgramFailed(SandboxError):
    """A program in the cage died, or gave no usable answer."""


class MissingComponent(SvitloError):
    """A program or library that this needs is not on this machine."""
