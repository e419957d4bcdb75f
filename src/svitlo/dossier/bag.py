"""BagIt bags (RFC 8493): their tag files written, and a bag examined whole.

`examine_bag` reads the bags of others, of any version; a dossier's own bag, which can be written in
one way only, is held to that way by `dossier.folder`.

Every bad, missing, extra and duplicate file is named; nothing is fetched, no link is followed, and
no path is opened that the walk over the tree did not find. Findings make a bag invalid, warnings
do not.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from svitlo.dossier.folder import DECLARATION, Finding, Tree
from svitlo.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    _Manifests = dict[str, dict[str, str]]  # by algorithm, then path

VERSIONS = frozenset({"0.93", "0.94", "0.95", "0.96", "0.97", "1.0"})
ALGORITHMS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})

_ENCODING = re.compile(
    r"(?:utf-?(?:8|16|32)|iso-?8859-?[0-9]{1,2}|us-ascii|ascii|windows-125[0-8]|koi8-[ru])",
    re.IGNORECASE,
)
_DECLARATION = re.compile(
    r"BagIt-Version\s*:\s*([^\r\n]*?)\s*?(?:\r\n|\r|\n)"
    r"Tag-File-Character-Encoding\s*:\s*([^\r\n]*?)\s*?(?:\r\n|\r|\n)?"
)
_STRICT_DECLARATION = re.compile(
    r"BagIt-Version: [0-9]+\.[0-9]+(?:\r\n|\r|\n)"
    r"Tag-File-Character-Encoding: \S+(?:\r\n|\r|\n)?"
)
_MANIFEST = re.compile(r"(tag)?manifest-([A-Za-z0-9-]+)\.txt")
_MANIFEST_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(\*?)(.+)", re.DOTALL)
_PLAIN_PATH = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)
_FETCH = re.compile(r"(\S+)[ \t]+([0-9]+|-)[ \t]+(.+)", re.DOTALL)
_ENDS = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class BagReport:
    """What the examination of a bag found; `sha256` has the digest of each file that was read."""

    version: str
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()
    payload_bytes: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether nothing was found against it."""
        return not self.findings


def escape_path(path: str) -> str:
    """The path as a manifest writes it: LF, CR and % percent-encoded (RFC 8493 section 2.1.3)."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def bag_files(
    payload: Iterable[tuple[str, str, int]],
    tags: Iterable[tuple[str, str]],
    metadata: Iterable[tuple[str, str]],
) -> Iterator[tuple[str, bytes]]:
    """The four files that make a folder a BagIt 1.0 bag, the tag manifest last.

    `payload` gives path, SHA-256 and size of each file below `data/`, `tags` path and SHA-256 of
    each tag file already there, `metadata` the lines of bag-info.txt before the Payload-Oxum.

    Raises:
        BagError: a payload path is outside `data/` or given twice.
    """
    lines: dict[str, str] = {}
    size = 0
    for path, digest, size_bytes in payload:
        if not path.startswith("data/") or path in lines:
            raise BagError(f"a payload path is below data/ and given once, not {path!a}")
        lines[path] = digest
        size += size_bytes
    facts = [*metadata, ("Payload-Oxum", f"{size}.{len(lines)}")]
    written = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": "".join(f"{k}: {' '.join(v.split())}\n" for k, v in facts).encode(),
        "manifest-sha256.txt": _manifest_bytes(lines),
    }
    yield from written.items()
    listed = {
        **dict(tags),
        **{path: sha256(content).hexdigest() for path, content in written.items()},
    }
    yield "tagmanifest-sha256.txt", _manifest_bytes(listed)


def _manifest_bytes(lines: Mapping[str, str]) -> bytes:
    return "".join(f"{lines[path]}  {escape_path(path)}\n" for path in sorted(lines)).encode()


def examine_bag(tree: Tree) -> BagReport:
    """Everything that is wrong with a bag, and everything that is only unusual (RFC 8493)."""
    return _Reading(tree).report()


class _Reading:
    """One reading of one bag; findings and warnings gather on the way."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.present = frozenset(tree.paths)
        self.findings = [
            Finding("not a file", path, f"is a {what}") for path, what in tree.oddities
        ]
        self.warnings: list[Finding] = []
        self.version = self.encoding = ""
        self.sha256: dict[str, str] = {}

    def fault(self, kind: str, about: str, detail: str) -> None:
        self.findings.append(Finding(kind, about, detail))

    def warn(self, kind: str, about: str, detail: str) -> None:
        self.warnings.append(Finding(kind, about, detail))

    def report(self) -> BagReport:
        if not self.is_declared():
            return BagReport("", tuple(self.findings))
        payload, tags = self.manifests()
        metadata = self.metadata()
        fetched = self.fetched()
        size_bytes = self.check_payload(payload)
        unlisted = self.check_tags(tags)
        self.check_completeness(payload, fetched)
        for value in [value for label, value in metadata if label.lower() == "payload-oxum"]:
            oxum = f"{size_bytes}.{sum(path.startswith('data/') for path in self.present)}"
            if value != oxum:
                self.fault("oxum", "bag-info.txt", f"Payload-Oxum is {oxum}, not {value!a}")
        return BagReport(
            version=self.version,
            findings=tuple(self.findings),
            warnings=tuple(self.warnings),
            metadata=metadata,
            sha256=self.sha256,
            unlisted=unlisted,
            payload_bytes=size_bytes,
        )

    def is_declared(self) -> bool:
        if "bagit.txt" not in self.present:
            self.fault("missing", "bagit.txt", "a bag declares itself in this file")
            return False
        text = self.text("bagit.txt", "utf-8")
        match = _DECLARATION.fullmatch(text)
        if match is None:
            self.fault("malformed", "bagit.txt", "expected version and tag file encoding")
            return False
        self.version, self.encoding = match.groups()
        if self.version not in VERSIONS or not _ENCODING.fullmatch(self.encoding):
            self.fault("malformed", "bagit.txt", f"{match.groups()!a} are not known here")
            return False
        if self.version == "1.0" and not _STRICT_DECLARATION.fullmatch(text):
            self.fault("malformed", "bagit.txt", "blanks stand only after the colons")
        return True

    def text(self, path: str, encoding: str) -> str:
        try:
            return self.tree.read(path).decode(encoding)
        except BagError as error:
            self.fault("unreadable", path, str(error))
        except UnicodeDecodeError:
            self.fault("malformed", path, f"is not {encoding} text")
        return ""

    def lines(self, path: str) -> list[str]:
        return [line for line in _ENDS.split(self.text(path, self.encoding)) if line]

    def manifests(self) -> tuple[_Manifests, _Manifests]:
        payload: _Manifests = {}
        tags: _Manifests = {}
        for path in sorted(path for path in self.present if _MANIFEST.fullmatch(path)):
            kind, name = _MANIFEST.findall(path)[0]
            algorithm, found = name.lower().replace("-", ""), tags if kind else payload
            if algorithm not in ALGORITHMS:
                self.fault("unsupported", path, "an algorithm that cannot be checked here")
            elif algorithm in found:
                self.fault("duplicate", path, f"a second manifest for {algorithm}")
            else:
                found[algorithm] = self.manifest(path)
        if not payload:
            self.fault("missing", "manifest-<algorithm>.txt", "a bag has a payload manifest")
        return payload, tags

    def manifest(self, manifest: str) -> dict[str, str]:
        listed: dict[str, str] = {}
        for line in self.lines(manifest):
            match = _MANIFEST_LINE.fullmatch(line)
            if match is None:
                self.fault("malformed", manifest, f"expected digest and path, not {line[:200]!a}")
                continue
            digest, star, path = match.groups()
            if star:
                self.warn("md5sum style", path, f"{manifest} marks it with an asterisk")
            if not _PLAIN_PATH.fullmatch(path):
                path = self.real_path(path)
            if path in listed:
                self.twice(path, manifest, is_equal=listed[path] == digest.lower())
            listed.setdefault(path, digest.lower())
        faults = {path: _scope_fault(path, manifest) for path in listed}
        for path in filter(faults.get, listed):
            self.fault("out of scope", path, f"{manifest} lists a path that {faults[path]}")
        return {path: digest for path, digest in listed.items() if not faults[path]}

    def twice(self, path: str, manifest: str, *, is_equal: bool) -> None:
        if is_equal and self.version != "1.0":
            self.warn("duplicate", path, f"{manifest} lists it twice, with the same digest")
        else:
            self.fault("duplicate", path, f"{manifest} lists it twice")

    def real_path(self, path: str) -> str:
        if path.startswith("./"):
            self.warn("relative", path, "paths begin with a name, not with ./")
            path = path[2:]
        codes = "%(0A|0D|25)" if self.version == "1.0" else "%(0A|0D)"
        decoded = re.sub(codes, lambda m: chr(int(m.group(1), 16)), path, flags=re.IGNORECASE)
        if decoded != path and decoded not in self.present and path in self.present:
            self.warn("not encoded", path, "a percent sign in a name is written %25")
            return path
        return decoded

    def metadata(self) -> tuple[tuple[str, str], ...]:
        facts: list[tuple[str, str]] = []
        for path in sorted(self.present & {"bag-info.txt", "package-info.txt"}):
            for line in self.lines(path):
                label, colon, value = line.partition(":")
                if line[0] in " \t" and facts:
                    facts[-1] = (facts[-1][0], f"{facts[-1][1]} {line.strip()}")
                elif colon and label.strip():
                    facts.append((label.strip(), value.strip()))
                else:
                    self.fault("malformed", path, f"expected label: value, not {line[:200]!a}")
        return tuple(facts)

    def fetched(self) -> frozenset[str]:
        paths: set[str] = set()
        for line in self.lines("fetch.txt") if "fetch.txt" in self.present else ():
            match = _FETCH.fullmatch(line)
            path = self.real_path(match.group(3)) if match else line[:200]
            if match is None or _scope_fault(path, "manifest"):
                self.fault("out of scope", path, "fetch.txt may name payload paths only")
            else:
                paths.add(path)
        return frozenset(paths)

    def check(self, paths: Iterable[str], manifests: _Manifests) -> int:
        """Compare the files with what the manifests say; how many bytes they hold."""
        algorithms = tuple(sorted(manifests))
        total = 0
        for path in paths:
            try:
                digests, size_bytes = self.tree.digest(path, algorithms)
            except BagError as error:
                self.fault("unreadable", path, str(error))
                continue
            total += size_bytes
            for algorithm, digest in zip(algorithms, digests):  # noqa: B905  # not in Python 3.9
                expected = manifests[algorithm].get(path, digest)
                if digest != expected:
                    self.fault("bad", path, f"{algorithm} is {digest}, not {expected}")
                if algorithm == "sha256":
                    self.sha256[path] = digest
        return total

    def check_payload(self, manifests: _Manifests) -> int:
        payload = [path for path in self.tree.paths if path.startswith("data/")]
        for path in payload:
            if path.rsplit("/", 1)[-1].lower() in SYSTEM_FILES:
                self.warn("system file", path, "made by an operating system")
        for path, other in _alike(sorted(set().union(*manifests.values()))):
            self.warn("alike", path, f"differs from {other!a} in case or normalisation only")
        return self.check(payload, manifests)

    def check_tags(self, manifests: _Manifests) -> tuple[str, ...]:
        for algorithm, lines in manifests.items():
            self.check(sorted(self.present.intersection(lines)), {algorithm: lines})
            for path in sorted(set(lines) - self.present):
                self.fault("missing", path, f"tagmanifest-{algorithm}.txt lists it")
        others = self.present.difference(*manifests.values())
        return tuple(sorted(p for p in others if not p.startswith(("data/", "tagmanifest-"))))

    def check_completeness(self, manifests: _Manifests, fetched: frozenset[str]) -> None:
        present = {path for path in self.present if path.startswith("data/")}
        listed = set().union(*manifests.values())
        for path in sorted(listed - present):
            why = "nothing is fetched here" if path in fetched else "it is not there"
            self.fault("missing", path, f"a manifest lists it, but {why}")
        for path in sorted(present - listed):
            self.fault("extra", path, "no manifest lists it")
        for algorithm, lines in manifests.items() if self.version == "1.0" else ():
            for path in sorted((listed | fetched) - set(lines)):
                self.fault("unlisted", path, f"manifest-{algorithm}.txt does not list it")


def _scope_fault(path: str, manifest: str) -> str | None:
    is_tag = manifest.startswith("tag")
    if path.startswith("data/") == is_tag:
        return "is payload" if is_tag else "is not below data/"
    if is_tag and path.startswith("tagmanifest-"):
        return "is a tag manifest, which no manifest lists"
    if _PLAIN_PATH.fullmatch(path):
        return None
    if path.startswith(("/", "~", "\\")) or path[1:2] == ":":
        return "is not relative to the bag"
    parts = path.replace("\\", "/").split("/")
    return "is not plain" if "\0" in path or {"", ".", ".."} & set(parts) else None


def _alike(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for path in paths:
        key = path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()
        if seen.setdefault(key, path) != path:
            yield path, seen[key]
