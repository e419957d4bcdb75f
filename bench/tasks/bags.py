"""Bags made and examined: our functions, and bagit.py as it is used from Python."""

import logging
from collections.abc import Callable
from pathlib import Path

import bagit

from svitlo.dossier.bag import bag_files, examine_bag
from svitlo.dossier.folder import examine_folder
from svitlo.dossier.verify import open_folder

DATA = "data/"


def make(folder: str) -> Callable[[], int]:
    """How many files in `data/` were hashed and listed; the folder is a bag then."""
    for path in Path(folder).glob("*.txt"):
        path.unlink()

    def work() -> int:
        tree = open_folder(folder)
        payload = []
        for path in tree.paths:
            (digest,), size = tree.digest(path, ("sha256",))
            payload.append((path, digest, size))
        for path, content in bag_files(payload, (), [("Bagging-Date", "2026-11-24")]):
            Path(folder, path).write_bytes(content)
        return len(payload)

    return work


def verify(folder: str) -> Callable[[], int]:
    """How many files a bag holds, examined as any bag is; it must be valid."""

    def work() -> int:
        report = examine_bag(open_folder(folder))
        if not report.is_valid:
            raise AssertionError(report.findings)
        return len(report.sha256)

    return work


def verify_own(folder: str) -> Callable[[], int]:
    """How many files a bag holds, examined as a dossier's own bag is; nothing must be found."""

    def work() -> int:
        contents = examine_folder(open_folder(folder))
        if contents.findings:
            raise AssertionError(contents.findings)
        return len(contents.sha256)

    return work


def bagit_make(folder: str) -> Callable[[], int]:
    """As `make`, by bagit.py; it moves what is in the folder to `data/`, which is undone first."""
    logging.disable()
    for path in Path(folder).glob("*.txt"):
        path.unlink()
    if Path(folder, DATA).is_dir():
        for path in Path(folder, DATA).iterdir():
            path.rename(Path(folder, path.name))
        Path(folder, DATA).rmdir()

    def work() -> int:
        return len(bagit.make_bag(folder, checksums=["sha256"]).payload_entries())

    return work


def bagit_verify(folder: str) -> Callable[[], int]:
    """As `verify`, by bagit.py."""
    logging.disable()

    def work() -> int:
        bag = bagit.Bag(folder)
        bag.validate()
        return len(bag.payload_entries())

    return work
