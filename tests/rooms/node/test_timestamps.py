"""Asking real authorities on the loopback, and what the two verifiers make of the answers."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from svitlo.errors import MissingComponent, SettingsError, TimestampError, Unreachable
from svitlo.node import timestamps
from svitlo.node.demo import authority as demo
from svitlo.seal import certificate, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.authority import RunningAuthority

DIGEST = hashlib.sha256(b"checkpoint text\n").digest()
NONCE = 2**63 + 12345

Two = tuple["RunningAuthority", "RunningAuthority"]


def known(running: RunningAuthority) -> timestamps.Authority:
    return timestamps.Authority(name=running.name, url=running.url, roots_pem=running.roots_pem)


def test_a_stamp_of_a_real_authority_holds_by_every_verifier(
    authorities: Two, openssl: str, tmp_path: Path
) -> None:
    for running in authorities:
        before = datetime.now(UTC) - timedelta(seconds=2)
        response = timestamps.request_stamp(known(running), DIGEST, NONCE, timeout_s=60)

        stamp = timestamps.verify_twice(response, DIGEST, known(running).roots, NONCE)

        assert before <= stamp.gen_time <= datetime.now(UTC) + timedelta(seconds=2)
        assert stamp.authority == f"svitlo demonstration, {running.name}"
        assert stamp.verdict == "valid"
        assert (stamp.nonce, stamp.policy) == (NONCE, demo.POLICY)
        (tmp_path / "response.tsr").write_bytes(response)
        command = [openssl, "ts", "-verify", "-in", str(tmp_path / "response.tsr")]
        command += ["-digest", DIGEST.hex(), "-CAfile", str(running.folder / demo.ROOT_FILE)]
        checked = subprocess.run(command, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_a_stamp_of_one_authority_does_not_hold_by_the_root_of_the_other(authorities: Two) -> None:
    first, second = authorities
    response = demo.reply(first.folder, timestamp.make_request(DIGEST, NONCE))

    with pytest.raises(TimestampError, match="no path"):
        timestamps.verify_twice(response, DIGEST, known(second).roots, NONCE)


def test_a_stamp_is_obtained_with_what_is_to_be_kept(authorities: Two) -> None:
    asked = replace(known(authorities[0]), policy=demo.POLICY)

    obtained = timestamps.obtain_stamp(asked, DIGEST, NONCE, timeout_s=60)

    assert timestamp.parse_request(obtained.request) == timestamp.Request(DIGEST, NONCE)
    assert timestamp.verify_stamp(obtained.response, DIGEST, asked.roots, NONCE) == obtained.stamp
    with pytest.raises(TimestampError, match=r"by 1\.2\.3, not"):
        timestamps.obtain_stamp(replace(asked, policy="1.2.3"), DIGEST, NONCE, timeout_s=60)


def test_a_stamp_granted_with_modifications_holds(authorities: Two) -> None:
    response = demo.reply(authorities[0].folder, timestamp.make_request(DIGEST, NONCE))
    token = response[response.index(bytes.fromhex("30030201 00")) + 5 :]
    modified = certificate.der(certificate.SEQUENCE, bytes.fromhex("3003020101") + token)

    stamp = timestamps.verify_twice(modified, DIGEST, known(authorities[0]).roots, NONCE)

    assert stamp.verdict == "valid"


def test_another_digest_or_nonce_is_refused(authorities: Two) -> None:
    response = demo.reply(authorities[0].folder, timestamp.make_request(DIGEST, NONCE))
    roots = known(authorities[0]).roots

    with pytest.raises(TimestampError, match="another digest"):
        timestamps.verify_twice(response, DIGEST[::-1], roots, NONCE)
    with pytest.raises(TimestampError, match="another request"):
        timestamps.verify_twice(response, DIGEST, roots, NONCE + 1)
    with pytest.raises(TimestampError):
        timestamps.verify_twice(response, DIGEST, [b"no certificate"], NONCE)


def test_a_flipped_byte_never_changes_what_a_stamp_says(authorities: Two) -> None:
    for running in authorities:
        response = demo.reply(running.folder, timestamp.make_request(DIGEST, NONCE))
        roots = known(running).roots
        stamp = timestamps.verify_twice(response, DIGEST, roots, NONCE)
        refused = 0
        for at in range(0, len(response), 11):
            flipped = response[:at] + bytes((response[at] ^ 4,)) + response[at + 1 :]
            try:
                found = timestamps.verify_twice(flipped, DIGEST, roots, NONCE)
            except TimestampError:
                refused += 1
                continue
            assert (found.gen_time, found.serial, found.root) == (
                stamp.gen_time,
                stamp.serial,
                stamp.root,
            )
        assert refused > len(response) / 11 * 0.6


def certify(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )


def pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def authority_valid(folder: Path, root: tuple[int, int], leaf: tuple[int, int]) -> None:
    """An authority whose certificates are valid from and to these days from now."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    is_authority = x509.BasicConstraints(ca=True, path_length=None)
    stamps = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    folder.mkdir()
    demo.write_settings(folder)
    made = certify("root", "root", keys[0], root).add_extension(is_authority, critical=True)
    (folder / demo.ROOT_FILE).write_bytes(pem(made.sign(keys[0], hashes.SHA256())))
    made = certify("leaf", "root", keys[1], leaf).add_extension(stamps, critical=True)
    (folder / demo.LEAF_FILE).write_bytes(pem(made.sign(keys[0], hashes.SHA256())))
    (folder / demo.KEY_FILE).write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize(
    "days", [((-20, 20), (-20, -10)), ((-20, 20), (10, 20)), ((-20, -10), (-20, 20))]
)
def test_a_stamp_outside_the_validity_of_a_certificate_is_refused(
    tmp_path: Path, openssl: str, days: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    authority_valid(tmp_path / "late", *days)
    response = demo.reply(tmp_path / "late", timestamp.make_request(DIGEST, NONCE))
    roots = certificate.certificates_of((tmp_path / "late" / demo.ROOT_FILE).read_bytes())

    with pytest.raises(TimestampError, match="valid at that time"):
        timestamps.verify_twice(response, DIGEST, roots, NONCE)


@pytest.mark.shared
def test_unsorted_sets_hold_and_are_named(shared: Path) -> None:
    folder = shared / "rfc3161/rfc3161-client/test/fixtures/identrust"
    response, root = (folder / "issue-104.tsr").read_bytes(), (folder / "ts_chain.pem").read_bytes()
    digest = hashlib.sha512(b"hello").digest()
    signed = certificate.whole(response).parts()[1].parts()[1].only()
    embedded = next(part for part in signed.parts() if part.tag == certificate.TAGGED_0)
    swapped = b"".join(part.raw for part in embedded.parts()[::-1])

    first = timestamps.verify_twice(response, digest, [root])
    other = timestamps.verify_twice(response.replace(embedded.body, swapped), digest, [root])

    assert first.verdict == "valid"
    assert other.verdict == "valid (non-canonical encoding)"


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "ftp://a.example/", "http://", "http://a:b:c/"]
)
def test_other_addresses_are_refused(authorities: Two, url: str) -> None:
    with pytest.raises(SettingsError, match="http or https"):
        timestamps.Authority(name="A", url=url, roots_pem=authorities[0].roots_pem)


def test_an_authority_without_a_root_is_refused() -> None:
    with pytest.raises(SettingsError, match="no root"):
        timestamps.Authority(name="A", url="https://a.example/", roots_pem=b"")


@contextmanager
def answering(status: int, kind: str, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "http://other.example/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, timestamps.REPLY_TYPE, b"no"), "HTTP status 500"),
        ((302, timestamps.REPLY_TYPE, b"no"), "HTTP status 302"),
        ((200, "text/html", b"no"), "not with a time stamp"),
        ((200, timestamps.REPLY_TYPE, bytes(300_000)), "more than 262144 bytes"),
    ],
)
def test_an_answer_that_is_none_is_refused(
    authorities: Two, answer: tuple[int, str, bytes], words: str
) -> None:
    with answering(*answer) as url:
        asked = timestamps.Authority(name="A", url=url, roots_pem=authorities[0].roots_pem)

        with pytest.raises(Unreachable, match=words):
            timestamps.request_stamp(asked, DIGEST, NONCE)


def test_an_authority_that_is_not_there_is_named(authorities: Two) -> None:
    with answering(200, "text/html", b"") as url:
        asked = timestamps.Authority(name="Desk", url=url, roots_pem=authorities[0].roots_pem)

    with pytest.raises(Unreachable, match="Desk did not answer"):
        timestamps.request_stamp(asked, DIGEST, NONCE)


def test_a_request_that_is_none_gets_a_refusal(authorities: Two) -> None:
    response = demo.reply(authorities[0].folder, b"nonsense")

    with pytest.raises(TimestampError, match="refused to stamp"):
        timestamps.verify_twice(response, DIGEST, known(authorities[0]).roots)


def test_without_openssl_there_is_no_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(MissingComponent, match="openssl"):
        demo.make_authority(tmp_path, "A")
