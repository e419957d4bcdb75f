"""The age test kit (C2SP/CCTV): 143 files, each with what must come of it."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import AgeError, NotForThisIdentity
from svitlo.seal import age, armor, header, passphrase, payload, recipients

if TYPE_CHECKING:
    from pathlib import Path

FAILED_AT = {
    "armor": "armor failure",
    "header": "header failure",
    "unwrap": "header failure",
    "mac": "HMAC failure",
    "payload": "payload failure",
}


@dataclass(frozen=True)
class Vector:
    keys: dict[str, list[str]]
    content: bytes


def read_vector(path: Path) -> Vector:
    head, _, content = path.read_bytes().partition(b"\n\n")
    keys: dict[str, list[str]] = {}
    for line in head.decode().splitlines():
        name, _, value = line.partition(": ")
        keys.setdefault(name, []).append(value)
    if "compressed" in keys:
        content = zlib.decompress(content)
    return Vector(keys, content)


def file_key_of(vector: Vector, parsed: header.Header) -> bytes:
    """The file key before its MAC is looked at, to tell the two failures apart."""
    unchecked = Unchecked(parsed.stanzas, parsed.signed, parsed.mac)
    for secret in vector.keys.get("passphrase", []):
        return passphrase.unwrap_with_passphrase(unchecked, secret)
    identities = [recipients.parse_identity(text) for text in vector.keys["identity"]]
    return age.unwrap_parsed(unchecked, identities)


class Unchecked(header.Header):
    def check(self, file_key: bytes) -> None:
        assert len(file_key) == 16


def outcome(vector: Vector) -> tuple[str, str | None]:
    """What came of it, in the kit's words, and the digest of the plaintext."""
    at = "armor"
    try:
        content = vector.content
        if "armored" in vector.keys:
            content = armor.parse_armor(content)
        at = "header"
        first, body = header.split_file(content)
        parsed = header.parse_header(first)
        at = "unwrap"
        file_key = file_key_of(vector, parsed)
        at = "mac"
        parsed.check(file_key)
        at = "payload" if len(body) >= payload.NONCE_BYTES else "header"
        return "success", hashlib.sha256(payload.open_body(file_key, body)).hexdigest()
    except NotForThisIdentity:
        return "no match", None
    except AgeError:
        return FAILED_AT[at], None


@pytest.mark.shared
def test_each_of_the_143_files_comes_out_as_the_kit_says(shared: Path) -> None:
    paths = sorted((shared / "age-vectors/testdata").iterdir())

    wrong = []
    for path in paths:
        vector = read_vector(path)
        expected = vector.keys["expect"][0]
        payload_digest = vector.keys["payload"][0] if expected == "success" else None
        if outcome(vector) != (expected, payload_digest):
            wrong.append((path.name, expected, outcome(vector)))

    assert wrong == []
    assert len(paths) == 143
