"""The steps of an examination: each one says what it found, and none stops at the first fault.

Python 3.9, standard library only: the court's verifier carries this module.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256
from time import gmtime, strftime
from typing import TYPE_CHECKING

from svitlo.dossier.custody import (
    Export,
    Row,
    check_custody,
    check_index,
    figures,
    late_events,
    read_rows,
)
from svitlo.dossier.folder import Contents, Finding, Tree, examine_folder
from svitlo.dossier.proofs import (
    Opening,
    ProvenTiles,
    as_list,
    check_batches,
    check_leaves,
    person_keys,
    plain_bytes,
    plain_value,
    read_lines,
    read_openings,
    signature_fault,
)
from svitlo.errors import BagError, DossierError, ProofError, SvitloError
from svitlo.seal.checkpoint import HASH_BYTES, Checkpoint, decode_base64, parse_checkpoint
from svitlo.seal.curve import verifier
from svitlo.seal.note import parse_note
from svitlo.seal.policy import examine_note, parse_policy
from svitlo.seal.timestamp import Stamp, parse_request, verify_stamp
from svitlo.seal.tree import verify_consistency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TITLES = (
    "this verifier itself",
    "bag: structure, manifests, nothing extra",
    "index, files and exhibits are the same",
    "statements: form, commitment, signature, batch",
    "log: tiles, checkpoint, cosignatures",
    "time stamps",
    "bytes and custody of each exhibit",
    "numbers of the certificate",
    "what was not checked",
)
LANGUAGES = ("en", "uk", "fr", "de")
LIMITS = (
    "START.html, START.pdf, custody/, case/, the certificate's words: fixed by the manifests only",
    "BLAKE3 digests are shown, not recomputed; reads are kept in the node's audit log",
    "statements beside exhibits and custody, such as descriptions: that none was left out",
    "keys, policy and roots in trust/ came with the dossier: compare them with published ones",
)
CAUTION = "integrity and time, not truth"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LAST_SECOND = 253402300799  # of the year 9999
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


@dataclass(frozen=True)
class Step:
    """One step: its number from 1, what was found against the dossier, what is worth knowing."""

    number: int
    title: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    is_whole: bool

    @property
    def state(self) -> str:
        """`ok`, `FAILED`, or `NOT CHECKED` when the step could not be taken whole."""
        if self.findings:
            return "FAILED"
        return "ok" if self.is_whole else "NOT CHECKED"


@dataclass(frozen=True)
class Report:
    """All steps of an examination; a folder that is no dossier has none."""

    steps: tuple[Step, ...]

    @property
    def exit_code(self) -> int:
        """0 good, 3 does not verify, 2 not a dossier or not checked whole."""
        if any(step.findings for step in self.steps):
            return 3
        return 0 if self.steps and all(step.is_whole for step in self.steps) else 2

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the steps."""
        return tuple(finding for step in self.steps for finding in step.findings)


def examine_tree(tree: Tree, about_verifier: Iterable[str]) -> Report:
    """The report on a dossier; `about_verifier` stands in step 1."""
    if not {"proof/checkpoint", "data/index.jsonl"} & set(tree.paths):
        return Report(())
    examination = _Examination(tree)
    work: list[Callable[[], None]] = [
        lambda: examination.notes.extend(about_verifier),
        examination.bag_step,
        examination.index_step,
        examination.statements_step,
        examination.log_step,
        examination.stamps_step,
        examination.custody_step,
        examination.certificate_step,
        examination.limits_step,
    ]
    return Report(tuple(examination.step(number, do) for number, do in enumerate(work, 1)))


def examine_receipt(receipt: bytes, listing: bytes, policy: bytes) -> Report:
    """Whether the receipt of an intake closes, fits its list, and has a checkpoint that is signed.

    `listing` is intake.jsonl; without a `policy` nobody says whose key signs the checkpoint.
    """
    examination = _Examination(Tree((), (), lambda _: policy, lambda _, __: ((), 0)))
    step = examination.step(1, lambda: examination.receipt_step(receipt, listing))
    return Report((replace(step, title="receipt of an intake"),))


class _Examination:
    """What one step learns and later ones use."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.bag = Contents(())
        self.rows: list[Row] = []
        self.openings: list[Opening] = []
        self.malformed: list[Finding] = []
        self.checkpoint: Checkpoint | None = None
        self.stamps: dict[str, str] = {}
        self.withheld = 0
        self.quorum = ""
        self.limits: list[str] = []
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.is_whole = True

    def step(self, number: int, work: Callable[[], None]) -> Step:
        self.findings, self.notes, self.is_whole = [], [], True
        try:
            work()
        except SvitloError as error:
            self.fault("does not hold", TITLES[number - 1], str(error))
        except (RecursionError, MemoryError):
            self.fault("does not hold", TITLES[number - 1], "is nested too deep, or too large")
        return Step(
            number, TITLES[number - 1], tuple(self.findings), tuple(self.notes), self.is_whole
        )

    def fault(self, kind: str, about: str, detail: str) -> None:
        self.findings.append(Finding(kind, about, detail))

    def read(self, path: str) -> bytes:
        if path not in self.tree.paths:
            raise BagError(f"{path} is not there")
        return self.tree.read(path)

    def receipt_step(self, receipt: bytes, listing: bytes) -> None:
        value = plain_value(receipt.rstrip(b"\n"))
        items = list(read_lines(listing, "intake.jsonl", plain_value, self.findings))
        codes = Counter(str(item["code"]) for item in items if "code" in item)
        sizes = [item.get("size") for item in items if "id" in item]
        found = {
            "offered": len(sizes) + sum(codes.values()),
            "sealed": len(sizes),
            "rejected": sum(codes.values()),
            "rejected_by_code": dict(codes),
            "bytes": sum(size for size in sizes if type(size) is int),
            "list": sha256(listing).hexdigest(),
        }
        for name, fact in found.items():
            if value.get(name) != fact:
                self.fault("differs", "receipt", f"{name} is {fact!a}, not {value.get(name)!a}")
        note = str(value.get("checkpoint")).encode()
        size = parse_checkpoint(parse_note(note).text).size
        if any(type(i) is not int or i >= size for i in as_list(value.get("index_range"))):
            self.fault("differs", "receipt", "its exhibits are not below its checkpoint")
        if self.tree.read("trust/policy.txt"):
            self.cosignatures(note)
        else:
            self.is_whole = False
            self.notes.append("no policy here: the checkpoint's signature was not checked")
        self.notes += [*self.limits, f"{found['offered']} offered, {found['sealed']} sealed"]

    def bag_step(self) -> None:
        self.bag = examine_folder(self.tree)
        self.findings += self.bag.findings
        self.notes.append(f"{len(self.bag.sha256)} files, {self.bag.payload_bytes} payload bytes")

    def index_step(self) -> None:
        self.openings, self.malformed = read_openings(self.read("proof/statements.jsonl"))
        self.rows, malformed = read_rows(self.read("data/index.jsonl"))
        self.findings += malformed + check_index(self.rows, self.openings, self.tree.paths)
        withheld = plain_value(self.read("data/withheld.json").rstrip(b"\n"))
        counts = [i.get("count") for i in as_list(withheld.get("counts")) if isinstance(i, dict)]
        self.withheld = sum(count for count in counts if type(count) is int)
        if withheld.get("none") != (self.withheld == 0):
            self.fault("malformed", "data/withheld.json", "says what is left out, or that none is")
        self.notes.append(f"{len(self.rows)} exhibits; {self.withheld} items withheld")

    def statements_step(self) -> None:
        openings = self.openings
        self.findings += self.malformed
        if not openings:
            raise DossierError("there is no statement")
        keys = person_keys(openings)
        signed = [opening for opening in openings if "sig" in opening.value]
        for opening in signed:
            detail = signature_fault(opening, keys)
            if detail and "not known here" in detail:
                self.is_whole = False
                self.notes.append(f"{opening.name} {detail}")
            elif detail:
                self.fault("signature", opening.name, detail)
        self.findings += check_batches(openings, self.read("proof/batches.jsonl"))
        self.notes.append(f"{len(openings)} statements, {len(signed)} signed by persons")
        for name, (public, person, _) in sorted(keys.items()):
            self.notes.append(f"key {name} of {person}: ed25519 {public.hex()}")
        self.limits.append("that these keys are those persons' is the node's word: ask them")

    def log_step(self) -> None:
        note = self.read("proof/checkpoint")
        self.checkpoint = checkpoint = parse_checkpoint(parse_note(note).text)
        stated = [self.bag.metadata.get(f"Svitlo-Log-{name}") for name in ("Origin", "Size")]
        if stated != [checkpoint.origin, str(checkpoint.size)]:
            self.fault("differs", "bag-info.txt", f"log {stated!a} is not that of the checkpoint")
        try:
            self.cosignatures(note)
        except SvitloError as error:
            self.fault("signature", "proof/checkpoint", str(error))
        origin, size, root = checkpoint.origin, checkpoint.size, checkpoint.root
        self.findings += check_leaves(self.openings, ProvenTiles(size, root, self.read))
        self.notes.append(f"{origin}: {size} entries, root {root.hex()}")

    def cosignatures(self, note: bytes) -> None:
        policy = parse_policy(self.tree.read("trust/policy.txt"))
        accepted = examine_note(policy, note, verifier)
        quorum, self.quorum = accepted.quorum, policy.quorum
        if not quorum.reached:
            self.fault("quorum", "proof/checkpoint", f"{quorum.k} of {quorum.n} are not enough")
        for key in (*(log.key for log in policy.logs), *(w.key for w in policy.witnesses)):
            is_short = len(key.public) == HASH_BYTES
            public = key.public.hex() if is_short else f"SHA-256 {sha256(key.public).hexdigest()}"
            self.notes.append(f"trust/policy.txt: {key.name}+{key.key_id.hex()} {public}")
        self.notes.append(f"cosigned by {quorum.k} of {quorum.n}; rule: quorum {policy.quorum}")
        self.notes += [
            f"cosigned by {name} at {_utc(time)}"
            for name, time in zip(quorum.names, quorum.times)  # noqa: B905  # not in Python 3.9
        ]
        if policy.quorum == "none":
            self.limits.append("no independent cosigner is claimed: the log is its operator's word")
        for key in accepted.unchecked:
            name = f"{key.name}+{key.key_id.hex()}"
            self.limits.append(f"the signature of {name}: present, not checked here")

    def stamps_step(self) -> None:
        names = {path.split("/")[2] for path in self.tree.paths if path.startswith("proof/time/")}
        if not names:
            self.limits.append("no time stamp is claimed: times are the node's clock")
            return
        roots = certificates(self.read("trust/roots.pem"))
        for name in sorted(names):
            try:
                stamp = self.stamp(name, roots)
            except SvitloError as error:
                self.fault("stamp", f"proof/time/{name}", str(error))
                continue
            self.stamps[name] = stamp.gen_time.strftime(_TIME)
            encoding = "" if stamp.is_canonical else " (non-canonical encoding)"
            says = f"existed no later than {self.stamps[name]}, says {stamp.authority}{encoding}"
            self.notes += [f"{name}: {says}", f"{name}: root certificate SHA-256 {stamp.root}"]
        self.limits.append("that these root certificates are the authorities': compare them")

    def stamp(self, name: str, roots: list[bytes]) -> Stamp:
        folder = f"proof/time/{name}"
        text = parse_note(self.read("proof/checkpoint")).text
        if f"{folder}/checkpoint" in self.tree.paths:
            text = parse_note(self.read(f"{folder}/checkpoint")).text
            self.check_grown(parse_checkpoint(text), self.read(f"{folder}/consistency.txt"))
        request = parse_request(self.read(f"{folder}/query.tsq"))
        return verify_stamp(
            self.read(f"{folder}/response.tsr"),
            sha256(text).digest(),
            roots,
            request.nonce,
            chain=certificates(self.read(f"{folder}/chain.pem")),
        )

    def check_grown(self, older: Checkpoint, proof: bytes) -> None:
        newer = self.checkpoint
        if newer is None or older.origin != newer.origin:
            raise DossierError("the stamped checkpoint is of another log")
        lines = proof.decode("ascii", "replace").split("\n")[:-1]
        path = [decode_base64(line, ProofError) for line in lines]
        verify_consistency(older.size, newer.size, older.root, newer.root, path=path)
        self.notes.append(f"stamped at {older.size} entries, which the {newer.size} grew out of")

    def custody_step(self) -> None:
        export = Export(self.bag.metadata.get("External-Identifier", ""), self.openings)
        digests = {p: d for p, d in self.bag.sha256.items() if p.startswith("data/")}
        self.findings += check_custody(self.rows, self.openings, export, digests)
        self.notes += late_events(self.openings)
        asked = export.events[0].body.get("quorum")
        if asked and self.quorum == "none":
            self.limits.append(f"the node asks for {asked!a} cosignatures, this policy for none")
        if any(row.status == "sealed" for row in self.rows):
            self.limits.append("sealed exhibits were not opened: their ciphertext was compared")

    def certificate_step(self) -> None:
        stated = plain_value(self.read("certificate/certificate.json").rstrip(b"\n"))
        if self.checkpoint is None:
            raise DossierError("without a checkpoint no number can be recomputed")
        found = figures(
            self.rows,
            self.openings,
            self.checkpoint,
            stamps=self.stamps,
            withheld=self.withheld,
        )
        for name, fact in (
            ("dossier", self.bag.metadata.get("External-Identifier")),
            ("index_sha256", self.bag.sha256.get("data/index.jsonl")),
        ):
            if stated.get(name) != fact:
                self.fault("differs", "certificate.json", f"{name} is {fact!a}")
        given = stated.get("figures")
        figured = given if isinstance(given, dict) else {}
        for name in sorted({*found, *figured}):
            value, says = found.get(name), figured.get(name)
            if says != value:
                self.fault("differs", "certificate.json", f"{name} is {value!a}, not {says!a}")
        for language in LANGUAGES:
            path = f"certificate/certificate.{language}.txt"
            if self.read(path).rstrip(b"\n").split(b"\n")[-1] != plain_bytes(found):
                self.fault("differs", path, "its last line does not state the recomputed numbers")

    def limits_step(self) -> None:
        self.notes += [*self.limits, *LIMITS, f"this shows {CAUTION}"]


def certificates(pem: bytes) -> list[bytes]:
    """The certificates (DER) of a PEM file.

    Raises:
        DossierError: a certificate is not base64.
    """
    try:
        return [a2b_base64(match) for match in _PEM.findall(pem)]
    except BinasciiError:
        raise DossierError("a certificate is not base64") from None


def _utc(seconds: int) -> str:
    return strftime(_TIME, gmtime(min(seconds, _LAST_SECOND)))
