from __future__ import annotations

import datetime as dt
import io
import json
from typing import TYPE_CHECKING

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from svitlo.media.provenance import SIZE_BYTES, read_provenance

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.media.claim import Value

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MANIFEST = {
    "claim_generator_info": [{"name": "a camera", "version": "1"}],
    "title": "a photograph",
    "format": "image/jpeg",
    "assertions": [
        {
            "label": "c2pa.actions",
            "data": {
                "actions": [
                    {
                        "action": "c2pa.created",
                        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/"
                        "digitalCapture",
                    }
                ]
            },
        }
    ],
}


class Authority:
    """A root, and a camera's certificate under it."""

    def __init__(self) -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.key = ec.generate_private_key(ec.SECP256R1())
        root = self._certificate("Root", self.root_key, is_root=True)
        leaf = self._certificate("Camera", self.key, is_root=False)
        self.root = root.public_bytes(serialization.Encoding.PEM).decode()
        self.chain = leaf.public_bytes(serialization.Encoding.PEM).decode() + self.root

    def _certificate(
        self, subject: str, key: ec.EllipticCurvePrivateKey, *, is_root: bool
    ) -> x509.Certificate:
        public = key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("Root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(BEGIN + dt.timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(usage(is_root=is_root), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()),
                critical=False,
            )
        )
        if not is_root:
            purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purposes, critical=False)
        return builder.sign(self.root_key, hashes.SHA256())

    def _sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def signed(self, picture: bytes, remote: str = "") -> bytes:
        builder = c2pa.Builder(MANIFEST)
        if remote:
            builder.set_remote_url(remote)
            builder.set_no_embed()
        signer = c2pa.Signer.from_callback(self._sign, c2pa.C2paSigningAlg.ES256, self.chain, None)
        out = io.BytesIO()
        builder.sign(signer, "image/jpeg", io.BytesIO(picture), out)
        return out.getvalue()


def named(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def usage(*, is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def picture() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG")
    return out.getvalue()


def verdict(
    data: bytes, mime: str = "image/jpeg", anchors: str = "", trust_list: str = ""
) -> dict[str, Value]:
    found, _ = read_provenance(
        io.BytesIO(data), mime, len(data), anchors=anchors, trust_list=trust_list
    )
    return found


def test_a_file_without_credentials_has_none(picture: bytes) -> None:
    assert verdict(picture)["verdict"] == "none"


def test_an_unknown_signer_leaves_it_intact_but_untrusted(
    authority: Authority, picture: bytes
) -> None:
    found = verdict(authority.signed(picture))
    assert found["verdict"] == "intact_untrusted"
    assert found["codes"] == ["signingCredential.untrusted"]
    assert found["signature_common_name"] == "Camera"


def test_a_signer_of_the_trust_list_is_trusted_and_the_list_is_named(
    authority: Authority, picture: bytes
) -> None:
    data = authority.signed(picture)
    found = verdict(data, anchors=authority.root, trust_list="example 2026-01")
    assert (found["verdict"], found["trust_list"]) == ("trusted", "example 2026-01")
    assert verdict(data, anchors=Authority().root)["verdict"] == "intact_untrusted"


def test_a_changed_pixel_makes_it_invalid(authority: Authority, picture: bytes) -> None:
    data = bytearray(authority.signed(picture))
    data[-200] ^= 1
    found = verdict(bytes(data), anchors=authority.root)
    assert found["verdict"] == "invalid"
    assert found["codes"] == ["assertion.dataHash.mismatch"]


def test_a_remote_manifest_is_not_fetched(authority: Authority, picture: bytes) -> None:
    found = verdict(authority.signed(picture, remote="http://127.0.0.1:9/manifest.c2pa"))
    assert found["verdict"] == "unreadable"
    assert "http://127.0.0.1:9/manifest.c2pa" in str(found["reason"])


def test_the_raw_report_is_json(authority: Authority, picture: bytes) -> None:
    data = authority.signed(picture)
    _, report = read_provenance(io.BytesIO(data), "image/jpeg", len(data))
    assert json.loads(report)["validation_state"] == "Valid"


def test_what_cannot_hold_credentials_or_is_too_long_is_not_read() -> None:
    assert verdict(b"text", "text/plain")["verdict"] == "none"
    found, _ = read_provenance(io.BytesIO(b""), "video/mp4", SIZE_BYTES + 1)
    assert (found["verdict"], found["reason"]) == ("unreadable", "too_large")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "mime", "expected"),
    [
        ("C.jpg", "image/jpeg", "intact_untrusted"),
        ("CA.jpg", "image/jpeg", "intact_untrusted"),
        ("CACAE-uri-CA.jpg", "image/jpeg", "intact_untrusted"),
        ("CIE-sig-CA.jpg", "image/jpeg", "intact_untrusted"),
        ("no_manifest.jpg", "image/jpeg", "none"),
        ("basic.pdf", "application/pdf", "none"),
        ("video1.mp4", "video/mp4", "intact_untrusted"),
        ("video1_no_manifest.mp4", "video/mp4", "none"),
    ],
)
def test_published_files_have_the_verdict_that_their_names_say(
    shared: Path, name: str, mime: str, expected: str
) -> None:
    assert verdict((shared / "c2pa/c2pa-rs" / name).read_bytes(), mime)["verdict"] == expected


@pytest.mark.shared
def test_a_broken_ingredient_is_shown_though_the_file_is_intact(shared: Path) -> None:
    found = verdict((shared / "c2pa/c2pa-rs/CIE-sig-CA.jpg").read_bytes())
    ingredients = found["ingredients"]
    assert isinstance(ingredients, list)
    assert ingredients == [
        {
            "title": "E-sig-CA.jpg",
            "relationship": "componentOf",
            "codes": ["claimSignature.mismatch"],
        }
    ]


@pytest.mark.shared
def test_a_damaged_published_file_is_invalid(shared: Path) -> None:
    for name, mime, at in (("C.jpg", "image/jpeg", -1000), ("video1.mp4", "video/mp4", -1000)):
        data = bytearray((shared / "c2pa/c2pa-rs" / name).read_bytes())
        data[at] ^= 1
        assert verdict(bytes(data), mime)["verdict"] == "invalid"


def test_many_ingredients_are_cut_to_the_room_of_a_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = [{"code": "x" * 100}] * 40
    ingredients = [{"title": "t" * 500, "validation_status": codes}] * 100
    report = {
        "validation_state": "Valid",
        "active_manifest": "m",
        "manifests": {"m": {"ingredients": ingredients, "claim_generator_info": [{"name": "g"}]}},
        "validation_results": {"ingredientDeltas": [{"validationDeltas": {"failure": codes}}] * 50},
        "validation_status": codes,
    }

    class Reader:
        def __init__(self, *_: object, **__: object) -> None: ...

        def json(self) -> str:
            return json.dumps(report)

    monkeypatch.setattr(c2pa, "Reader", Reader)
    found = verdict(b"x")
    assert found["ingredients_cut"] is True
    assert found["generator"] == "g"
    assert len(json.dumps(found)) < 16 * 1024


@pytest.mark.parametrize(
    "report", ["[]", "{}", '{"manifests": []}', "nonsense", '{"manifests": 1}']
)
def test_a_report_in_another_form_is_unreadable(
    monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    class Reader:
        def __init__(self, *_: object, **__: object) -> None: ...

        def json(self) -> str:
            return report

    monkeypatch.setattr(c2pa, "Reader", Reader)
    assert verdict(b"x")["verdict"] == "unreadable"
