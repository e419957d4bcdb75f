"""What a web archive says of itself: its records, and whether their digests hold.

WARC and the older ARC, plain or compressed record by record. A payload is what follows the HTTP
headers, as it was stored. A damaged record ends the reading; what came before is reported.

Sources: ISO 28500:2017 (WARC 1.1), 5.8 and 5.9 for digests; the ARC file format of 1996.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from svitlo.media.claim import PARSER_ERRORS, clean_text, reason, time_of

if TYPE_CHECKING:
    from svitlo.media.claim import Claims, Value
    from svitlo.media.signature import Kind

RECORDS = 1_000_000
_HEADER_BYTES = 64 * 1024
_HEADERS = 200
_BLOCK = 1 << 20
_LISTED = 60
_ALGORITHMS = frozenset({"sha1", "sha256", "sha512", "md5", "sha384"})
_HTTP_TYPES = frozenset({"response", "request"})
_ARC_FIELDS = 5
_ARC_DATE = 14


@dataclass(slots=True)
class Tally:
    """What adds up over the records of one or several archives."""

    types: dict[str, int] = field(default_factory=dict)
    records: int = 0
    digests_hold: int = 0
    digests_fail: int = 0
    digests_unknown: int = 0
    failures: list[Value] = field(default_factory=list)
    targets: list[Value] = field(default_factory=list)
    software: str = ""
    first: str = ""
    last: str = ""
    problem: str = ""


def note_warc(stream: BinaryIO, kind: Kind, claims: Claims) -> None:
    """Note the records of one WARC or ARC file."""
    tally = Tally()
    read_records(stream, tally, is_compressed=kind.extension.endswith("gz"))
    note_tally(tally, claims)


def note_tally(tally: Tally, claims: Claims) -> None:
    """Note what was counted."""
    claims.add("warc.records", tally.records)
    claims.add("warc.types", {**tally.types})
    claims.add("warc.digests_hold", tally.digests_hold)
    claims.add("warc.digests_fail", tally.digests_fail)
    if tally.digests_unknown:
        claims.add("warc.digests_unknown", tally.digests_unknown)
    if tally.failures:
        claims.add("warc.failures", tally.failures)
    claims.add("warc.software", tally.software, tag="warcinfo")
    claims.add("time.first_record", tally.first, tag="WARC-Date")
    claims.add("time.last_record", tally.last, tag="WARC-Date")
    claims.add("warc.targets", tally.targets)
    claims.add("warc.unreadable", tally.problem)


def read_records(stream: BinaryIO, tally: Tally, *, is_compressed: bool) -> None:
    """Add the records of one file to `tally`; the first damage ends it and is named."""
    stream.seek(0)
    lines = gzip.GzipFile(fileobj=stream) if is_compressed else stream
    try:
        while tally.records < RECORDS and _read_record(lines, tally):
            pass
    except (*PARSER_ERRORS, EOFError) as error:
        tally.problem = tally.problem or reason(error)


def _read_record(lines: BinaryIO | gzip.GzipFile, tally: Tally) -> bool:
    """One record; False at the end of the file."""
    line = lines.readline(_HEADER_BYTES)
    while line in {b"\r\n", b"\n"}:
        line = lines.readline(_HEADER_BYTES)
    if not line:
        return False
    if line.startswith(b"WARC/"):
        headers = _headers(lines)
        kind = headers.get("warc-type", "unknown")
    else:
        headers = _arc_headers(line)
        kind = "filedesc" if line.startswith(b"filedesc:") else "response"
    length = int(headers.get("content-length", "-1"))
    if length < 0:
        raise ValueError(f"record {tally.records + 1} has no length")
    tally.records += 1
    tally.types[kind[:40]] = tally.types.get(kind[:40], 0) + 1
    _note_record(headers, kind, tally)
    _read_block(lines, headers, kind, length=length, tally=tally)
    return True


def _headers(lines: BinaryIO | gzip.GzipFile) -> dict[str, str]:
    """Named fields up to the empty line; a line that starts with a blank goes on (4)."""
    found: dict[str, str] = {}
    name = ""
    for _ in range(_HEADERS):
        line = lines.readline(_HEADER_BYTES)
        if not line.strip():
            return found
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text[:1] in {" ", "\t"} and name:
            found[name] += " " + text.strip()
            continue
        name, _, value = text.partition(":")
        name = name.strip().lower()
        found.setdefault(name, value.strip())
    raise ValueError("a record with too many header fields")


def _arc_headers(line: bytes) -> dict[str, str]:
    """URL, address, date, type and length of an ARC record."""
    parts = line.decode("utf-8", "replace").strip().rsplit(" ", _ARC_FIELDS - 1)
    if len(parts) != _ARC_FIELDS or not parts[-1].isdecimal():
        raise ValueError("neither a WARC nor an ARC record starts here")
    url, _, date, mime, length = parts
    return {
        "warc-target-uri": url,
        "warc-date": date,
        "content-type": mime,
        "content-length": length,
    }


def _note_record(headers: dict[str, str], kind: str, tally: Tally) -> None:
    raw = headers.get("warc-date", "")
    if len(raw) == _ARC_DATE and raw.isdecimal():
        raw = f"{raw[:4]}-{raw[4:6]}-{raw[6:8]} {raw[8:10]}:{raw[10:12]}:{raw[12:]}Z"
    date = time_of(raw)
    if date:
        tally.first = min(tally.first or date, date)
        tally.last = max(tally.last, date)
    target = headers.get("warc-target-uri", "").strip("<>")
    if target and len(tally.targets) < _LISTED and kind in {"response", "resource", "revisit"}:
        tally.targets.append({"uri": clean_text(target, 300), "type": kind[:40], "date": date})


def _read_block(
    lines: BinaryIO | gzip.GzipFile,
    headers: dict[str, str],
    kind: str,
    *,
    length: int,
    tally: Tally,
) -> None:
    """Read a record's block, and check the digests that its headers name."""
    wanted = {
        name: _Digest.of(headers[f"warc-{name}-digest"])
        for name in ("block", "payload")
        if f"warc-{name}-digest" in headers and kind != "revisit"
    }
    head = _read_exactly(lines, min(length, _HEADER_BYTES))
    if kind == "warcinfo":
        _note_software(head, tally)
    start = _payload_start(head, headers, kind)
    left = length - len(head)
    block, at = head, 0
    while block:
        for name, digest in wanted.items():
            if digest is not None:
                digest.update(block[max(0, start - at) :] if name == "payload" else block)
        at += len(block)
        block = _read_exactly(lines, min(left, _BLOCK)) if left else b""
        left -= len(block)
    _judge(wanted, headers, tally)


def _read_exactly(lines: BinaryIO | gzip.GzipFile, length: int) -> bytes:
    block = lines.read(length)
    if len(block) < length:
        raise EOFError("the file ends within a record")
    return block


def _payload_start(head: bytes, headers: dict[str, str], kind: str) -> int:
    """Where the payload begins: behind HTTP headers where the record has them (6.3)."""
    is_http = headers.get("warc-target-uri", "").strip("<>").startswith(("http:", "https:"))
    if kind not in _HTTP_TYPES or not is_http:
        return 0
    ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := head.find(mark)) >= 0]
    return min(ends, default=len(head))


def _note_software(block: bytes, tally: Tally) -> None:
    for line in block.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "software" and not tally.software:
            tally.software = clean_text(value.strip(), 200)


@dataclass(slots=True)
class _Digest:
    """A digest that a record claims, and the one of the bytes that were read."""

    claimed: str
    running: hashlib._Hash

    @classmethod
    def of(cls, labelled: str) -> _Digest | None:
        """From `algorithm:value`; None for an algorithm that is not known here."""
        algorithm, _, value = labelled.partition(":")
        algorithm = algorithm.strip().lower().replace("-", "")
        if algorithm not in _ALGORITHMS:
            return None
        return cls(value.strip(), hashlib.new(algorithm, usedforsecurity=False))

    def update(self, block: bytes) -> None:
        self.running.update(block)

    def holds(self) -> bool:
        """Whether the claim is this digest in base 32, base 16 or base 64."""
        found = self.running.digest()
        claimed = self.claimed.rstrip("=")
        return (
            claimed.upper() == base64.b32encode(found).decode().rstrip("=")
            or claimed.lower() == found.hex()
            or claimed == base64.b64encode(found).decode().rstrip("=")
            or claimed == base64.urlsafe_b64encode(found).decode().rstrip("=")
        )


def _judge(wanted: dict[str, _Digest | None], headers: dict[str, str], tally: Tally) -> None:
    for name, digest in wanted.items():
        if digest is None:
            tally.digests_unknown += 1
        elif digest.holds():
            tally.digests_hold += 1
        else:
            tally.digests_fail += 1
            if len(tally.failures) < _LISTED:
                uri = clean_text(headers.get("warc-target-uri", ""), 300)
                failure: dict[str, Value] = {"record": tally.records, "digest": name, "uri": uri}
                tally.failures.append(failure)
