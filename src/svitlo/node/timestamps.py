"""Time stamp authorities: ask one over HTTP, and let two verifiers judge what it answers.

The address need not be encrypted: what comes back proves itself, or is refused. Only pinned roots
are trusted. Both verifiers must agree; where only the strict one stops at the encoding, the stamp
holds and is named "valid (non-canonical encoding)".

RFC 3161 section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from svitlo.errors import SettingsError, TimestampError, Unreachable
from svitlo.seal.certificate import certificates_of
from svitlo.seal.timestamp import (
    MAX_RESPONSE_BYTES,
    Stamp,
    make_request,
    response_of,
    verify_stamp,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"


GRANTED_WITH_MODIFICATIONS = 1
"""A status that RFC 3161 counts as granted, and the second verifier does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A time stamp authority: where it is, the roots that are pinned for it, its policy if any.

    Raises:
        SettingsError: the address is not one of http or https, or there is no root.
    """

    name: str
    url: str
    roots_pem: bytes
    policy: str | None = None

    def __post_init__(self) -> None:
        try:
            address = httpx.URL(self.url)
        except httpx.InvalidURL:
            address = httpx.URL("")
        if address.scheme not in {"http", "https"} or not address.host:
            raise SettingsError(f"the address of {self.name} is not one of http or https")
        if not self.roots:
            raise SettingsError(f"{self.name} has no root certificate to trust")

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The pinned roots, in DER."""
        return tuple(certificates_of(self.roots_pem))


@dataclass(frozen=True, slots=True)
class Obtained:
    """What is kept of a stamp: request and response as they were sent, and what they prove."""

    request: bytes
    response: bytes
    stamp: Stamp


def obtain_stamp(
    authority: Authority, digest: bytes, nonce: int, *, timeout_s: float = 20.0
) -> Obtained:
    """A stamp of the authority over a SHA-256 digest, verified twice.

    Raises:
        Unreachable: the authority does not answer.
        TimestampError: its answer does not hold, or names another policy than the authority's.
    """
    response = request_stamp(authority, digest, nonce, timeout_s=timeout_s)
    stamp = verify_twice(response, digest, authority.roots, nonce)
    if authority.policy not in (None, stamp.policy):
        raise TimestampError(f"{authority.name} stamps by {authority.policy}, not {stamp.policy}")
    return Obtained(make_request(digest, nonce), response, stamp)


def request_stamp(
    authority: Authority, digest: bytes, nonce: int, *, timeout_s: float = 20.0
) -> bytes:
    """The response of an authority to a request for a stamp over a SHA-256 digest, unverified.

    Raises:
        Unreachable: it does not answer, or with something that is no response.
    """
    query, name = make_request(digest, nonce), authority.name
    headers = {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE}
    try:
        with (
            httpx.Client(timeout=timeout_s, follow_redirects=False) as client,
            client.stream("POST", authority.url, content=query, headers=headers) as answer,
        ):
            if answer.status_code != HTTPStatus.OK:
                raise Unreachable(f"{name} answered with HTTP status {answer.status_code}")
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != REPLY_TYPE:
                raise Unreachable(f"{name} answered, but not with a time stamp")
            return _read_response(answer, name)
    except httpx.HTTPError as error:
        raise Unreachable(f"{name} did not answer: {type(error).__name__}") from error


def _read_response(answer: httpx.Response, name: str) -> bytes:
    response = bytearray()
    for block in answer.iter_bytes():
        response += block
        if len(response) > MAX_RESPONSE_BYTES:
            raise Unreachable(f"{name} sent more than {MAX_RESPONSE_BYTES} bytes")
    return bytes(response)


def verify_twice(
    response: bytes, digest: bytes, roots: Sequence[bytes], nonce: int | None = None
) -> Stamp:
    """What the response proves of the digest, by the word of two independent verifiers.

    Raises:
        TimestampError: one of them refuses it.
    """
    stamp = verify_stamp(response, digest, roots, nonce)
    try:
        pinned = [x509.load_der_x509_certificate(root) for root in dict.fromkeys(roots)]
    except ValueError:
        raise TimestampError("a pinned root is not a certificate") from None
    verifier = VerifierBuilder(roots=pinned, nonce=nonce).build()
    try:
        decoded = decode_timestamp_response(response)
        if decoded.status == GRANTED_WITH_MODIFICATIONS:
            decoded = decode_timestamp_response(response_of(decoded.time_stamp_token()))
        verifier.verify(decoded, digest)
    except VerificationError as error:
        raise TimestampError("the second verifier refuses the time stamp") from error
    except ValueError:  # it reads DER only, and has not come to a verdict
        return replace(stamp, is_canonical=False)
    return stamp
