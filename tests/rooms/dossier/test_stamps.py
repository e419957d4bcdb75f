"""Stamps in a dossier: verified at the time they state, by two verifiers and by openssl."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from svitlo.dossier.contents import Stamp
from svitlo.dossier.verify import examine_dossier
from svitlo.node.demo.authority import make_authority, reply
from svitlo.seal.certificate import certificates_of
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint
from svitlo.seal.timestamp import make_request, verify_stamp
from svitlo.seal.tree import consistency_path, leaf_hashes
from tests.rooms.dossier.sample import (
    VERIFIER,
    Log,
    Sample,
    bagged_again,
    files_of,
    make_sample,
    note_of,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


class Authorities:
    """Stamps the final checkpoint by one authority and an early one by another."""

    def __init__(self, folder: Path) -> None:
        for name, kind in (("ec", "ec"), ("rsa", "rsa")):
            make_authority(folder / name, f"Authority {name}", "ec" if kind == "ec" else "rsa")
        self.folder = folder
        self.roots = b"".join((folder / n / "root.pem").read_bytes() for n in ("ec", "rsa"))

    def __call__(self, log: Log, early: Checkpoint, last: Checkpoint) -> tuple[Stamp, ...]:
        leaves = leaf_hashes(log.entries)
        proof = tuple(consistency_path(early.size, last.size, leaves))
        older = self.stamp("rsa", early)
        older = replace(older, checkpoint=note_of(early), consistency=proof)
        return (self.stamp("ec", last), older)

    def stamp(self, name: str, checkpoint: Checkpoint) -> Stamp:
        digest = sha256(format_checkpoint(checkpoint)).digest()
        request = make_request(digest, 42)
        response = reply(self.folder / name, request)
        verified = verify_stamp(response, digest, certificates_of(self.roots), 42)
        return Stamp(
            name=name,
            authority=f"Authority {name}",
            request=request,
            response=response,
            chain=(self.folder / name / "leaf.pem").read_bytes(),
            at=int(verified.gen_time.timestamp()),
        )


@pytest.fixture(scope="module")
def stamped(openssl: str, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_sample(stamp=Authorities(tmp_path_factory.mktemp("authorities")))


def test_stamps_of_two_authorities_verify_also_over_an_older_checkpoint(
    stamped: Sample, tmp_path: Path
) -> None:
    report = examine_dossier(write(tmp_path, files_of(stamped)))

    assert report.exit_code == 0, [str(finding) for finding in report.findings]
    notes = report.steps[5].notes
    assert any("ec: existed no later than" in note for note in notes)
    assert any("rsa: existed no later than" in note for note in notes)
    assert any("grew out of" in note for note in notes)
    done = subprocess.run([sys.executable, "-I", str(VERIFIER), str(tmp_path)], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "path",
    [
        "proof/time/ec/response.tsr",
        "proof/time/ec/query.tsq",
        "proof/time/rsa/consistency.txt",
        "proof/time/rsa/checkpoint",
        "trust/roots.pem",
    ],
)
def test_another_stamp_or_root_is_found(stamped: Sample, tmp_path: Path, path: str) -> None:
    files = files_of(stamped)
    other = {
        "proof/time/ec/response.tsr": files["proof/time/rsa/response.tsr"],
        "proof/time/ec/query.tsq": make_request(bytes(32), 7),
        "proof/time/rsa/consistency.txt": b"",
        "proof/time/rsa/checkpoint": files["proof/checkpoint"],
        "trust/roots.pem": b"",
    }
    changed = {**files, path: other[path]}

    report = examine_dossier(write(tmp_path, bagged_again(changed)))

    assert report.exit_code == 3
    assert report.steps[5].findings


def test_a_stamp_that_is_left_out_is_missed_by_the_certificate(
    stamped: Sample, tmp_path: Path
) -> None:
    files = {p: c for p, c in files_of(stamped).items() if not p.startswith("proof/time/ec")}

    report = examine_dossier(write(tmp_path, bagged_again(files)))

    assert any(finding.detail.startswith("stamps is") for finding in report.findings)


def test_verify_txt_works_by_hand(stamped: Sample, openssl: str, tmp_path: Path) -> None:
    files = files_of(stamped)
    write(tmp_path, files)
    text = files["VERIFY.txt"].decode()
    commands = re.findall(r"^   ((?:sha256sum|openssl ts) .*)$", text, flags=re.MULTILINE)

    done = [
        subprocess.run(shlex.split(command), cwd=tmp_path, capture_output=True, check=False)
        for command in commands
    ]

    assert len(commands) == 4
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    head = b"".join(files["proof/checkpoint"].splitlines(keepends=True)[:3])
    assert sha256(head).hexdigest() in text
    assert sha256(VERIFIER.read_bytes()).hexdigest() in text
