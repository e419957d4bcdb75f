"""The folder of a dossier: its files as a tree, and the bag that they make.

A dossier's bag can be written in one way only: BagIt 1.0 (RFC 8493), SHA-256, ASCII names, every
file in one of two manifests. Whatever differs is a finding, and each file is named. `dossier.bag`
reads the bags of others.

Python 3.9, standard library only: the court's verifier carries this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from svitlo.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
_UNPRINTABLE = re.compile(r"[^ -~]")
_FIXED = re.compile(  # what a dossier has beside its payload
    r"(?:bagit|bag-info|manifest-sha256|VERIFY)\.txt|verify\.py|START\.(?:html|pdf)"
    r"|trust/(?:roots\.pem|(?:policy|keys|dates)\.txt)|case/graph\.jsonld"
    r"|proof/(?:(?:statements|batches)\.jsonl|checkpoint|tile/[0-9x/]+(?:\.p/[0-9]+)?)"
    r"|proof/time/[^/]+/(?:query\.tsq|response\.tsr|chain\.pem|checkpoint"
    r"|consistency\.txt)|custody/custody\.(?:csv|html)"
    r"|certificate/certificate\.(?:json|(?:en|uk|fr|de)\.txt)"
)
_LISTED = re.compile(r"([0-9a-f]{64})  ((?:[\w-][\w.-]*/)*[\w-][\w.-]*)", re.ASCII)


@dataclass(frozen=True)
class Finding:
    """One thing that was found: its kind, the file or item it is about, what was expected."""

    kind: str
    about: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {ascii(self.about)[1:-1]}: {printable(self.detail)}"


def printable(text: str) -> str:
    """The text in printable ASCII: nothing from a dossier steers a terminal or hides a line."""
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


@dataclass(frozen=True)
class Tree:
    """A folder as the examination sees it; `digest` gives hex digests and the size in bytes."""

    paths: tuple[str, ...]
    oddities: tuple[tuple[str, str], ...]
    read: Callable[[str], bytes]
    digest: Callable[[str, Sequence[str]], tuple[tuple[str, ...], int]]


@dataclass(frozen=True)
class Contents:
    """What a dossier's bag holds: SHA-256 by path, the lines of bag-info.txt, what was found."""

    findings: tuple[Finding, ...]
    sha256: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    payload_bytes: int = 0


def examine_folder(tree: Tree) -> Contents:
    """Everything in which a folder differs from the bag of a dossier.

    Raises:
        BagError: a manifest is not there.
    """
    findings = [Finding("not a file", path, f"is a {what}") for path, what in tree.oddities]
    if tree.read("bagit.txt") != DECLARATION:
        findings.append(Finding("malformed", "bagit.txt", "is not that of a BagIt 1.0 bag"))
    listed = {**_listed(tree, PAYLOAD, findings), **_listed(tree, TAGS, findings)}
    present = set(tree.paths) - {TAGS}
    findings += [Finding("missing", p, "a manifest lists it") for p in set(listed) - present]
    findings += [Finding("extra", p, "no manifest lists it") for p in present - set(listed)]
    sha256, size = {}, 0
    for path in filter(present.__contains__, listed):
        try:
            (digest,), size_bytes = tree.digest(path, ("sha256",))
        except BagError as error:
            findings.append(Finding("unreadable", path, str(error)))
            continue
        sha256[path] = digest
        size += size_bytes if path.startswith("data/") else 0
        if digest != listed[path]:
            findings.append(Finding("bad", path, f"SHA-256 is {digest}, not {listed[path]}"))
    findings += [
        Finding("extra", p, "is no file of a dossier")
        for p in listed
        if not p.startswith("data/") and not _FIXED.fullmatch(p)
    ]
    facts = [line.split(": ", 1) for line in _lines(tree, "bag-info.txt") if ": " in line]
    metadata = dict(facts)
    if len(metadata) < len(facts):
        findings.append(Finding("duplicate", "bag-info.txt", "says one thing twice"))
    oxum = f"{size}.{sum(path.startswith('data/') for path in present)}"
    if metadata.get("Payload-Oxum") != oxum:
        findings.append(Finding("oxum", "bag-info.txt", f"Payload-Oxum should be {oxum}"))
    return Contents(tuple(sorted(findings, key=str)), sha256, metadata, size)


def _lines(tree: Tree, path: str) -> list[str]:
    return tree.read(path).decode("utf-8", "replace").split("\n")[:-1]


def _listed(tree: Tree, manifest: str, findings: list[Finding]) -> dict[str, str]:
    listed: dict[str, str] = {}
    for line in _lines(tree, manifest):
        match = _LISTED.fullmatch(line)
        path = match.group(2) if match else ""
        if match is None or path.startswith("data/") != (manifest == PAYLOAD):
            findings.append(Finding("malformed", manifest, f"has the line {line[:200]!a}"))
        elif path in listed:
            findings.append(Finding("duplicate", path, f"{manifest} lists it twice"))
        else:
            listed[path] = match.group(1)
    return listed
