"""The court's verifier: a dossier examined offline, step by step.

`examine_dossier` collects what is found, `verify_dossier` raises; `main` is the program. It reads
the folder it is given and nothing else: no network, no other program, no link followed.

Python 3.9, standard library only: the single file verify.py is built from this module.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from svitlo.dossier.folder import Tree
from svitlo.dossier.steps import CAUTION, Report, examine_receipt, examine_tree
from svitlo.errors import BagError, DossierError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VERIFIER = "verify.py"
_BLOCK = 1 << 18
_MAX_BYTES = 1 << 30  # of a file that is read whole; originals are streamed
_FLAGS = os.O_RDONLY | sum(getattr(os, n, 0) for n in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))


def examine_dossier(path: str | os.PathLike[str]) -> Report:
    """What nine steps find in the dossier in a folder; they do not stop at the first fault.

    Raises:
        BagError: there is no such folder, or it cannot be listed.
    """
    tree = open_folder(path)
    own = hashlib.sha256(_own_bytes()).hexdigest()
    about = [f"this {VERIFIER} has SHA-256 {own}: compare it with one published elsewhere"]
    if VERIFIER in tree.paths:
        (other,), _size = tree.digest(VERIFIER, ("sha256",))
        if other != own:
            about.append(f"the {VERIFIER} in the dossier is another one, SHA-256 {other}")
    return examine_tree(tree, about)


def verify_dossier(path: str | os.PathLike[str]) -> Report:
    """The report on a dossier in which nothing was found amiss.

    Raises:
        DossierError: it is no dossier, does not verify, or could not be checked whole.
    """
    report = examine_dossier(path)
    if report.exit_code:
        found = [str(finding) for finding in report.findings]
        raise DossierError("; ".join([_verdict(report), *found[:5]]))
    return report


def check_receipt(receipt: str | os.PathLike[str], path: str | os.PathLike[str]) -> Report:
    """What is found in a receipt, its list beside it, and the keys of the dossier in a folder.

    Raises:
        BagError: the receipt or its list cannot be read.
    """
    place, policy = Path(receipt), Path(path) / "trust" / "policy.txt"
    listing = _read_file(str(place.with_name("intake.jsonl")))
    keys = _read_file(str(policy)) if policy.is_file() else b""
    return examine_receipt(_read_file(str(place)), listing, keys)


def format_report(report: Report) -> Iterator[str]:
    """The lines of a report: numbered steps, then the verdict."""
    for step in report.steps:
        yield f"{step.number} {step.state:11} {step.title}"
        yield from (f"      ! {finding}" for finding in step.findings)
        yield from (f"      - {ascii(note)[1:-1]}" for note in step.notes)
    yield _verdict(report)


def _verdict(report: Report) -> str:
    if report.exit_code == 0:
        return f"GOOD: nothing was found amiss ({CAUTION})"
    if report.findings:
        return f"DOES NOT VERIFY: {len(report.findings)} findings"
    return "NOT CHECKED WHOLE" if report.steps else "NOT A DOSSIER"


def _own_bytes() -> bytes:
    here = Path(__file__)
    built = here.with_name(f"{VERIFIER}.txt")  # in the package; the single file is itself
    return (built if built.is_file() else here).read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine the dossier that the arguments name, print the report; 0 good, 3 bad, 2 neither."""
    parser = argparse.ArgumentParser(prog=VERIFIER, description="Check a dossier offline.")
    default = str(Path(__file__).parent)
    parser.add_argument("path", nargs="?", default=default, help="the folder of the dossier")
    parser.add_argument("--receipt", help="check this receipt of an intake by the keys in PATH")
    options = parser.parse_args(arguments)
    try:
        if options.receipt:
            report = check_receipt(options.receipt, options.path)
        else:
            report = examine_dossier(options.path)
    except BagError as error:
        sys.stderr.write(f"NOT A DOSSIER: {error}\n")
        return 2
    for line in format_report(report):
        sys.stdout.write(f"{line}\n")
    return report.exit_code


def open_folder(path: str | os.PathLike[str]) -> Tree:
    """The folder as a tree to examine: no link is followed, nothing is opened twice.

    Raises:
        BagError: there is no such folder, or it cannot be listed.
    """
    root = os.fspath(path)
    try:
        found = list(_walk(root, ""))
    except OSError as error:
        raise BagError(f"the folder cannot be listed: {error.strerror}") from None
    except RecursionError:
        raise BagError("the folder cannot be listed: it is nested too deep") from None
    base = root + os.sep
    return Tree(
        tuple(name for name, what in found if not what),
        tuple((name, what) for name, what in found if what),
        lambda name: _read_file(base + name),
        lambda name, algorithms: _digest(base + name, algorithms),
    )


def _walk(root: str, prefix: str) -> Iterator[tuple[str, str]]:
    folders: list[str] = []
    with os.scandir(f"{root}{os.sep}{prefix}") as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_symlink():
                yield name, "symbolic link"
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name + "/")
            else:
                yield name, "" if entry.is_file(follow_symlinks=False) else "special file"
    for folder in folders:
        yield from _walk(root, folder)


def _blocks(path: str, most: int = sys.maxsize) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            if os.fstat(descriptor).st_size > most:
                raise BagError("is too large to be what its name says")
            block = os.read(descriptor, _BLOCK)
            while block:
                yield block
                block = os.read(descriptor, _BLOCK)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BagError(f"cannot be read: {error.strerror}") from None


def _read_file(path: str) -> bytes:
    return b"".join(_blocks(path, _MAX_BYTES))


def _digest(path: str, algorithms: Sequence[str]) -> tuple[tuple[str, ...], int]:
    states = [hashlib.new(name) for name in algorithms]
    size_bytes = 0
    for block in _blocks(path):
        size_bytes += len(block)
        for state in states:
            state.update(block)
    return tuple(state.hexdigest() for state in states), size_bytes
