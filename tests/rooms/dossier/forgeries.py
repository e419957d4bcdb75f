"""What a forger does to a dossier, and what an accident does to its bag."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from svitlo.seal.checkpoint import Checkpoint
from tests.rooms.dossier.sample import LOG, note_of

if TYPE_CHECKING:
    from collections.abc import Callable

Files = dict[str, bytes]


def lines_of(files: Files, path: str) -> list[str]:
    return files[path].decode().splitlines()


def with_lines(files: Files, path: str, lines: list[str]) -> Files:
    return {**files, path: "".join(f"{line}\n" for line in lines).encode()}


def without(files: Files, *paths: str) -> Files:
    return {path: content for path, content in files.items() if path not in paths}


def changed_statement(files: Files, kind: str, old: str, new: str) -> Files:
    """The first statement of a kind says something else."""
    lines = lines_of(files, "proof/statements.jsonl")
    at = next(n for n, line in enumerate(lines) if kind in line and old in line)
    lines[at] = lines[at].replace(old, new, 1)
    return with_lines(files, "proof/statements.jsonl", lines)


def dropped(files: Files, path: str, words: str) -> Files:
    lines = lines_of(files, path)
    at = next(n for n, line in enumerate(lines) if words in line)
    return with_lines(files, path, lines[:at] + lines[at + 1 :])


def swapped(files: Files, path: str, a: int, b: int) -> Files:
    lines = lines_of(files, path)
    lines[a], lines[b] = lines[b], lines[a]
    return with_lines(files, path, lines)


def exchanged(files: Files, a: str, b: str) -> Files:
    return {**files, a: files[b], b: files[a]}


def salts_exchanged(files: Files) -> Files:
    lines = [json.loads(line) for line in lines_of(files, "proof/statements.jsonl")]
    lines[2]["salt"], lines[3]["salt"] = lines[3]["salt"], lines[2]["salt"]
    texts = [
        json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for v in lines
    ]
    return with_lines(files, "proof/statements.jsonl", texts)


def certificate_number(files: Files) -> Files:
    path = "certificate/certificate.json"
    text = re.sub(rb'"custody_events":\d+', b'"custody_events":99', files[path])
    return {**files, path: text}


def certificate_text(files: Files) -> Files:
    path = "certificate/certificate.de.txt"
    return {**files, path: files[path].replace(b'"exhibits":4', b'"exhibits":5')}


def other_root(files: Files) -> Files:
    """The log signs another root: its key is in the wrong hands."""
    lines = files["proof/checkpoint"].split(b"\n")
    root = base64.b64decode(lines[2])
    note = note_of(Checkpoint(LOG.name, int(lines[1]), root[::-1]))
    return {**files, "proof/checkpoint": note}


def without_cosignature(files: Files) -> Files:
    lines = files["proof/checkpoint"].split(b"\n")
    kept = [line for line in lines if b"lv.example" not in line]
    return {**files, "proof/checkpoint": b"\n".join(kept)}


def bad_cosignature(files: Files) -> Files:
    lines = files["proof/checkpoint"].decode().split("\n")
    at = next(n for n, line in enumerate(lines) if "lv.example" in line)
    head, _, blob = lines[at].rpartition(" ")
    raw = bytearray(base64.b64decode(blob))
    raw[-1] ^= 1
    lines[at] = f"{head} {base64.b64encode(bytes(raw)).decode()}"
    return {**files, "proof/checkpoint": "\n".join(lines).encode()}


def flipped(path: str) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        content = bytearray(files[path])
        content[len(content) // 2] ^= 1
        return {**files, path: bytes(content)}

    return change


def tile(files: Files, words: str) -> str:
    return next(path for path in files if words in path)


FORGERIES: dict[str, Callable[[Files], Files]] = {
    "other bytes of an exhibit": flipped("data/exhibits/0004/original.bin"),
    "other bytes of a derivative": flipped("data/exhibits/0001/redacted-1.jpg"),
    "two exhibits exchanged": lambda f: exchanged(
        f, "data/exhibits/0002/original.bin", "data/exhibits/0004/original.bin"
    ),
    "an exhibit left out": lambda f: dropped(
        without(f, "data/exhibits/0002/original.bin"), "data/index.jsonl", '"0002"'
    ),
    "an exhibit and its statement left out": lambda f: dropped(
        dropped(without(f, "data/exhibits/0002/original.bin"), "data/index.jsonl", '"0002"'),
        "proof/statements.jsonl",
        "HYPERLINK",
    ),
    "an index row left out": lambda f: dropped(f, "data/index.jsonl", '"0003"'),
    "an index row twice": lambda f: with_lines(
        f,
        "data/index.jsonl",
        [*lines_of(f, "data/index.jsonl"), lines_of(f, "data/index.jsonl")[0]],
    ),
    "a title changed": lambda f: {
        **f,
        "data/index.jsonl": f["data/index.jsonl"].replace(b"=1+1", b"=1+2"),
    },
    "the index as a table changed": lambda f: {
        **f,
        "data/index.csv": f["data/index.csv"].replace(b"0001", b"0009"),
    },
    "fewer withheld": lambda f: {**f, "data/withheld.json": b'{"counts":[],"none":true,"v":1}\n'},
    "an extra exhibit": lambda f: {**f, "data/exhibits/0009/original.bin": b"?"},
    "an extra payload file": lambda f: {**f, "data/more.txt": b"?"},
    "two statements swapped": lambda f: swapped(f, "proof/statements.jsonl", 1, 2),
    "a hold dropped": lambda f: dropped(f, "proof/statements.jsonl", '"event":"hold"'),
    "the receive event dropped": lambda f: dropped(f, "proof/statements.jsonl", '"receive"'),
    "a verify event dropped": lambda f: dropped(f, "proof/statements.jsonl", '"event":"verify"'),
    "the export dropped": lambda f: dropped(f, "proof/statements.jsonl", '"event":"export"'),
    "the key statement dropped": lambda f: dropped(f, "proof/statements.jsonl", "person.key"),
    "the batch dropped": lambda f: dropped(f, "proof/statements.jsonl", "intake.batch"),
    "the batch proof dropped": lambda f: {**f, "proof/batches.jsonl": b""},
    "a batch of another count": lambda f: {
        **f,
        "proof/batches.jsonl": f["proof/batches.jsonl"].replace(b'"count":4', b'"count":5'),
    },
    "a time changed": lambda f: changed_statement(f, "custody.event", "2022-11-29", "2021-11-29"),
    "an unsigned time changed": lambda f: changed_statement(
        f, '"event":"verify"', "2022-11-29", "2021-11-29"
    ),
    "an exported digest changed": lambda f: changed_statement(
        f, '"event":"export"', '"sha256":"', '"sha256":"0'
    ),
    "a salt exchanged": salts_exchanged,
    "a statement of another index": lambda f: changed_statement(f, '"i":2,', '"i":2,', '"i":9,'),
    "a statement not in canonical form": lambda f: changed_statement(f, '"s":{', '"s":{', '"s":{ '),
    "the last statement cut off": lambda f: {
        **f,
        "proof/statements.jsonl": f["proof/statements.jsonl"][:-20],
    },
    "no statements": lambda f: {**f, "proof/statements.jsonl": b""},
    "a certificate's number": certificate_number,
    "the number in a certificate's text": certificate_text,
    "a language left out": lambda f: without(f, "certificate/certificate.uk.txt"),
    "another root": other_root,
    "a cosignature missing": without_cosignature,
    "a bad cosignature": bad_cosignature,
    "another size in the checkpoint": lambda f: {
        **f,
        "proof/checkpoint": f["proof/checkpoint"].replace(b"\n316\n", b"\n317\n", 1),
    },
    "another log in bag-info": lambda f: {
        **f,
        "bag-info.txt": f["bag-info.txt"].replace(b"ee.example/spine", b"xx.example/spine"),
    },
    "another dossier in bag-info": lambda f: {
        **f,
        "bag-info.txt": f["bag-info.txt"].replace(b"d-01", b"d-02"),
    },
    "a tile cut off": lambda f: {**f, tile(f, "tile/0/000"): f[tile(f, "tile/0/000")][:-32]},
    "a tile flipped": lambda f: flipped(tile(f, "tile/0/000"))(f),
    "an edge tile flipped": lambda f: flipped(tile(f, "tile/0/001"))(f),
    "a tile missing": lambda f: without(f, tile(f, "tile/0/000")),
    "no tiles": lambda f: without(f, *(path for path in f if "proof/tile" in path)),
    "no policy": lambda f: without(f, "trust/policy.txt"),
    "no withheld": lambda f: without(f, "data/withheld.json"),
    "an empty policy": lambda f: {**f, "trust/policy.txt": b"quorum none\n"},
    "a stamp that is none": lambda f: {
        **f,
        "proof/time/tsa/query.tsq": b"0",
        "proof/time/tsa/response.tsr": b"0",
        "proof/time/tsa/chain.pem": b"",
    },
}
"""What a forger does who also writes new manifests."""

DAMAGES: dict[str, Callable[[Files], Files]] = {
    "an extra file": lambda f: {**f, "note.txt": b"?"},
    "an extra file beside an exhibit": lambda f: {**f, "data/exhibits/0001/.hidden": b"?"},
    "a manifest line twice": lambda f: with_lines(
        f,
        "manifest-sha256.txt",
        [*lines_of(f, "manifest-sha256.txt"), lines_of(f, "manifest-sha256.txt")[0]],
    ),
    "a manifest line that leaves": lambda f: with_lines(
        f, "manifest-sha256.txt", [*lines_of(f, "manifest-sha256.txt"), f"{'0' * 64}  ../x"]
    ),
    "no tag manifest": lambda f: without(f, "tagmanifest-sha256.txt"),
    "no bagit.txt": lambda f: without(f, "bagit.txt"),
    "another version": lambda f: {**f, "bagit.txt": f["bagit.txt"].replace(b"1.0", b"0.97")},
    "a wrong Payload-Oxum": lambda f: {
        **f,
        "bag-info.txt": re.sub(rb"Oxum: \d+", b"Oxum: 1", f["bag-info.txt"]),
    },
}
