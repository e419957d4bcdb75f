"""Whether the signature of a web archive collection (WACZ) holds: ten checks, all on by default.

The cage has compared the files with the package and handed out the signed part raw; here the node
lets `seal` check what is signed: by whom, under which root, and when. Roots are pinned, never taken
from the file. The result has the five values of provenance, and no check that was left out is
silent.

Source: WACZ Signing and Verification 0.1.0 (wacz-auth), with its limits of 48 hours and 10 minutes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.oid import NameOID

from svitlo.errors import InvalidInput, SealError, TimestampError
from svitlo.seal import canonical, timestamp
from svitlo.seal.certificate import Certificate, certificates_of, path_to_root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from svitlo.node.description import Description, Value

Check: TypeAlias = Literal["holds", "fails", "missing"]
Verdict: TypeAlias = Literal["none", "unreadable", "invalid", "intact_untrusted", "trusted"]

CHECKS = (
    *("package", "signed_hash", "signature", "domain_root", "domain_name", "certificate_age"),
    *("stamp", "stamp_root", "stamp_time", "cross_signature"),
)
"""The ten, in the order in which they are made."""

_TRUST = frozenset({"domain_root", "stamp_root"})
"""What fails here leaves the collection intact: we just do not know the root."""

_OPTIONAL = frozenset({"cross_signature"})
_MALFORMED = (
    *(SealError, InvalidInput, ValueError, UnsupportedAlgorithm),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
CERTIFICATE_AGE = timedelta(hours=48)
STAMP_DELAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSignature:
    """What the ten checks found.

    `observer` is the domain that a trusted signature speaks for; `stamped_at` is given only when
    the stamp leads to a pinned root.
    """

    verdict: Verdict
    checks: dict[str, Check] = field(default_factory=dict)
    observer: str = ""
    stamped_at: datetime | None = None
    why: str = ""


def with_signature(
    described: Description, *, domain_roots: Sequence[bytes], stamp_roots: Sequence[bytes]
) -> Description:
    """The description of a collection with the verdict over its signature as its provenance.

    Roots are certificates in DER. A description without a signed part comes back as it is.
    """
    if described.signed is None:
        return described
    package = described.fields.get("wacz.package_holds")
    found = examine_signature(
        described.signed,
        is_package_whole=isinstance(package, dict) and package.get("value") is True,
        domain_roots=domain_roots,
        stamp_roots=stamp_roots,
    )
    provenance: dict[str, Value] = {
        "tool": "svitlo.node.collection",
        "verdict": found.verdict,
        "checks": {**found.checks},
        "report_sha256": hashlib.sha256(described.signed).hexdigest(),
    }
    if found.observer:
        provenance["observer"] = found.observer
    if found.stamped_at:
        provenance["stamped_at"] = found.stamped_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if found.why:
        provenance["reason"] = found.why
    return replace(described, provenance=provenance)


def examine_signature(
    signed: bytes,
    *,
    is_package_whole: bool,
    domain_roots: Sequence[bytes],
    stamp_roots: Sequence[bytes],
) -> CollectionSignature:
    """The ten checks over the member `datapackage-digest.json`."""
    try:
        digest = _object(canonical.loads(signed))
        said = {name: text for name, text in _object(digest.get("signedData")).items() if text}
        if not said:
            return CollectionSignature(verdict="none")
        work = _Examination({name: str(text) for name, text in said.items()})
        work.note("package", holds=is_package_whole)
        work.note("signed_hash", holds=said.get("hash") == digest.get("hash"))
        work.check_signature()
        work.check_stamp(stamp_roots)
        work.check_domain(domain_roots)
    except _MALFORMED as error:
        return CollectionSignature(verdict="unreadable", why=str(error)[:300])
    return work.result()


class _Examination:
    """The checks made so far over one signed part."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self.said = said
        self.checks: dict[str, Check] = dict.fromkeys(CHECKS, "missing")
        self.created = _moment(said.get("created", ""))
        self.stamped_at: datetime | None = None
        self.chain = _chain(said.get("domainCert", ""))

    def note(self, name: str, *, holds: bool) -> None:
        self.checks[name] = "holds" if holds else "fails"

    def check_signature(self) -> None:
        """The key of the certificate, or the bare key, has signed the text of the hash."""
        key = self.said.get("publicKey", "")
        if self.chain:
            self.note("signature", holds=_has_signed(_key_of(self.chain[0]), self.said))
        elif key:
            self.note("signature", holds=_has_signed(_bytes(key), self.said))
        crossed = _chain(self.said.get("crossSignedCert", ""))
        if crossed:
            self.note("cross_signature", holds=_has_signed(_key_of(crossed[0]), self.said))

    def check_stamp(self, roots: Sequence[bytes]) -> None:
        """The time stamp is over the signature, from a pinned root, near the stated time."""
        if "timeSignature" not in self.said:
            return
        response = _bytes(self.said["timeSignature"])
        imprint = hashlib.sha256(self.said.get("signature", "").encode()).digest()
        own = certificates_of(self.said.get("timestampCert", "").encode())
        for name, trusted in (("stamp", own), ("stamp_root", list(roots))):
            try:
                stamp = timestamp.verify_stamp(response, imprint, trusted, chain=own)
            except TimestampError:
                self.note(name, holds=False)
            else:
                self.note(name, holds=True)
                self.stamped_at = stamp.gen_time
        if self.stamped_at and self.created:
            self.note("stamp_time", holds=abs(self.stamped_at - self.created) <= STAMP_DELAY)

    def check_domain(self, roots: Sequence[bytes]) -> None:
        """The certificate leads to a pinned root, names the domain, and was new."""
        if not self.chain:
            return
        leaf = x509.load_der_x509_certificate(self.chain[0])
        self.note("domain_name", holds=self.said.get("domain", "") in _names(leaf))
        when = self.stamped_at or self.created
        if self.created:
            age = self.created - leaf.not_valid_before_utc
            self.note("certificate_age", holds=timedelta() <= age <= CERTIFICATE_AGE)
        if when:
            pool = [Certificate(raw) for raw in dict.fromkeys([*self.chain, *roots])]
            try:
                path_to_root(pool[0], pool, set(roots), when)
            except TimestampError:
                self.note("domain_root", holds=False)
            else:
                self.note("domain_root", holds=True)

    def result(self) -> CollectionSignature:
        failed = {name for name, check in self.checks.items() if check == "fails"}
        missing = {name for name, check in self.checks.items() if check == "missing"} - _OPTIONAL
        verdict: Verdict = "trusted"
        if failed - _TRUST or self.checks["signature"] != "holds":
            verdict = "invalid"
        elif failed or missing:
            verdict = "intact_untrusted"
        return CollectionSignature(
            verdict=verdict,
            checks=self.checks,
            observer=self.said.get("domain", "")[:253] if verdict == "trusted" else "",
            stamped_at=self.stamped_at if self.checks["stamp_root"] == "holds" else None,
        )


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidInput("a signature or a key is not base64") from None


def _moment(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", text):
        return None
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def _chain(pem: str) -> list[bytes]:
    return certificates_of(pem.encode("utf-8", "replace"))[:8]


def _key_of(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, in DER."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _has_signed(key: bytes, said: Mapping[str, str]) -> bool:
    """Whether the ECDSA key signed the text of the hash, with SHA-256."""
    public = load_der_public_key(key)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    signature, message = _bytes(said.get("signature", "")), said.get("hash", "").encode()
    try:
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _names(leaf: x509.Certificate) -> set[str]:
    """The domains that a certificate names."""
    names = {str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return names
    return names | set(alternative.value.get_values_for_type(x509.DNSName))
