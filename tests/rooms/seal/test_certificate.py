"""Certificates: who may stamp, who may issue, and the paths that lead to a pinned root."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from svitlo.errors import SealError, TimestampError
from svitlo.seal import certificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle", "leaf")}

Extension = tuple[x509.ExtensionType, bool]

STAMPS: Extension = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)


def authority(path_length: int | None = None) -> Extension:
    return x509.BasicConstraints(ca=True, path_length=path_length), True


def usage(*, signs: bool, issues: bool) -> Extension:
    return (
        x509.KeyUsage(
            digital_signature=signs,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=issues,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        ),
        True,
    )


def certified(
    subject: str, issuer: str, *extensions: Extension, since: datetime = NOW - YEAR
) -> certificate.Certificate:
    made = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(KEYS[subject].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + 2 * YEAR)
    )
    for extension, critical in extensions:
        made = made.add_extension(extension, critical=critical)
    signed = made.sign(KEYS[issuer], hashes.SHA256())
    return certificate.Certificate(signed.public_bytes(serialization.Encoding.DER))


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


ROOT = certified("root", "root", authority())
MIDDLE = certified("middle", "root", authority(0))
LEAF = certified("leaf", "middle", STAMPS)


def test_a_path_leads_over_the_authorities_to_the_pinned_root() -> None:
    path = certificate.path_to_root(LEAF, [LEAF, MIDDLE, ROOT], {ROOT.raw}, NOW)

    assert path == [MIDDLE, ROOT]


def test_an_authority_in_between_may_be_pinned_too() -> None:
    assert certificate.path_to_root(LEAF, [MIDDLE, ROOT], {MIDDLE.raw}, NOW) == [MIDDLE]


@pytest.mark.parametrize(
    "middle",
    [
        certified("middle", "root"),
        certified("middle", "root", (x509.BasicConstraints(ca=False, path_length=None), True)),
        certified("middle", "root", authority(), usage(signs=True, issues=False)),
        certified("middle", "root", authority(), since=NOW - 3 * YEAR),
        certified("middle", "root", authority(), since=NOW + YEAR / 2),
        certified("middle", "leaf", authority()),
        certified(
            "middle",
            "root",
            authority(),
            (x509.NameConstraints([x509.DNSName("a.example")], None), True),
        ),
    ],
)
def test_no_path_leads_over_what_may_not_issue(middle: certificate.Certificate) -> None:
    with pytest.raises(TimestampError, match="no path"):
        certificate.path_to_root(LEAF, [LEAF, middle, ROOT], {ROOT.raw}, NOW)


def test_a_limit_on_authorities_below_is_kept() -> None:
    short = certified("root", "root", authority(0))

    with pytest.raises(TimestampError, match="no path"):
        certificate.path_to_root(LEAF, [MIDDLE, short], {short.raw}, NOW)


def test_a_root_that_is_not_pinned_is_no_end() -> None:
    with pytest.raises(TimestampError, match="no path"):
        certificate.path_to_root(LEAF, [LEAF, MIDDLE, ROOT], {LEAF.raw}, NOW)


def test_only_a_leaf_for_stamps_alone_is_for_stamps() -> None:
    two = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH]
    )
    others = [
        certified("leaf", "root"),
        certified("leaf", "root", (STAMPS[0], False)),
        certified("leaf", "root", (two, True)),
        certified("leaf", "root", STAMPS, authority()),
        certified("leaf", "root", STAMPS, usage(signs=False, issues=True)),
    ]

    assert LEAF.is_for_stamps()
    assert certified("leaf", "root", STAMPS, usage(signs=True, issues=False)).is_for_stamps()
    assert not any(other.is_for_stamps() for other in others)


def test_keys_and_algorithms_that_are_not_checked_are_refused() -> None:
    def with_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> certificate.Certificate:
        made = x509.CertificateBuilder().subject_name(named("a")).issuer_name(named("a"))
        made = made.public_key(key.public_key()).serial_number(1)
        made = made.not_valid_before(NOW).not_valid_after(NOW + YEAR)
        signed = made.sign(key, hashes.SHA256())
        return certificate.Certificate(signed.public_bytes(serialization.Encoding.DER))

    small = with_key(rsa.generate_private_key(65537, 1024))  # noqa: S505 - it is refused
    other = with_key(ec.generate_private_key(ec.SECP521R1()))

    for made in (small, other):
        assert not made.has_issued(made)
        with pytest.raises(SealError):
            made.check_signature("sha256", b"text", bytes(128))
    with pytest.raises(SealError, match="algorithm"):
        LEAF.check_signature("", b"text", bytes(64))


def test_times_are_read_in_utc_only() -> None:
    def read(tag: int, text: bytes) -> datetime:
        return certificate.time_of(certificate.Element(tag, text, b""))

    assert read(certificate.UTC_TIME, b"491231235959Z").year == 2049
    assert read(certificate.UTC_TIME, b"500101000000Z").year == 1950
    assert read(certificate.TIME, b"20260101000000.25Z").microsecond == 250_000
    for text in (b"20260101000000", b"20260101000000+0100", b"20261301000000Z", b"", b"\xff"):
        with pytest.raises(TimestampError):
            read(certificate.TIME, text)
    with pytest.raises(TimestampError):
        read(certificate.OID, b"20260101000000Z")


def test_numbers_with_padding_are_not_der() -> None:
    assert certificate.whole(b"\x02\x01\x00").is_der()
    assert certificate.whole(b"\x02\x02\x00\x80").is_der()
    assert not certificate.whole(b"\x02\x02\x00\x01").is_der()
    assert not certificate.whole(b"\x02\x81\x01\x01").is_der()
    assert not certificate.whole(b"\x30\x80\x02\x01\x01\x00\x00").is_der()


def test_an_octet_string_in_pieces_is_joined() -> None:
    assert certificate.whole(b"\x24\x80\x04\x01a\x04\x01b\x00\x00").octets() == b"ab"
    with pytest.raises(TimestampError):
        certificate.whole(b"\x02\x01\x00").octets()


def test_a_name_is_shown_without_what_would_not_print() -> None:
    made = (
        x509.CertificateBuilder()
        .issuer_name(named("a"))
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Світло\x1b[31m"),
                    x509.NameAttribute(NameOID.COMMON_NAME, "desk"),
                ]
            )
        )
    )
    made = made.public_key(KEYS["leaf"].public_key()).serial_number(1)
    signed = (
        made.not_valid_before(NOW).not_valid_after(NOW + YEAR).sign(KEYS["leaf"], hashes.SHA256())
    )

    held = certificate.Certificate(signed.public_bytes(serialization.Encoding.DER))

    assert held.holder() == "Світло[31m, desk"
