"""A small dossier made with the pure rooms only, and how to write and damage it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import blake3

from svitlo.dossier.bag import bag_files
from svitlo.dossier.contents import Case, Derivative, Dossier, Exhibit, Stamp, Trust, Withheld
from svitlo.dossier.custody import custody_digest, events_of
from svitlo.dossier.package import (
    assemble,
    batch_line,
    bound_files,
    export_parts,
    needed_tiles,
    tile_file,
)
from svitlo.dossier.proofs import Opening
from svitlo.record.exhibit import name_members
from svitlo.record.statement import Statement, sign_statement, utc_text
from svitlo.seal import canonical
from svitlo.seal.checkpoint import Checkpoint, format_checkpoint
from svitlo.seal.commitment import (
    commit,
    commitment_entry,
    control_entry,
    dummy_entry,
    person_key_id,
)
from svitlo.seal.note import Note, format_note, format_vkey
from svitlo.seal.signature import SigningKey, person_public, sign_checkpoint, sign_person
from svitlo.seal.tiles import TileEdge
from svitlo.seal.tree import leaf_hashes, root_of

BEGAN = datetime(2022, 11, 29, 9, tzinfo=UTC)
ORIGIN = "ee.example/spine/1"
VERIFIER = Path(__file__).parents[3] / "src/svitlo/dossier/verify.py.txt"
SEED = bytes(range(0x40, 0x60))
PERSON = "p-01gk1ap2h0000g40r40m30e200"
INTAKE = "i-01gk1ap2h0000g40r40m30e201"
BATCH = INTAKE[2:]
DOSSIER = "d-01gk1ap2h0000g40r40m30e202"
LOG = SigningKey(name=ORIGIN, kind=1, seed=bytes(range(0x20)))
LOG_PQ = SigningKey(name=ORIGIN, kind=6, seed=bytes(range(0x60, 0x80)))
WITNESS = SigningKey(name="lv.example/witness", kind=4, seed=bytes(range(0x20, 0x40)))
POLICY = (
    f"log {format_vkey(LOG.verifier_line)}\nlog {format_vkey(LOG_PQ.verifier_line)}\n"
    f"witness lv {format_vkey(WITNESS.verifier_line)}\nquorum lv\n"
).encode()
FILES = {
    "фото.jpg".encode(): b"\xff\xd8 a picture",
    b'=HYPERLINK("x")\r<script>alert(1)</script>.txt': b"hostile name",
    b"\xff\xfe not utf-8": b"",
    b"notes/\xe2\x80\xaereversed.txt": b"light\n" * 50,
}
REDACTED = b"\xff\xd8 boxes"


class Log:
    """A log in memory: entries, and the statements that open some of them."""

    def __init__(self) -> None:
        record = {"v": 1, "type": "control.genesis", "origin": ORIGIN, "node": "ee.example"}
        self.entries = [control_entry(canonical.dumps(record))]
        self.openings: list[Opening] = []
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return f"01gk1ap2h0000g40r40m{self._count:06d}"

    def add(
        self,
        kind: str,
        subject: list[str],
        body: dict[str, Any],
        **more: Any,
    ) -> Opening:
        is_signed = more.pop("is_signed", False)
        statement = Statement(
            type=kind,
            id=more.pop("id", None) or self.name(),
            node="ee.example",
            at=utc_text(BEGAN + timedelta(seconds=len(self.openings))),
            actor=PERSON,
            subject=tuple(subject),
            body=body,
            **more,
        )
        if is_signed:
            public = person_public(SEED)
            statement = sign_statement(statement, public, lambda m: sign_person(SEED, m))
        salt = hashlib.sha256(statement.id.encode()).digest()
        text = statement.canonical()
        value = canonical.loads(text)
        assert isinstance(value, dict)
        opening = Opening(len(self.entries), salt, text, value)
        self.entries.append(commitment_entry(commit(salt, text)))
        self.openings.append(opening)
        return opening

    def event(
        self, name: str, subject: list[str], *, is_signed: bool = True, **extra: object
    ) -> Opening:
        body = {
            "event": name,
            "purpose": "investigation",
            "object": "exhibit",
            "result": "done",
            "tool": "svitlo",
            "version": "0.1.0",
            **extra,
        }
        return self.add("custody.event", subject, body, basis="rome.54", is_signed=is_signed)

    def pad(self, count: int) -> None:
        for _ in range(count):
            self.entries.append(dummy_entry(bytes(range(0xA0, 0xC0)), len(self.entries)))

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(ORIGIN, len(self.entries), root_of(leaf_hashes(self.entries)))

    def tile(self, level: int, n: int, width: int) -> bytes:
        edge = TileEdge()
        full = edge.extend(leaf_hashes(self.entries))
        tiles = {(lv, at): content for lv, at, content in [*edge.partials(), *full]}
        return tiles[level, n][: width * 32]


def note_of(checkpoint: Checkpoint, *keys: SigningKey) -> bytes:
    signers = keys or (LOG, LOG_PQ, WITNESS)
    lines = tuple(sign_checkpoint(key, checkpoint, 1669713600) for key in signers)
    return format_note(Note(format_checkpoint(checkpoint), lines))


@dataclass(frozen=True)
class Sample:
    """A dossier, the bytes of its exhibits by path, and its log."""

    dossier: Dossier
    streams: dict[str, bytes]
    log: Log


def make_sample(
    *,
    withheld: tuple[Withheld, ...] = (),
    stamp: Any = None,
    files: dict[bytes, bytes] | None = None,
    is_sealed: bool = False,
) -> Sample:
    files = FILES if files is None else files
    log = Log()
    public = person_public(SEED)
    key = {
        "alg": "ed25519",
        "key": person_key_id(public),
        "public": base64.b64encode(public).decode(),
    }
    log.add("person.key", [PERSON], key, is_signed=True)
    log.event("receive", [INTAKE], offered=len(files))
    exhibits, sealed = [], []
    for n, (name, content) in enumerate(files.items()):
        ident = f"x-{log.name()}"
        body: dict[str, Any] = {
            "n": n,
            **name_members(name, "path"),
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "blake3": blake3.blake3(content).hexdigest(),
            "case": "case-1",
            "intake": INTAKE,
            "blob": "00" * 32,
        }
        sealed.append(log.add("exhibit.sealed", [ident], body, batch=BATCH))
        outgoing = b"age " + content if is_sealed else content
        exhibits.append(
            Exhibit(
                number=f"{n + 1:04d}",
                id=ident,
                path=name,
                sha256=str(body["sha256"]),
                blake3=str(body["blake3"]),
                size=len(content),
                outgoing_sha256=hashlib.sha256(outgoing).hexdigest(),
                outgoing_size=len(outgoing),
                is_sealed=is_sealed,
                extension="jpg" if name.endswith(b"jpg") else "bin",
                title="=1+1" if n == 1 else "",
                source='<img src=x onerror="alert(1)">',
            )
        )
    log.event("seal", [INTAKE], is_signed=False)
    batch = {
        "count": len(sealed),
        "root": base64.b64encode(root_of(o.leaf for o in sealed)).decode(),
    }
    log.add("intake.batch", [INTAKE], batch, id=BATCH, is_signed=True)
    log.pad(300)
    log.event("verify", [exhibits[0].id], is_signed=False, method="full")
    derived = log.add(
        "exhibit.derived",
        [exhibits[0].id],
        {
            "from": exhibits[0].sha256,
            "how": "redaction",
            "sha256": hashlib.sha256(REDACTED).hexdigest(),
        },
    )
    exhibits[0] = replace(
        exhibits[0],
        derivatives=(
            Derivative(
                k=1,
                extension="jpg",
                sha256=hashlib.sha256(REDACTED).hexdigest(),
                size=len(REDACTED),
                statement=str(derived.value["id"]),
                how="redaction",
            ),
        ),
    )
    early = log.checkpoint()
    log.event("hold", [exhibits[1].id, INTAKE])
    case = Case(
        dossier=DOSSIER,
        case="case-1",
        title='Substation <b>"Світло"</b>',
        node="ee.example",
        organisation="Contact point A",
        exported_at="2022-11-29T10:00:00Z",
        exported_by="Officer",
        recipient="Court & others",
        purpose="investigation",
        basis="rome.54",
        version="0.1.0",
        quorum=1,
    )
    bound = bound_files(exhibits, withheld)
    by_subject = events_of(log.openings)
    custody = {}
    for one in exhibits:
        found = {e.index: e for name in (one.id, INTAKE) for e in by_subject.get(name, ())}
        ids = [str(found[index].value["id"]) for index in sorted(found)]
        custody[one.id] = (len(ids), custody_digest(ids))
    for subject, extra in export_parts(case, exhibits, bound, custody):
        log.event("export", list(subject), **extra)
    log.pad(3)
    checkpoint = log.checkpoint()
    note = note_of(checkpoint)
    places = {n: o.index for n, o in enumerate(sealed)}
    indices = [o.index for o in log.openings]
    stamps: tuple[Stamp, ...] = stamp(log, early, checkpoint) if stamp else ()
    dossier = Dossier(
        case=case,
        exhibits=tuple(exhibits),
        statements=tuple(log.openings),
        batches=(batch_line(BATCH, [o.leaf for o in sealed], places),),
        checkpoint=note,
        tiles={
            tile_file(*tile): log.tile(*tile) for tile in needed_tiles(checkpoint.size, indices)
        },
        bound=bound,
        trust=Trust(
            roots=stamp.roots if stamp else b"",
            policy=POLICY,
            people=((person_key_id(public), public.hex(), PERSON, "Officer\nof the court"),),
        ),
        verifier=VERIFIER.read_bytes(),
        stamps=stamps,
        withheld=withheld,
        cosigners=((WITNESS.name, "2022-11-29T09:20:00Z"),),
    )
    streams: dict[str, bytes] = {}
    for one, content in zip(exhibits, files.values(), strict=True):
        streams[one.file] = b"age " + content if is_sealed else content
        for derivative in one.outgoing()[1:]:
            streams[derivative.path] = REDACTED
    return Sample(dossier, streams, log)


def files_of(sample: Sample) -> dict[str, bytes]:
    """Every file of the bag."""
    files: dict[str, bytes] = {}
    for path, content in assemble(sample.dossier):
        files[path] = content if isinstance(content, bytes) else sample.streams[content.path]
    return files


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def bagged_again(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files with manifests that fit: what a forger would do after a change."""

    def digest(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    own = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}
    rest = {path: content for path, content in files.items() if path not in own}
    metadata = [
        tuple(line.split(": ", 1))
        for line in files["bag-info.txt"].decode().splitlines()
        if not line.startswith("Payload-Oxum")
    ]
    made = bag_files(
        [(p, digest(c), len(c)) for p, c in rest.items() if p.startswith("data/")],
        [(p, digest(c)) for p, c in rest.items() if not p.startswith("data/")],
        [(k, v) for k, v in metadata],
    )
    return {**rest, **dict(made)}
