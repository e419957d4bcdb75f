"""What a WACZ collection says of itself: are its files those of its package, is it signed?

The hashes are checked here. Signature, certificates and time stamp come out raw, as the member
`datapackage-digest.json`, for those who may judge them: `wacz.signature` says no more than that one
is there.

Sources: WACZ 1.1.1, 5.2 and 5.3; WACZ Signing and Verification 0.1.0.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, BinaryIO

from svitlo.media import warc, zipped
from svitlo.media.claim import PARSER_ERRORS, clean_text, reason, time_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from svitlo.media.claim import Claims, Value

PACKAGE, DIGEST = "datapackage.json", "datapackage-digest.json"
_PACKAGE_BYTES = 8 << 20
_WARC_BYTES = 64 << 20
_LISTED = 100
_ALGORITHMS = frozenset({"sha256", "sha1", "md5", "sha512"})


def note_wacz(stream: BinaryIO, size: int, claims: Claims) -> bytes:
    """Note what the package lists and what holds; comes back with the raw signed part, if any."""
    try:
        members = {member.path: member for member in zipped.read_directory(stream, size).members}
        text = zipped.read_member(stream, members[PACKAGE], _PACKAGE_BYTES)
        package = _object(json.loads(text))
    except PARSER_ERRORS as error:
        claims.add("wacz.unreadable", reason(error))
        return b""
    for name in ("wacz_version", "software", "title"):
        claims.add(f"wacz.{name.removeprefix('wacz_')}", str(package.get(name, "")), tag=PACKAGE)
    raw = str(package.get("created", ""))
    claims.add("time.created", time_of(raw), raw=raw, tag=PACKAGE)
    problems = _check_resources(stream, members, package)
    signed = _check_digest(stream, members, text, problems=problems, claims=claims)
    claims.add("wacz.package_holds", not problems)
    if problems:
        claims.add("wacz.problems", problems[:_LISTED])
    _note_records(stream, members, claims)
    return signed


def _check_resources(
    stream: BinaryIO, members: Mapping[str, zipped.Member], package: Mapping[str, object]
) -> list[Value]:
    """What of the listed files is missing, unlisted, of other length or of other hash."""
    problems: list[Value] = []
    listed = set()
    resources = package.get("resources")
    for resource in map(_object, resources if isinstance(resources, list) else []):
        path = str(resource.get("path", ""))
        listed.add(path)
        if path not in members:
            problems.append({"code": "missing", "path": clean_text(path, 300)})
            continue
        try:
            code = _judge(stream, members[path], resource)
        except PARSER_ERRORS:
            code = "unreadable"
        if code:
            problems.append({"code": code, "path": clean_text(path, 300)})
    archives = [path for path in members if path.startswith("archive/") and path[-1:] != "/"]
    problems += [
        {"code": "unlisted", "path": clean_text(path, 300)}
        for path in archives
        if path not in listed
    ]
    return problems


def _judge(stream: BinaryIO, member: zipped.Member, resource: Mapping[str, object]) -> str:
    """The code of what is wrong with one resource, or nothing; both forms of WACZ 1.0 and 1.1."""
    stats = _object(resource.get("stats"))
    algorithm, _, value = str(resource.get("hash", "")).rpartition(":")
    value = value or str(stats.get("hash", ""))
    algorithm = algorithm or str(resource.get("hashing", "sha256"))
    if algorithm not in _ALGORITHMS:
        return "unknown_hash"
    running = hashlib.new(algorithm, usedforsecurity=False)
    length = 0
    for block in zipped.member_blocks(stream, member, zipped.TOTAL_BYTES):
        running.update(block)
        length += len(block)
    expected = resource.get("bytes", stats.get("bytes"))
    if isinstance(expected, int) and expected != length:
        return "length_differs"
    return "" if running.hexdigest() == value.lower() else "hash_differs"


def _check_digest(
    stream: BinaryIO,
    members: Mapping[str, zipped.Member],
    package: bytes,
    *,
    problems: list[Value],
    claims: Claims,
) -> bytes:
    """Compare the package with its digest; comes back with the raw digest file if it is signed."""
    if DIGEST not in members:
        claims.add("wacz.signature", "none")
        return b""
    try:
        raw = zipped.read_member(stream, members[DIGEST], _PACKAGE_BYTES)
        digest = _object(json.loads(raw))
    except PARSER_ERRORS as error:
        problems.append({"code": "unreadable", "path": DIGEST, "why": reason(error)})
        return b""
    if digest.get("hash") != f"sha256:{hashlib.sha256(package).hexdigest()}":
        problems.append({"code": "hash_differs", "path": PACKAGE})
    signed = _object(digest.get("signedData"))
    if not signed:
        claims.add("wacz.signature", "none")
        return b""
    if signed.get("hash") != digest.get("hash"):
        problems.append({"code": "signed_hash_differs", "path": DIGEST})
    claims.add("wacz.signature", "present, not verified", tag=DIGEST)
    for name in ("created", "software", "domain", "publicKey"):
        text = str(signed.get(name, ""))
        claims.add(f"wacz.signed_{'public_key' if name == 'publicKey' else name}", text, tag=DIGEST)
    has_stamp = bool(signed.get("timeSignature"))
    claims.add("wacz.signed_timestamp", "present, not verified" if has_stamp else "none")
    return raw


def _note_records(stream: BinaryIO, members: Mapping[str, zipped.Member], claims: Claims) -> None:
    tally = warc.Tally()
    for path, member in members.items():
        if not path.startswith("archive/") or not path.endswith((".warc", ".warc.gz")):
            continue
        if member.size > _WARC_BYTES:
            claims.add("wacz.records_unread", "too_large")
            continue
        try:
            data = zipped.read_member(stream, member, member.size)
        except PARSER_ERRORS as error:
            tally.problem = reason(error)
            continue
        warc.read_records(io.BytesIO(data), tally, is_compressed=data.startswith(b"\x1f\x8b"))
    warc.note_tally(tally, claims)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
