"""Time stamps (RFC 3161): the request, and the whole check of a response against pinned roots.

Everything is checked at the time the stamp states, never now: a stamp outlives its authority's
certificate. Certificates inside a token serve to find the path, never to trust it. What is BER but
not DER is read and named as such: a large authority sends its SETs unsorted.

RFC 3161, RFC 5652 section 5, RFC 5035 (ESS). Python 3.9: the court's verifier carries this module.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from svitlo.errors import SealError, TimestampError
from svitlo.seal.certificate import (
    BOOLEAN,
    HASHES,
    INTEGER,
    OCTETS,
    OID,
    RSA,
    SEQUENCE,
    SET,
    SIGNATURES,
    TAGGED_0,
    TAGGED_1,
    TIME,
    Certificate,
    Element,
    Fields,
    der,
    expect,
    extensions_of,
    fingerprint,
    path_to_root,
    time_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_RESPONSE_BYTES = 256 * 1024
"""Room for a token with its certificates and revocation answers."""

_MAX_CERTIFICATES = 32
_SIGNED_DATA, _TST_INFO = "2a864886f70d010702", "2a864886f70d0109100104"
_CONTENT_TYPE, _MESSAGE_DIGEST = "2a864886f70d010903", "2a864886f70d010904"
_ESS, _ESS_V2 = "2a864886f70d010910020c", "2a864886f70d010910022f"
_SHA256_ALGORITHM = bytes.fromhex("300d06096086480165030402010500")


@dataclass(frozen=True)
class Stamp:
    """What a verified stamp says: its imprint existed no later than `gen_time` (UTC).

    `root` is the SHA-256 fingerprint of the pinned root, `expires` when the first certificate of
    the path ends, `is_canonical` whether the whole response is in DER.
    """

    gen_time: datetime
    authority: str
    policy: str
    serial: int
    nonce: int | None
    root: str
    expires: datetime
    is_canonical: bool

    @property
    def verdict(self) -> str:
        """What is said of the stamp where people read it."""
        return "valid" if self.is_canonical else "valid (non-canonical encoding)"


@dataclass(frozen=True)
class Request:
    """What a request asks a stamp for."""

    digest: bytes
    nonce: int | None


def make_request(digest: bytes, nonce: int) -> bytes:
    """The request for a stamp over a SHA-256 digest, and for the authority's certificates.

    Raises:
        TimestampError: the digest is of another length, or the nonce negative.
    """
    expect(len(digest) == hashlib.sha256().digest_size and nonce >= 0, "not a digest and a nonce")
    imprint = der(SEQUENCE, _SHA256_ALGORITHM + der(OCTETS, digest))
    number = der(INTEGER, nonce.to_bytes(nonce.bit_length() // 8 + 1, "big"))
    return der(SEQUENCE, der(INTEGER, b"\x01") + imprint + number + der(BOOLEAN, b"\xff"))


def parse_request(request: bytes) -> Request:
    """The digest and the nonce of a request.

    Raises:
        TimestampError: it is not a request.
    """
    fields = Fields(whole(request))
    fields.take(INTEGER)
    digest = _imprint(fields.inner())
    fields.optional(OID)
    return Request(digest, _nonce(fields))


def response_of(token: bytes) -> bytes:
    """The response that would have brought a bare token."""
    return der(SEQUENCE, bytes.fromhex("3003020100") + token)


def verify_stamp(
    response: bytes,
    digest: bytes,
    roots: Sequence[bytes],
    nonce: int | None = None,
    *,
    chain: Sequence[bytes] = (),
) -> Stamp:
    """What the response proves of the digest, by a path to one of the roots (DER).

    The certificates of `chain` are used like those in the token: for the path only.

    Raises:
        TimestampError: the response does not hold.
    """
    signed = _signed_data(response)
    signed.take(INTEGER)
    algorithms, content = signed.take(SET), signed.inner()
    expect(content.take(OID).hex() == _TST_INFO, "the token holds no time stamp")
    statement = content.take(TAGGED_0).only().octets()
    embedded, _, signers = signed.optional(TAGGED_0), signed.optional(TAGGED_1), signed.take(SET)
    said = _StampContent(statement)
    expect(said.digest == digest, "it is over another digest")
    expect(nonce in (None, said.nonce), "it answers another request")
    found = [one.raw for one in embedded.parts() if one.tag == SEQUENCE] if embedded else []
    expect(len(found) <= _MAX_CERTIFICATES, "there are too many certificates")
    pool = [Certificate(raw) for raw in dict.fromkeys([*found, *chain, *roots])]
    leaf, attributes = _check_signer(signers.only(), statement, pool)
    expect(leaf.is_for_stamps(), "the certificate of the authority is not for stamps only")
    expect(leaf.is_valid(said.gen_time), "the authority's certificate was not valid at that time")
    path = path_to_root(leaf, pool, set(roots), said.gen_time)
    sets = [one for one in (algorithms, signers, attributes, embedded) if one is not None]
    parsed = [whole(response), whole(statement)]
    return Stamp(
        gen_time=said.gen_time,
        authority=leaf.holder(),
        policy=said.policy,
        serial=said.serial,
        nonce=said.nonce,
        root=fingerprint(path[-1].raw),
        expires=min(one.not_after for one in (leaf, *path)),
        is_canonical=all(map(_is_sorted, sets)) and all(one.is_der() for one in parsed),
    )


def _signed_data(response: bytes) -> Fields:
    """The parts of SignedData (RFC 5652 section 5.1) in a response that grants a stamp."""
    expect(len(response) <= MAX_RESPONSE_BYTES, "the response is too long")
    fields = Fields(whole(response))
    status = fields.inner().take(INTEGER).number()
    expect(status in (0, 1), f"the authority refused to stamp (status {status})")
    token = fields.inner()
    expect(token.take(OID).hex() == _SIGNED_DATA, "the token is not signed")
    return Fields(token.take(TAGGED_0).only())


class _StampContent:
    """The TSTInfo of a token (RFC 3161 section 2.4.2)."""

    def __init__(self, statement: bytes) -> None:
        fields = Fields(whole(statement))
        expect(fields.take(INTEGER).number() == 1, "it is of an unknown version")
        self.policy = _dotted(fields.take(OID).body)
        self.digest = _imprint(fields.inner())
        self.serial = fields.take(INTEGER).number()
        self.gen_time = time_of(fields.take(TIME))
        fields.optional(SEQUENCE)
        fields.flag()
        self.nonce = _nonce(fields)
        fields.optional(TAGGED_0)
        extensions = fields.optional(TAGGED_1)
        for critical, _ in extensions_of(extensions.parts() if extensions else []).values():
            expect(not critical, "it has a critical extension")


def _nonce(fields: Fields) -> int | None:
    found = fields.optional(INTEGER)
    return None if found is None else found.number()


def _imprint(fields: Fields) -> bytes:
    name, digest = _hash(fields), fields.take(OCTETS).body
    expect(len(digest) == hashlib.new(name).digest_size, "the imprint has not its length")
    return digest


def _hash(fields: Fields) -> str:
    """The name of the digest that comes next."""
    name = HASHES.get(fields.inner().take(OID).hex(), "")
    expect(name, "it uses a digest that is not trusted")
    return name


def _check_signer(
    signer: Element, statement: bytes, pool: Sequence[Certificate]
) -> tuple[Certificate, Element]:
    """The certificate whose key has signed the statement, and the attributes that it signed."""
    fields = Fields(signer)
    fields.take(INTEGER)
    names = fields.inner()
    issuer, serial = names.take(SEQUENCE).raw, names.take(INTEGER).number()
    name, attributes = _hash(fields), fields.take(TAGGED_0)
    algorithm, signature = fields.inner().take(OID).hex(), fields.take(OCTETS).body
    values = _attributes(attributes)
    expect(_value(values, _CONTENT_TYPE).hex() == _TST_INFO, "another type is signed")
    hashed = hashlib.new(name, statement).digest()
    expect(_value(values, _MESSAGE_DIGEST).octets() == hashed, "another statement is signed")
    leaf = next((one for one in pool if (one.issuer, one.serial) == (issuer, serial)), None)
    if leaf is None:
        raise TimestampError("the certificate of the authority is not in the token")
    _check_signing_certificate(values, leaf.raw)
    try:
        signed = bytes((SET,)) + attributes.raw[1:]
        hash_name = name if algorithm == RSA else SIGNATURES.get(algorithm, "")
        leaf.check_signature(hash_name, signed, signature)
    except SealError as error:
        raise TimestampError(f"the authority's signature does not hold: {error}") from error
    return leaf, attributes


def _attributes(attributes: Element) -> dict[str, Element]:
    values: dict[str, Element] = {}
    for attribute in attributes.parts():
        fields = Fields(attribute)
        name = fields.take(OID).hex()
        expect(name not in values, "a signed attribute stands twice")
        values[name] = fields.take(SET)
    return values


def _value(values: dict[str, Element], name: str) -> Element:
    expect(name in values, "a signed attribute is missing")
    return values[name].only()


def _check_signing_certificate(values: dict[str, Element], certificate: bytes) -> None:
    """The signed attributes name the certificate by its digest (RFC 2634, RFC 5035)."""
    expect(_ESS in values or _ESS_V2 in values, "the signing certificate is not signed")
    for name in values.keys() & {_ESS, _ESS_V2}:
        first = Fields(_value(values, name)).inner().inner()
        given = first.optional(SEQUENCE) if name == _ESS_V2 else None
        used = "sha1" if name == _ESS else "sha256"
        if given is not None:
            used = HASHES.get(Fields(given).take(OID).hex(), "")
        expect(used, "the signing certificate is named by a digest that is not trusted")
        same = first.take(OCTETS).body == hashlib.new(used, certificate).digest()
        expect(same, "another signing certificate is signed")


def _is_sorted(element: Element) -> bool:
    parts = [part.raw for part in element.parts()]
    return parts == sorted(parts)


def _dotted(body: bytes) -> str:
    """An object identifier as its numbers."""
    numbers, number = [], 0
    for byte in body:
        number = number << 7 | byte & 127
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            numbers.append(number)
            number = 0
    first = numbers[0] if numbers else 0
    top = min(first // 40, 2)
    return ".".join(map(str, [top, first - 40 * top, *numbers[1:]]))
