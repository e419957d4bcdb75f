from __future__ import annotations

import base64
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from svitlo.node.collection import CHECKS, CollectionSignature, examine_signature, with_signature
from svitlo.node.description import Description
from svitlo.seal.certificate import certificates_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EMPTY_CERTIFICATE = b"-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----"
FIXTURES = "warc/py-wacz/tests/fixtures"


class Roots:
    """The roots that the published example leads to."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.domain = certificates_of(said["domainCert"].encode())[-1:]
        self.stamp = certificates_of(said["timestampCert"].encode())[-1:]


@pytest.fixture(scope="session")
def digest(shared: Path) -> dict[str, Any]:
    return digest_of(shared, "valid_signed_example_1.wacz")


@pytest.fixture(scope="session")
def roots(digest: dict[str, Any]) -> Roots:
    return Roots(digest["signedData"])


def digest_of(shared: Path, name: str) -> dict[str, Any]:
    with zipfile.ZipFile(shared / FIXTURES / name) as archive:
        found = json.loads(archive.read("datapackage-digest.json"))
    assert isinstance(found, dict)
    return found


def examined(
    digest: dict[str, Any],
    domain_roots: Sequence[bytes],
    stamp_roots: Sequence[bytes],
    changes: Mapping[str, str | None] | None = None,
    *,
    is_package_whole: bool = True,
) -> CollectionSignature:
    said = {**digest["signedData"], **(changes or {})}
    said = {name: text for name, text in said.items() if text is not None}
    return examine_signature(
        json.dumps({**digest, "signedData": said}).encode(),
        is_package_whole=is_package_whole,
        domain_roots=domain_roots,
        stamp_roots=stamp_roots,
    )


def failing(found: CollectionSignature) -> set[str]:
    return {name for name, check in found.checks.items() if check == "fails"}


@pytest.mark.shared
def test_the_published_signature_is_trusted_under_its_roots(
    digest: dict[str, Any], roots: Roots
) -> None:
    found = examined(digest, roots.domain, roots.stamp)
    assert found.verdict == "trusted"
    assert failing(found) == set()
    assert list(found.checks) == list(CHECKS)
    assert found.observer == "btrix-sign-test.webrecorder.net"
    assert str(found.stamped_at) == "2022-01-18 19:00:12+00:00"


@pytest.mark.shared
def test_without_roots_it_is_intact_and_neither_observer_nor_time_is_claimed(
    digest: dict[str, Any],
) -> None:
    found = examined(digest, [], [])
    assert found.verdict == "intact_untrusted"
    assert failing(found) == {"domain_root", "stamp_root"}
    assert (found.observer, found.stamped_at) == ("", None)


@pytest.mark.shared
def test_the_published_signature_by_a_staging_authority_is_not_trusted(
    shared: Path, roots: Roots
) -> None:
    found = examined(digest_of(shared, "invalid_signed_example_1.wacz"), roots.domain, roots.stamp)
    assert found.verdict == "intact_untrusted"
    assert failing(found) == {"domain_root"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"hash": "sha256:" + "0" * 64}, {"signed_hash", "signature"}),
        ({"domain": "example.org"}, {"domain_name"}),
        ({"created": "2022-01-18T19:11:00Z"}, {"stamp_time"}),
        ({"created": "2022-01-22T19:00:00Z"}, {"stamp_time", "certificate_age"}),
        ({"created": "2022-01-18T06:00:00Z"}, {"stamp_time", "certificate_age"}),
    ],
)
def test_each_change_fails_its_check(
    digest: dict[str, Any], roots: Roots, changes: dict[str, str], failed: set[str]
) -> None:
    found = examined(digest, roots.domain, roots.stamp, changes)
    assert found.verdict == "invalid"
    assert failing(found) == failed


@pytest.mark.shared
def test_another_signature_fails_and_its_stamp_is_not_over_it(
    digest: dict[str, Any], roots: Roots
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    forged = key.sign(digest["hash"].encode(), ec.ECDSA(hashes.SHA256()))
    text = base64.b64encode(forged).decode()
    found = examined(digest, roots.domain, roots.stamp, {"signature": text})
    assert failing(found) == {"signature", "stamp", "stamp_root"}
    assert found.verdict == "invalid"


@pytest.mark.shared
def test_a_package_that_does_not_hold_makes_it_invalid(
    digest: dict[str, Any], roots: Roots
) -> None:
    found = examined(digest, roots.domain, roots.stamp, is_package_whole=False)
    assert (found.verdict, failing(found)) == ("invalid", {"package"})


@pytest.mark.shared
def test_what_is_missing_is_said_and_not_trusted(digest: dict[str, Any], roots: Roots) -> None:
    found = examined(digest, roots.domain, roots.stamp, {"timeSignature": None})
    assert found.verdict == "intact_untrusted"
    assert {name for name, check in found.checks.items() if check == "missing"} == {
        *("stamp", "stamp_root", "stamp_time", "cross_signature")
    }


@pytest.mark.shared
def test_a_cross_signed_certificate_needs_the_same_key(
    shared: Path, digest: dict[str, Any], roots: Roots
) -> None:
    own = digest["signedData"]["domainCert"]
    other = digest_of(shared, "invalid_signed_example_1.wacz")["signedData"]["domainCert"]
    found = examined(digest, roots.domain, roots.stamp, {"crossSignedCert": own})
    assert found.verdict == "trusted"
    found = examined(digest, roots.domain, roots.stamp, {"crossSignedCert": other})
    assert (found.verdict, failing(found)) == ("invalid", {"cross_signature"})


def anonymous(message: bytes = b"sha256:00") -> bytes:
    key = ec.generate_private_key(ec.SECP384R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    said = {
        "hash": "sha256:00",
        "signature": base64.b64encode(key.sign(message, ec.ECDSA(hashes.SHA256()))).decode(),
        "publicKey": base64.b64encode(public).decode(),
        "created": "2022-10-10T08:05:09Z",
    }
    return json.dumps({"hash": "sha256:00", "signedData": said}).encode()


def alone(signed: bytes) -> CollectionSignature:
    return examine_signature(signed, is_package_whole=True, domain_roots=[], stamp_roots=[])


def test_a_bare_key_is_intact_but_nobody() -> None:
    assert alone(anonymous()).verdict == "intact_untrusted"
    assert alone(anonymous(b"another text")).verdict == "invalid"


@pytest.mark.parametrize(
    ("signed", "verdict"),
    [
        (b"{}", "none"),
        (b'{"signedData": null}', "none"),
        (b"no json", "unreadable"),
        (b'{"signedData": {"publicKey": "!"}}', "unreadable"),
        (b'{"signedData": {"publicKey": "AAAA"}}', "unreadable"),
        (b'{"signedData": {"domainCert": "nonsense"}}', "invalid"),
        (b'{"signedData": {"domainCert": "' + EMPTY_CERTIFICATE + b'"}}', "unreadable"),
    ],
)
def test_what_is_malformed_is_unreadable(signed: bytes, verdict: str) -> None:
    assert alone(signed).verdict == verdict


@given(
    st.dictionaries(
        st.sampled_from(
            ["hash", "signature", "publicKey", "domainCert", "timeSignature", "created"]
        ),
        st.text(max_size=40),
    )
)
def test_any_signed_part_gets_a_verdict(said: dict[str, str]) -> None:
    assert alone(json.dumps({"signedData": said}).encode()).verdict


@pytest.mark.shared
def test_a_description_gets_the_verdict_as_its_provenance(
    digest: dict[str, Any], roots: Roots
) -> None:
    described = Description(
        kind={"mime": "application/wacz", "extension": "wacz"},
        fields={"wacz.package_holds": {"value": True}},
        provenance={"verdict": "none"},
        signed=json.dumps(digest).encode(),
    )
    found = with_signature(described, domain_roots=roots.domain, stamp_roots=roots.stamp)
    assert found.provenance["verdict"] == "trusted"
    assert found.provenance["stamped_at"] == "2022-01-18T19:00:12Z"
    plain = Description(kind=described.kind)
    assert with_signature(plain, domain_roots=[], stamp_roots=[]) is plain
