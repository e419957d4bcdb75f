"""What goes into a dossier, as values: the case, its exhibits, proofs, stamps and trust.

Text from outside is kept as it is; how it is shown is the business of the pages. Times are texts
like 2022-11-29T09:15:00Z, in UTC.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from svitlo.dossier.proofs import Opening
from svitlo.errors import DossierError

_EXTENSION = re.compile(r"[a-z0-9]{1,8}")
_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is exported, by whom, for whom; `dossier` is `d-` and a ULID, `version` is svitlo's.

    `quorum` is how many cosignatures the node asks for, `language` that of the pages.
    """

    dossier: str
    case: str
    title: str
    node: str
    organisation: str
    exported_at: str
    exported_by: str
    recipient: str
    purpose: str
    basis: str
    version: str
    quorum: int = 0
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A file whose bytes the writer of the bag streams; `statement` is set for derivatives."""

    path: str
    exhibit: str
    statement: str | None
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivative:
    """A redaction or other derivative of an exhibit; `statement` is the `exhibit.derived`."""

    k: int
    extension: str
    sha256: str
    size: int
    statement: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One exhibit: `sha256` and `size` are those of the bytes that were sealed.

    `outgoing_sha256` and `outgoing_size` are those of the file in the dossier, which is the sealed
    object when `is_sealed`. `path` is the name as offered, byte for byte; `extension` and `mime`
    come from the kind that was found in the content.
    """

    number: str
    id: str
    path: bytes
    sha256: str
    blake3: str
    size: int
    outgoing_sha256: str
    outgoing_size: int
    is_sealed: bool = False
    extension: str = "bin"
    mime: str = "application/octet-stream"
    title: str = ""
    date: str = ""
    source: str = ""
    author: str = ""
    custodian: str = ""
    modified_at: str = ""
    derivatives: tuple[Derivative, ...] = ()

    @property
    def file(self) -> str:
        """The path in the bag.

        Raises:
            DossierError: number or extension cannot be part of a path.
        """
        end = ".age" if self.is_sealed else ""
        return _path(self.number, "original", self.extension) + end

    def outgoing(self) -> list[Outgoing]:
        """The files that go out: the exhibit itself, then its derivatives."""
        first = Outgoing(
            path=self.file,
            exhibit=self.id,
            statement=None,
            sha256=self.outgoing_sha256,
            size=self.outgoing_size,
        )
        return [first] + [
            Outgoing(
                path=derivative_file(self, one),
                exhibit=self.id,
                statement=one.statement,
                sha256=one.sha256,
                size=one.size,
            )
            for one in self.derivatives
        ]

    @property
    def name(self) -> str:
        """The name as offered, readable; bytes that are not UTF-8 are shown as escapes."""
        return self.path.decode("utf-8", "backslashreplace")

    def row(self) -> dict[str, object]:
        """The line of data/index.jsonl."""
        try:
            path = {"path": self.path.decode()}
        except UnicodeDecodeError:
            path = {"path_b64": base64.b64encode(self.path).decode()}
        return {
            "number": self.number,
            "id": self.id,
            "title": self.title,
            "date": self.date,
            "source": self.source,
            "author": self.author,
            "custodian": self.custodian,
            **path,
            "sha256": self.sha256,
            "blake3": self.blake3,
            "size": self.size,
            "kind": self.mime,
            "status": "sealed" if self.is_sealed else "original",
            "file": self.file,
            "derivatives": [
                {"file": derivative_file(self, d), "statement": d.statement, "how": d.how}
                for d in self.derivatives
            ],
        }


def derivative_file(exhibit: Exhibit, derivative: Derivative) -> str:
    """The path of a derivative in the bag.

    Raises:
        DossierError: number or extension cannot be part of a path.
    """
    return _path(exhibit.number, f"redacted-{derivative.k}", derivative.extension)


def _path(number: str, stem: str, extension: str) -> str:
    if not number.isdecimal() or not number.isascii() or not _EXTENSION.fullmatch(extension):
        raise DossierError(f"not the number and extension of a file: {number!a}, {extension!a}")
    return f"data/exhibits/{number}/{stem}.{extension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """How many things are left out, for what reason, on whose authority."""

    category: str
    authority: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time stamp: `name` is its folder, `at` the time that it states, in seconds since 1970.

    It covers the dossier's checkpoint, or an older `checkpoint` (a note) together with the proof of
    consistency between both.
    """

    name: str
    authority: str
    request: bytes
    response: bytes
    chain: bytes
    at: int
    checkpoint: bytes = b""
    consistency: tuple[bytes, ...] = ()

    @property
    def folder(self) -> str:
        """The folder in the bag.

        Raises:
            DossierError: the name is not `[a-z0-9-]`.
        """
        if not _FOLDER.fullmatch(self.name):
            raise DossierError(f"not the name of a stamp's folder: {self.name!a}")
        return f"proof/time/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a verifier starts from: `people` are key id, public key in hex, person, name."""

    roots: bytes
    policy: bytes
    people: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything that a dossier is made of.

    `batches` are lines of `batch_line`, `tiles` the bytes by path below `proof/`, `bound` the files
    that the export event names. For the pages: `cosigners` who has cosigned and when,
    `confirmed_at` when two officers confirmed the log because no cosigner could.
    """

    case: Case
    exhibits: tuple[Exhibit, ...]
    statements: tuple[Opening, ...]
    batches: tuple[bytes, ...]
    checkpoint: bytes
    tiles: Mapping[str, bytes]
    bound: Mapping[str, bytes]
    trust: Trust
    verifier: bytes
    report: bytes = b""
    stamps: tuple[Stamp, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    cosigners: tuple[tuple[str, str], ...] = ()
    quorum: str = "none"
    confirmed_at: tuple[str, ...] = ()
