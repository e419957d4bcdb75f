"""Time stamps: a verdict for every published response, and what is refused."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from svitlo.errors import SealError, TimestampError
from svitlo.seal import certificate, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIXTURES = "rfc3161/rfc3161-client/test/fixtures"
HELLO = b"hello"


class Case(NamedTuple):
    response: bytes
    digest: bytes
    roots: list[bytes]
    chain: list[bytes]


def case(shared: Path, path: str, hash_name: str, message: bytes = HELLO) -> Case:
    folder = (shared / FIXTURES / path).parent
    chain = (folder / "ts_chain.pem").read_bytes()
    certificates = certificate.certificates_of(chain) or [chain]
    digest = hashlib.new(hash_name, message).digest()
    return Case((shared / FIXTURES / path).read_bytes(), digest, certificates[-1:], certificates)


SIGSTORE = ("sigstore.dev, sigstore-tsa", "1.3.6.1.4.1.57264.2")
IDENTRUST = ("IdenTrust, TrustID Timestamp Authority", "2.16.840.1.113839.0.6.13.3")
HOLDING = {
    "sigstage/response-sha256.tsr": (*SIGSTORE, datetime(2025, 5, 9, 11, 58, 55, tzinfo=UTC)),
    "sigstage/response-sha384.tsr": (*SIGSTORE, datetime(2025, 5, 9, 11, 58, 55, tzinfo=UTC)),
    "sigstage/response-sha512.tsr": (*SIGSTORE, datetime(2025, 5, 9, 11, 58, 56, tzinfo=UTC)),
    "identrust/issue-104.tsr": (*IDENTRUST, datetime(2025, 3, 11, 8, 52, 8, tzinfo=UTC)),
}


@pytest.mark.shared
@pytest.mark.parametrize("path", HOLDING)
def test_published_responses_hold_by_their_root_alone(shared: Path, path: str) -> None:
    hash_name = path[-10:-4] if "sha" in path else "sha512"
    response, digest, roots, _ = case(shared, path, hash_name)

    stamp = timestamp.verify_stamp(response, digest, roots)

    assert (stamp.authority, stamp.policy, stamp.gen_time) == HOLDING[path]
    assert stamp.root == hashlib.sha256(roots[0]).hexdigest()
    assert stamp.expires > stamp.gen_time
    assert stamp.verdict == "valid"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "hash_name", "reason"),
    [
        ("test_tsa/response.tsr", "sha512", "no path"),
        ("test_tsa/response-injected-certs.tsr", "sha512", "no path"),
        ("sigstage/response-no-embedded-cert.tsr", "sha256", "not in the token"),
    ],
)
def test_responses_without_the_whole_path_hold_only_with_it(
    shared: Path, path: str, hash_name: str, reason: str
) -> None:
    response, digest, roots, chain = case(shared, path, hash_name)

    with pytest.raises(TimestampError, match=reason):
        timestamp.verify_stamp(response, digest, roots)

    assert timestamp.verify_stamp(response, digest, roots, chain=chain).verdict == "valid"


@pytest.mark.shared
def test_a_response_of_an_authority_expired_since_holds_at_its_time(shared: Path) -> None:
    message = (shared / FIXTURES / "sigstore.mock/payload").read_bytes()
    response, digest, roots, chain = case(
        shared, "sigstore.mock/response-expired.tsr", "sha256", message
    )

    stamp = timestamp.verify_stamp(response, digest, roots, chain=chain)

    assert stamp.gen_time == datetime(2023, 2, 1, tzinfo=UTC)
    assert stamp.expires == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "hash_name", "reason"),
    [
        ("sigstage/response-invalid-signature.tsr", "sha256", "signature does not hold"),
        ("test_tsa/other_response.tsr", "sha512", "no path"),
    ],
)
def test_published_responses_that_do_not_hold(
    shared: Path, path: str, hash_name: str, reason: str
) -> None:
    response, digest, roots, chain = case(shared, path, hash_name)

    with pytest.raises(TimestampError, match=reason):
        timestamp.verify_stamp(response, digest, roots, chain=chain)


@pytest.mark.shared
def test_another_digest_nonce_or_root_is_refused(shared: Path) -> None:
    response, digest, roots, _ = case(shared, "sigstage/response-sha256.tsr", "sha256")
    other = case(shared, "identrust/issue-104.tsr", "sha512").roots
    request = (shared / FIXTURES / "sigstage/request.der").read_bytes()

    with pytest.raises(TimestampError, match="another digest"):
        timestamp.verify_stamp(response, digest[::-1], roots)
    with pytest.raises(TimestampError, match="another request"):
        timestamp.verify_stamp(response, digest, roots, timestamp.parse_request(request).nonce)
    with pytest.raises(TimestampError, match="no path"):
        timestamp.verify_stamp(response, digest, other)
    with pytest.raises(TimestampError, match="no path"):
        timestamp.verify_stamp(response, digest, [])


@pytest.mark.shared
def test_a_bare_token_becomes_a_response(shared: Path) -> None:
    response, digest, roots, _ = case(shared, "sigstage/response-sha256.tsr", "sha256")
    token = certificate.whole(response).parts()[1].raw

    stamp = timestamp.verify_stamp(timestamp.response_of(token), digest, roots)

    assert stamp.verdict == "valid"
    with pytest.raises(TimestampError):
        timestamp.verify_stamp(token, digest, roots)


@pytest.mark.shared
def test_a_refusal_of_the_authority_is_named(shared: Path) -> None:
    with pytest.raises(TimestampError, match=r"refused to stamp \(status 2\)"):
        timestamp.verify_stamp(bytes.fromhex("30053003020102"), bytes(32), [])


def with_a_longer_length(response: bytes) -> bytes:
    body = certificate.whole(response).body
    return b"\x30\x83" + len(body).to_bytes(3, "big") + body


def with_an_indefinite_length(response: bytes) -> bytes:
    return b"\x30\x80" + certificate.whole(response).body + b"\x00\x00"


def with_unsorted_certificates(response: bytes) -> bytes:
    signed = certificate.whole(response).parts()[1].parts()[1].only()
    embedded = next(part for part in signed.parts() if part.tag == certificate.TAGGED_0)
    return response.replace(embedded.body, b"".join(part.raw for part in embedded.parts()[::-1]))


@pytest.mark.shared
@pytest.mark.parametrize(
    "rewritten", [with_a_longer_length, with_an_indefinite_length, with_unsorted_certificates]
)
def test_an_encoding_beside_der_is_read_and_named(
    shared: Path, rewritten: Callable[[bytes], bytes]
) -> None:
    response, digest, roots, _ = case(shared, "identrust/issue-104.tsr", "sha512")
    other = rewritten(response)
    assert other != response

    stamp = timestamp.verify_stamp(other, digest, roots)

    assert not stamp.is_canonical
    assert stamp.verdict == "valid (non-canonical encoding)"


@pytest.mark.shared
def test_a_flipped_byte_is_refused_or_lies_outside_what_is_signed(shared: Path) -> None:
    response, digest, roots, _ = case(shared, "sigstage/response-sha256.tsr", "sha256")
    stamp = timestamp.verify_stamp(response, digest, roots)

    for at in range(0, len(response), 7):
        flipped = response[:at] + bytes((response[at] ^ 1,)) + response[at + 1 :]
        try:
            found = timestamp.verify_stamp(flipped, digest, roots)
        except TimestampError:
            continue
        assert (found.gen_time, found.serial) == (stamp.gen_time, stamp.serial)
        assert found.root == stamp.root


@given(st.binary(max_size=400))
@example(b"")
@example(b"\x30\x80" * 1000)
@example(b"\x30\x80\x30\x80\x00\x00")
@settings(max_examples=200)
def test_any_bytes_are_refused(data: bytes) -> None:
    for parse in (
        lambda: timestamp.verify_stamp(data, bytes(32), [data], chain=[data]),
        lambda: timestamp.parse_request(data),
        lambda: certificate.Certificate(data),
    ):
        with pytest.raises(TimestampError):
            parse()


@given(st.binary(max_size=100))
def test_any_bytes_are_an_element_or_refused(data: bytes) -> None:
    try:
        element = certificate.whole(data)
        element.is_der()
        element.octets()
    except SealError:
        return
    assert element.raw == data


@pytest.mark.shared
@settings(max_examples=200)
@given(st.data())
def test_a_mutated_response_never_escapes_the_error_tree(shared: Path, data: st.DataObject) -> None:
    response, digest, roots, _ = case(shared, "identrust/issue-104.tsr", "sha512")
    at = data.draw(st.integers(0, len(response)))
    cut = data.draw(st.integers(0, 40))
    changed = response[:at] + data.draw(st.binary(max_size=40)) + response[at + cut :]

    try:
        timestamp.verify_stamp(changed, digest, roots)
    except TimestampError:
        return


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1))
def test_a_request_says_what_it_was_made_of(digest: bytes, nonce: int) -> None:
    request = timestamp.make_request(digest, nonce)

    assert timestamp.parse_request(request) == timestamp.Request(digest, nonce)
    assert certificate.whole(request).is_der()


def test_a_request_for_another_digest_is_not_made() -> None:
    with pytest.raises(TimestampError):
        timestamp.make_request(bytes(20), 1)
    with pytest.raises(TimestampError):
        timestamp.make_request(bytes(32), -1)


def test_a_file_of_certificates_that_is_not_base64_is_refused() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"

    with pytest.raises(TimestampError, match="base64"):
        certificate.certificates_of(pem)
    assert certificate.certificates_of(b"no certificate") == []
