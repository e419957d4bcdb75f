"""What is said of an exhibit: that it was sealed, what it says of itself, where it came from.

An exhibit is one received thing, fixed by two digests of its bytes. Its name is kept byte for
byte: `path` where the bytes are UTF-8, else `path_b64`. `claimed` holds what others said (digests,
source, author) apart from what was measured. Source: ISO/IEC 27037 and the Berkeley Protocol on
Digital Open Source Investigations, paragraphs 150-155.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from svitlo.seal import canonical

SEALED = "exhibit.sealed"
DESCRIBED = "exhibit.described"
DERIVED = "exhibit.derived"
RESEALED = "exhibit.resealed"
BATCH = "intake.batch"

REJECTIONS = (
    "unreadable",
    "unreadable_folder",
    "vanished",
    "changed_while_reading",
    "not_regular",
    "symlink",
    "digest_mismatch",
    "incomplete_upload",
    "quota",
    "store_failed",
    "broken_archive",
    "over_limit",
)
"""Why an offered thing was not sealed; a receipt counts each of them."""


_escaped = json.JSONEncoder(ensure_ascii=False).encode


class Sealed(NamedTuple):
    """What one `exhibit.sealed` statement says of the thing itself.

    `n` is its place in the intake, `size` in bytes, digests are lower-case hex, `mtime` nanoseconds
    since 1970 (absent for streams), `off` the offset of its bytes in an opened segment (absent when
    the blob holds this exhibit alone). A tuple, since an intake makes one for each of many files.
    """

    n: int
    name: bytes
    size: int
    sha256: str
    blake3: str
    off: int | None = None
    mtime: int | None = None
    medium: str | None = None
    claimed: Mapping[str, Any] | None = None

    def body(self, *, case: str, intake: str, blob: str) -> dict[str, Any]:
        """The body of the statement, for a thing sealed in that body."""
        body: dict[str, Any] = {
            "n": self.n,
            "size": self.size,
            "sha256": self.sha256,
            "blake3": self.blake3,
            "case": case,
            "intake": intake,
            "blob": blob,
        }
        body.update(name_members(self.name, "path"))
        for name in ("off", "mtime", "medium", "claimed"):
            member = getattr(self, name)
            if member is not None:
                body[name] = str(member) if name == "mtime" else member
        return body


def name_members(name: bytes, member: str) -> dict[str, str]:
    """The name as JSON can hold it: `{member: text}`, or `{member_b64: base64}` if not UTF-8."""
    try:
        return {member: name.decode()}
    except UnicodeDecodeError:
        return {f"{member}_b64": base64.b64encode(name).decode()}


def written_name(name: bytes) -> str:
    """The member that `name_members` makes for `path`, as canonical JSON text."""
    try:
        return f'"path":{_escaped(name.decode())}'
    except UnicodeDecodeError:
        return f'"path_b64":"{base64.b64encode(name).decode()}"'


def name_bytes(body: Mapping[str, Any], member: str) -> bytes:
    """The name that `name_members` wrote, byte for byte."""
    if member in body:
        return str(body[member]).encode()
    return base64.b64decode(body[f"{member}_b64"])


class SealedTexts:
    """Writes many `exhibit.sealed` statements of one intake as canonical text, fast.

    A statement of an exhibit has one shape, so its members stand in canonical order in a template,
    and only the name and what is claimed need writing. A test holds the texts equal to those that
    `Statement.canonical` writes.
    """

    def __init__(
        self, *, node: str, actor: str, at: str, batch: str, intake: str, case: str
    ) -> None:
        text = json.dumps
        self._head = (
            f'{{"actor":{text(actor)},"at":{text(at)},"batch":{text(batch)},"body":{{"blake3":"'
        )
        self._case = f'","case":{_escaped(case)}'
        self._intake = f',"intake":{text(intake)}'
        self._middle = self._case + self._intake
        self._node = f'","node":{text(node)},"subject":["x-'
        self._tail = f'"],"type":"{SEALED}","v":1}}'

    def text(self, ident: str, sealed: Sealed, blob: str) -> bytes:
        """The canonical text of the statement `ident`, which seals exhibit `x-<ident>`."""
        n, name, size, sha256, blake3, off, mtime, _, claimed = sealed
        middle = self._middle
        if claimed is not None:
            middle = f'{self._case},"claimed":{canonical.dumps(claimed).decode()}{self._intake}'
        when = "" if mtime is None else f',"mtime":"{mtime}"'
        where = "" if off is None else f',"off":{off}'
        return (
            f'{self._head}{blake3}","blob":"{blob}{middle}{when},"n":{n}{where}'
            f',{written_name(name)},"sha256":"{sha256}","size":{size}}},"id":"{ident}'
            f"{self._node}{ident}{self._tail}"
        ).encode()
