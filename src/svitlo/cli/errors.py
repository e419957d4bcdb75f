"""What each error means for the shell: the exit codes of all commands.

0 done, 1 failed or incomplete, 2 wrong input, 3 does not verify, 4 not allowed, 5 busy.
"""

from svitlo.errors import (
    AccessDenied,
    Busy,
    Held,
    InvalidInput,
    MissingComponent,
    NotFound,
    Rejected,
    SandboxError,
    StorageError,
    SvitloError,
    Unreachable,
    VerificationError,
)

DONE, INCOMPLETE, WRONG_INPUT, DOES_NOT_VERIFY, NOT_ALLOWED, BUSY = range(6)

CODES: tuple[tuple[type[SvitloError], int], ...] = (
    (NotFound, WRONG_INPUT),
    (InvalidInput, WRONG_INPUT),
    (VerificationError, DOES_NOT_VERIFY),
    (AccessDenied, NOT_ALLOWED),
    (Held, NOT_ALLOWED),
    (Busy, BUSY),
    (Rejected, INCOMPLETE),
    (Unreachable, INCOMPLETE),
    (SandboxError, INCOMPLETE),
    (MissingComponent, INCOMPLETE),
    (StorageError, INCOMPLETE),
    (SvitloError, INCOMPLETE),
)
"""Each error with its exit code, the narrower before the wider; the first that fits counts."""


def exit_code(error: SvitloError) -> int:
    """The exit code of a command that ends with this error."""
    return next(code for kind, code in CODES if isinstance(error, kind))
