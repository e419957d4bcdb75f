"""Claims: what manifests say of the files that are offered beside them.

A line names a file relative to the folder of its manifest. Files are the same when their folders
are, after links, and their names, byte for byte. A claim is compared with what was read before
anything is stated; that it holds is said apart from what was measured. MD5 and SHA-1 are only ever
claimed, and marked weak: others can make two files that have them in common.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svitlo.errors import InvalidInput, ManifestError, Rejected
from svitlo.node.census import STDIN
from svitlo.record.manifest import ClaimLine, Fault, examine_manifest
from svitlo.seal.digest import WEAK, Digests

MAX_MANIFEST_BYTES = 256 << 20
"""Of one manifest: more than a million lines."""

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of one file: digests, each of one algorithm, or of either of two."""

    lines: tuple[ClaimLine, ...]

    def digests(self) -> Digests:
        """New states for all that must be computed to compare."""
        return Digests({name for line in self.lines for name in line.algorithms})

    def check(self, digests: Digests) -> dict[str, Any]:
        """What a statement says of the claims, when all of them hold.

        Raises:
            Rejected: one differs from what was read.
        """
        held: dict[str, str] = {}
        for line in self.lines:
            fitting = [name for name in line.algorithms if digests.named(name) == line.digest]
            if not fitting:
                name = line.algorithms[0]
                raise Rejected(
                    "digest_mismatch",
                    f"{name} {line.digest} was claimed, {digests.named(name)} was read",
                )
            held[fitting[0]] = line.digest
        weak = sorted(WEAK & held.keys())
        return {"digests": held, **({"weak": weak} if weak else {})}

    def check_content(self, content: bytes) -> dict[str, Any]:
        """What a statement says of the claims, when they hold of bytes in memory.

        Raises:
            Rejected: one differs.
        """
        digests = self.digests()
        digests.update(content)
        return self.check(digests)


@dataclass(frozen=True, slots=True)
class Account:
    """What manifests and census do not have in common: names of lines, and paths of files."""

    lines_without_file: tuple[bytes, ...]
    files_without_line: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest as it was read: its path as it was named, its SHA-256 (hex), its lines."""

    path: bytes
    sha256: str
    lines: int


class Claims:
    """All that the manifests of one intake claim; without manifests it is false."""

    def __init__(self, manifests: Sequence[bytes] = (), offered: Sequence[bytes] = ()) -> None:
        self._folders: dict[bytes, bytes] = {}
        self._by_file: dict[bytes, list[ClaimLine]] = {}
        self._own = {self._file(path) for path in manifests}
        scope = [path for path in offered if path != STDIN]
        self._scope = {*map(os.path.realpath, scope), *map(self._file, scope)}
        self._has_stdin = STDIN in offered
        self.manifests: list[ManifestFile] = []
        faults = [line for path in manifests for line in self._read(path)]
        if faults:
            raise _manifest_error(faults)

    def __bool__(self) -> bool:
        return bool(self.manifests)

    def of(self, path: bytes) -> Claim | None:
        """What is claimed of a file, by its path in the census."""
        lines = self._by_file.get(self._file(path))
        return Claim(tuple(lines)) if lines else None

    def account(self, items: Iterable[tuple[bytes, str]]) -> Account:
        """What has no counterpart, given the path and the rejection code of each item.

        A manifest itself needs no line, nor does what cannot be sealed anyway.
        """
        there = set()
        unlisted = []
        for path, code in items:
            file = self._file(path)
            there.add(file)
            if not code and file not in self._by_file and file not in self._own:
                unlisted.append(path)
        missing = [lines[0].name for file, lines in self._by_file.items() if file not in there]
        return Account(tuple(missing), tuple(unlisted))

    def _read(self, path: bytes) -> list[tuple[bytes, Fault]]:
        content = _content(path)
        folder, named = os.path.split(path)
        lines, faults = examine_manifest(content, named)
        for line in lines:
            fault = self._take(folder, line)
            faults += [fault] if fault is not None else []
        self.manifests.append(ManifestFile(path, hashlib.sha256(content).hexdigest(), len(lines)))
        return [(path, fault) for fault in faults]

    def _take(self, folder: bytes, line: ClaimLine) -> Fault | None:
        """The line is known by its file, or what is wrong with it."""
        is_stdin = line.name == STDIN and self._has_stdin
        file = STDIN if is_stdin else self._file(_below(folder, line.name))
        if not is_stdin and not self._is_offered(file):
            words = "not within what was offered; names count from the manifest's folder"
            return Fault("out_of_scope", line.number, line.name, words)
        known = self._by_file.setdefault(file, [])
        if any(other.algorithms == line.algorithms for other in known):
            words = "another line claims the same kind of digest of it"
            return Fault("duplicate_path", line.number, line.name, words)
        known.append(line)
        return None

    def _is_offered(self, file: bytes) -> bool:
        if file in self._scope:
            return True
        return any(file.startswith(b"%b/" % top.rstrip(b"/")) for top in self._scope)

    def _file(self, path: bytes) -> bytes:
        """What a path leads to: its folder after links, and its own name."""
        if path == STDIN:
            return path
        folder, name = os.path.split(path)
        if name in {b"", b".", b".."}:
            return os.path.realpath(path)
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = os.path.realpath(folder or b".")
        return _below(real, name)


def check_account(account: Account) -> None:
    """Nothing, when every line has a file and every file a line.

    Raises:
        ManifestError: which have not.
    """
    faults = [
        *(Fault("line_without_file", 0, n, "no such file") for n in account.lines_without_file),
        *(Fault("file_without_line", 0, n, "no line") for n in account.files_without_line),
    ]
    if faults:
        raise _manifest_error([(b"", fault) for fault in faults])


def _below(folder: bytes, name: bytes) -> bytes:
    """The path of a name as seen from a folder; an absolute name stays as it is."""
    if not folder or name.startswith(b"/"):
        return name
    return b"%b/%b" % (folder.rstrip(b"/"), name)


def _content(path: bytes) -> bytes:
    shown = os.fsdecode(path)
    try:
        with Path(shown).open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"the manifest {shown!r} cannot be read: {error.strerror}") from None
    if len(content) > MAX_MANIFEST_BYTES:
        raise InvalidInput(f"the manifest {shown!r} has more than {MAX_MANIFEST_BYTES} bytes")
    return content


def _manifest_error(faults: Sequence[tuple[bytes, Fault]]) -> ManifestError:
    """All faults in one error, each with its code; the first twenty in words."""
    lines = [
        ": ".join(
            filter(
                None,
                [
                    f"{os.fsdecode(path)!r}" if path else "",
                    f"line {fault.number}" if fault.number else "",
                    fault.code,
                    f"{os.fsdecode(fault.name)!r}",
                    fault.words,
                ],
            )
        )
        for path, fault in faults[:MAX_SHOWN]
    ]
    if len(faults) > MAX_SHOWN:
        lines.append(f"and {len(faults) - MAX_SHOWN} more")
    return ManifestError(
        "the manifests do not fit what was offered; nothing was sealed\n  " + "\n  ".join(lines),
        tuple(fault.code for _, fault in faults),
    )
