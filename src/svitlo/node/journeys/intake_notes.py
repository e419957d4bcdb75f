"""What a receipt notes beside its items: the manifests, and what came after the census.

Whether anything came into the folders is told by their modification times, a look at each folder;
only folders that changed are listed again. An intake that was broken off has forgotten the times,
so all folders are listed again, without a look at any file.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from svitlo.node.census import STDIN, Walk, entries_now
from svitlo.node.claims import Claims, ManifestFile
from svitlo.record.exhibit import name_members
from svitlo.store.intaking import files_of
from svitlo.store.models import Intake

MAX_NOTED = 100
"""Of names that a receipt lists beside the items; the count is always whole."""


def receipt_notes(
    intake: Intake, paths: Sequence[bytes], claims: Claims, walk: Walk | None
) -> dict[str, object]:
    """All notes of a receipt; `walk` is that of the census, None after one that was broken off."""
    return {**_manifest_notes(intake, claims), "after_census": _later(intake, paths, walk)}


def manifest_value(file: ManifestFile) -> dict[str, object]:
    """A manifest as statements and receipts name it."""
    return {**name_members(file.path, "name"), "sha256": file.sha256, "lines": file.lines}


def _manifest_notes(intake: Intake, claims: Claims) -> dict[str, object]:
    if not claims:
        return {}
    account = claims.account(files_of(intake.pk))
    return {
        "manifests": [manifest_value(file) for file in claims.manifests],
        "lines_without_file": _noted(account.lines_without_file),
        "files_without_line": _noted(account.files_without_line),
    }


def _later(intake: Intake, paths: Sequence[bytes], walk: Walk | None) -> dict[str, object]:
    """What is in the offered folders now and was not at the census."""
    tops = [path for path in paths if _is_folder(path)] if walk is None else walk.changed_folders()
    if not tops:
        return _noted(())
    known = {path for path, _ in files_of(intake.pk)}
    apart = () if walk is None else walk.folders
    return _noted(sorted(set(entries_now(tops, apart)) - known))


def _noted(names: Sequence[bytes]) -> dict[str, object]:
    return {"count": len(names), "names": [name_members(n, "name") for n in names[:MAX_NOTED]]}


def _is_folder(path: bytes) -> bool:
    try:
        return path != STDIN and stat.S_ISDIR(Path(os.fsdecode(path)).lstat().st_mode)
    except OSError:
        return False
