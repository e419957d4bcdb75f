from __future__ import annotations

import gzip
import io
import json
import zipfile
from hashlib import sha1, sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from svitlo.media.claim import Claims
from svitlo.media.kind import kind_of
from svitlo.media.wacz import note_wacz
from svitlo.media.warc import note_warc

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.media.claim import Value

READABLE = [
    *("example.warc", "example.warc.gz", "example-digest.warc", "post-test.warc.gz"),
    *("example-resource.warc.gz", "example-iana.org-chunked.warc", "example.arc"),
    *("example.arc.gz", "example-wget-bad-target-uri.warc.gz"),
    "example-space-in-target-uri.warc.gz",
]


def noted(data: bytes) -> dict[str, Value]:
    claims = Claims()
    stream = io.BytesIO(data)
    note_warc(stream, kind_of(stream, len(data)), claims)
    return claims.found


def value(found: dict[str, Value], name: str) -> Value:
    claim = found[name]
    assert isinstance(claim, dict)
    return claim["value"]


def record(kind: str, block: bytes, **headers: str) -> bytes:
    named = {"WARC-Type": kind, "Content-Length": str(len(block))}
    named |= {name.replace("_", "-"): text for name, text in headers.items()}
    lines = "".join(f"{name}: {text}\r\n" for name, text in named.items())
    return f"WARC/1.0\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", READABLE)
def test_records_and_digests_are_those_that_warcio_finds(shared: Path, name: str) -> None:
    data = (shared / "warc/warcio/test/data" / name).read_bytes()
    types: dict[str, int] = {}
    failed = 0
    for found in ArchiveIterator(io.BytesIO(data), check_digests=True):
        kind = "filedesc" if found.rec_type == "arc_header" else str(found.rec_type)
        types[kind] = types.get(kind, 0) + 1
        found.raw_stream.read()
        failed += len(found.digest_checker.problems)
    ours = noted(data)
    assert value(ours, "warc.types") == types
    assert value(ours, "warc.digests_fail") == failed
    assert "warc.unreadable" not in ours


@pytest.mark.shared
def test_the_truncated_example_has_bad_digests_and_an_unreadable_rest(shared: Path) -> None:
    found = noted((shared / "warc/warcio/test/data/example-trunc.warc").read_bytes())
    failures = value(found, "warc.failures")
    assert isinstance(failures, list)
    assert {entry["uri"] for entry in failures if isinstance(entry, dict)} == {
        "http://example.com/"
    }
    assert "warc.unreadable" in found


@pytest.mark.shared
def test_what_warcio_cannot_read_is_read_as_far_as_it_goes(shared: Path) -> None:
    folder = shared / "warc/warcio/test/data"
    assert (
        value(noted((folder / "example-bad-non-chunked.warc.gz").read_bytes()), "warc.records") == 6
    )
    found = noted((folder / "example-wrong-chunks.warc.gz").read_bytes())
    assert value(found, "warc.digests_fail") == 1


@pytest.mark.shared
def test_a_damaged_arc_is_unreadable(shared: Path) -> None:
    found = noted((shared / "warc/warcio/test/data/bad.arc").read_bytes())
    assert value(found, "warc.records") == 0
    assert "warc.unreadable" in found


def test_digests_hold_in_every_encoding() -> None:
    block = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\npayload"
    headers = {
        "WARC_Target_URI": "https://example.org/",
        "WARC_Block_Digest": f"sha256:{sha256(block).hexdigest()}",
        "WARC_Payload_Digest": f"sha-1:{sha1(b'payload', usedforsecurity=False).hexdigest()}",
    }
    found = noted(record("response", block, **headers))
    assert (value(found, "warc.digests_hold"), value(found, "warc.digests_fail")) == (2, 0)
    found = noted(record("response", block + b"!", **headers))
    assert (value(found, "warc.digests_hold"), value(found, "warc.digests_fail")) == (0, 2)
    found = noted(record("response", block, WARC_Block_Digest="crc32:00"))
    assert value(found, "warc.digests_unknown") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"WARC/1.0\r\nContent-Length: 5\r\n\r\nab",
        b"WARC/1.0\r\nWARC-Type: x\r\n\r\n",
        b"WARC/1.0\r\nContent-Length: -5\r\n\r\n",
        b"WARC/1.0\r\nContent-Length: many\r\n\r\n",
        b"WARC/1.0\r\n" + b"A: b\r\n" * 1000,
        record("warcinfo", b"software: x\r\n") + b"neither nor\r\n",
        gzip.compress(record("warcinfo", b"x"))[:-12],
    ],
)
def test_damage_is_named_and_ends_the_reading(data: bytes) -> None:
    assert "warc.unreadable" in noted(data)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_are_read_to_the_end(block: bytes, header: bytes) -> None:
    noted(record("response", block) + b"WARC/1.1\r\n" + header + block)


def package(**changes: object) -> bytes:
    """A small collection whose package is right but for `changes`."""
    warc = record("warcinfo", b"software: a crawler\r\n")
    resource = {
        "name": "data.warc",
        "path": "archive/data.warc",
        "hash": f"sha256:{sha256(warc).hexdigest()}",
        "bytes": len(warc),
    }
    listing = {"wacz_version": "1.1.1", "created": "2022-10-10T08:05:09Z", "resources": [resource]}
    resource |= {name: value for name, value in changes.items() if name in resource}
    text = json.dumps(listing).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.warc", warc)
        archive.writestr("datapackage.json", text)
        for name, content in changes.items():
            if isinstance(content, bytes):
                archive.writestr(name, content)
        if "signed" in changes:
            digest = f"sha256:{sha256(text).hexdigest()}"
            signed = {"hash": digest, "signature": "MEQ=", "publicKey": "MHY="}
            body = {"path": "datapackage.json", "hash": digest, "signedData": signed}
            body |= changes["signed"] if isinstance(changes["signed"], dict) else {}
            archive.writestr("datapackage-digest.json", json.dumps(body))
    return out.getvalue()


def collected(data: bytes) -> tuple[dict[str, Value], bytes]:
    claims = Claims()
    signed = note_wacz(io.BytesIO(data), len(data), claims)
    return claims.found, signed


def codes(data: bytes) -> list[object]:
    found, _ = collected(data)
    problems = value(found, "wacz.problems") if "wacz.problems" in found else []
    assert isinstance(problems, list)
    assert value(found, "wacz.package_holds") is (not problems)
    return [problem["code"] for problem in problems if isinstance(problem, dict)]


def test_a_collection_holds_and_its_records_are_read() -> None:
    found, signed = collected(package())
    assert (value(found, "wacz.package_holds"), signed) == (True, b"")
    assert value(found, "warc.software") == "a crawler"
    assert value(found, "wacz.signature") == "none"
    assert value(found, "time.created") == "2022-10-10T08:05:09Z"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hash": "sha256:" + "0" * 64}, ["hash_differs"]),
        ({"hash": "crc32:0"}, ["unknown_hash"]),
        ({"bytes": 1}, ["length_differs"]),
        ({"path": "archive/other.warc"}, ["missing", "unlisted"]),
        ({"archive/added.warc": b"WARC/1.0\r\n"}, ["unlisted"]),
        ({"signed": {"hash": "sha256:00"}}, ["hash_differs", "signed_hash_differs"]),
        ({"datapackage-digest.json": b"no json"}, ["unreadable"]),
    ],
)
def test_every_change_to_a_collection_is_named(
    changes: dict[str, object], expected: list[str]
) -> None:
    assert codes(package(**changes)) == expected


def test_a_signature_comes_out_raw_and_is_not_called_verified() -> None:
    found, signed = collected(package(signed={}))
    assert value(found, "wacz.signature") == "present, not verified"
    assert json.loads(signed)["signedData"]["signature"] == "MEQ="


def test_what_is_no_collection_is_a_claim_not_an_error() -> None:
    assert "wacz.unreadable" in collected(b"PK\x05\x06 nothing")[0]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "holds", "signature"),
    [
        ("valid_example_1.wacz", True, "none"),
        ("valid_example_2.wacz", True, "none"),
        ("invalid_example_1.wacz", False, "none"),
        ("valid_signed_example_1.wacz", True, "present, not verified"),
        ("invalid_signed_example_1.wacz", True, "present, not verified"),
    ],
)
def test_published_collections_hold_or_not(
    shared: Path, name: str, signature: str, *, holds: bool
) -> None:
    found, signed = collected((shared / "warc/py-wacz/tests/fixtures" / name).read_bytes())
    assert value(found, "wacz.package_holds") is holds
    assert value(found, "wacz.signature") == signature
    assert bool(signed) is (signature != "none")
