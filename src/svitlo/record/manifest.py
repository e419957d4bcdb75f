r"""Manifests: the digests that somebody else took of files, as their tools write them down.

Read are the lines of md5sum, sha1sum, sha384sum, sha512sum, sha256sum and b3sum (a digest, a blank,
a blank or `*`, a name), the tagged lines of BSD and openssl (`SHA256 (name) = digest`), and the
manifests of BagIt. A line that begins with `\` has `\n`, `\r` and `\\` in its name escaped. What
cannot be read is a fault with a code of its own, never a line passed over. Only blank lines and
comments (`#`) say nothing about a file. Source: GNU coreutils, "cksum output modes"; RFC 8493
section 2.1.3 for BagIt.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from svitlo.errors import ManifestError

FAULTS = (
    "malformed_line",
    "unknown_algorithm",
    "duplicate_path",
    "out_of_scope",
    "file_without_line",
    "line_without_file",
)
"""What can be wrong with a manifest: the first two with its lines, the others with its files."""

DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "blake3": 64, "sha384": 96, "sha512": 128}
"""The hexadecimal digits that each algorithm gives."""

_WORD = (
    rb"(?:^|[^a-z0-9])(md5|sha-?1|sha-?256|sha-?384|sha-?512|blake3|b3)(?:sums?)?(?:[^a-z0-9]|$)"
)
_HINT = re.compile(_WORD)
_BAG = re.compile(rb"(?:tag)?manifest-((?:md|sha|blake|b[23]|crc)[a-z0-9-]*)\.txt")
_TAGGED = re.compile(rb"([A-Za-z0-9/-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]+)", re.DOTALL)
_LISTED = re.compile(rb"([0-9A-Fa-f]+) [ *]?+(.+)", re.DOTALL)
_BAGGED = re.compile(rb"([0-9A-Fa-f]+)[ \t]+\*?(.+)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
_PERCENT = re.compile(rb"%(0[Aa]|0[Dd]|25)")
_BOM = b"\xef\xbb\xbf"


class ClaimLine(NamedTuple):
    """One line: its number from 1, the name byte for byte, the digest in lower case.

    `algorithms` are those that the digest may be of: 64 digits alone may be SHA-256 or BLAKE3.
    """

    number: int
    name: bytes
    algorithms: tuple[str, ...]
    digest: str


class Fault(NamedTuple):
    """What is wrong: a code of `FAULTS`, the line (0 for none), the name if there is one, words."""

    code: str
    number: int
    name: bytes
    words: str


def examine_manifest(content: bytes, named: bytes) -> tuple[list[ClaimLine], list[Fault]]:
    """The lines of a manifest, and what is wrong with the others; `named` is its file's name.

    The name tells a manifest of BagIt (`manifest-sha256.txt`), and which algorithm is meant where
    the number of digits leaves a choice (`B3SUMS`, `photos.sha256`).
    """
    read: Callable[[bytes], tuple[bytes, tuple[str, ...], str]]
    read = partial(_line, hint=_hint(named))
    if bagged := _BAG.fullmatch(named):
        algorithm = _algorithm(bagged[1])
        if algorithm is None:
            words = f"the name says {_shown(bagged[1])}; known are {', '.join(DIGITS)}"
            return [], [Fault("unknown_algorithm", 0, named, words)]
        read = partial(_bag_line, algorithm=algorithm)
    claims: list[ClaimLine] = []
    faults: list[Fault] = []
    for number, line in _lines(content):
        try:
            name, algorithms, digest = read(line)
        except ManifestError as fault:
            faults.append(Fault(fault.codes[0], number, line[:200], str(fault)))
            continue
        if b"\0" in name:
            faults.append(Fault("malformed_line", number, name, "no name of a file holds NUL"))
            continue
        claims.append(ClaimLine(number, name, algorithms, digest))
    return claims, faults


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that say something, with their numbers; all end with CR LF, or none does."""
    lines = content.removeprefix(_BOM).split(b"\n")
    if all(line.endswith(b"\r") for line in lines if line):
        lines = [line.removesuffix(b"\r") for line in lines]
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith(b"#"):
            yield number, line


def _bag_line(line: bytes, algorithm: str) -> tuple[bytes, tuple[str, ...], str]:
    found = _BAGGED.fullmatch(line)
    if found is None:
        raise _refusal("malformed_line", "expected a digest and a path")
    name = _PERCENT.sub(lambda code: bytes([int(code[1], 16)]), found[2])
    return name, _of_length(found[1], algorithm), found[1].decode().lower()


def _line(line: bytes, hint: str | None) -> tuple[bytes, tuple[str, ...], str]:
    is_escaped = line.startswith(b"\\")
    bare = line[1:] if is_escaped else line
    listed, tagged = _LISTED.fullmatch(bare), _TAGGED.fullmatch(bare)
    if listed is not None:
        digest, name = listed[1], listed[2]
        algorithms = _candidates(digest, hint)
    elif tagged is not None:
        digest, name = tagged[3], tagged[2]
        algorithm = _algorithm(tagged[1])
        if algorithm is None:
            known = ", ".join(DIGITS)
            raise _refusal("unknown_algorithm", f"it says {_shown(tagged[1])}; known: {known}")
        algorithms = _of_length(digest, algorithm)
    else:
        raise _refusal("malformed_line", "expected a digest and a name")
    return _unescaped(name) if is_escaped else name, algorithms, digest.decode().lower()


def _candidates(digest: bytes, hint: str | None) -> tuple[str, ...]:
    """What a digest without a tag may be of: what the file's name says, else what its length does.

    Raises:
        ManifestError: it has another length than its file says, or than any digest has.
    """
    if hint is not None:
        return _of_length(digest, hint)
    fitting = tuple(name for name, digits in DIGITS.items() if digits == len(digest))
    if not fitting:
        words = f"no known digest has {len(digest)} hexadecimal digits"
        raise _refusal("unknown_algorithm", words)
    return fitting


def _of_length(digest: bytes, algorithm: str) -> tuple[str, ...]:
    if len(digest) != DIGITS[algorithm]:
        raise _refusal(
            "malformed_line",
            f"{algorithm} has {DIGITS[algorithm]} hexadecimal digits, this has {len(digest)}",
        )
    return (algorithm,)


def _algorithm(tag: bytes) -> str | None:
    """The algorithm that a tag or a file's name means; None when it is not known here."""
    name = tag.decode("ascii", "replace").lower().replace("sha2-", "sha").replace("-", "")
    name = {"b3": "blake3"}.get(name, name)
    return name if name in DIGITS else None


def _hint(named: bytes) -> str | None:
    found = _HINT.search(named.lower())
    return _algorithm(found[1]) if found else None


def _unescaped(name: bytes) -> bytes:
    def letter(escape: re.Match[bytes]) -> bytes:
        if escape[1] not in _LETTERS:
            raise _refusal("malformed_line", r"a name that is escaped knows \n, \r and \\ only")
        return _LETTERS[escape[1]]

    return _ESCAPE.sub(letter, name)


def _refusal(code: str, words: str) -> ManifestError:
    return ManifestError(words, (code,))


def _shown(tag: bytes) -> str:
    return ascii(tag[:40].decode("ascii", "replace"))
