"""A time stamp authority of one's own, for the demonstration and the tests: it proves nothing.

The `openssl` program makes its keys and answers its requests; it is served on the loopback only.
The key of the root is destroyed once the leaf is signed.

RFC 3161 sections 2.3 and 3.4; openssl-ts(1).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from svitlo.errors import MissingComponent

if TYPE_CHECKING:
    from types import TracebackType

QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
MAX_QUERY_BYTES = 4096
ROOT_FILE, LEAF_FILE, KEY_FILE, CONFIG_FILE = "root.pem", "leaf.pem", "leaf.key", "authority.cnf"
POLICY = "1.3.6.1.4.1.55555.1.1"
"""The policy that its stamps name: one of the documentation, nobody's."""

_YEARS_DAYS = "3650"
_WAIT_S = 60
_CONFIG = f"""
[req]
prompt = no
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[stamp]
serial = serial
signer_cert = {LEAF_FILE}
signer_key = {KEY_FILE}
signer_digest = sha256
default_policy = {POLICY}
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""

KeyKind = Literal["ec", "rsa"]
_KEY_OPTIONS: dict[str, list[str]] = {
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
}


def make_authority(folder: Path, name: str, kind: KeyKind = "ec") -> None:
    """The folder holds a new authority of this name: root and leaf certificates, key, settings.

    Raises:
        MissingComponent: there is no `openssl` program, or it cannot do this.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_settings(folder)
    subject, root_key = f"/O=svitlo demonstration/CN={name}", folder / "root.key"
    request = ["req", "-config", CONFIG_FILE, "-nodes", *_KEY_OPTIONS[kind], "-subj"]
    root = ["-x509", "-days", _YEARS_DAYS, "-extensions", "root", "-out", ROOT_FILE]
    _run(folder, *request, f"{subject} root", "-keyout", root_key.name, *root)
    _run(folder, *request, subject, "-keyout", KEY_FILE, "-out", "leaf.csr")
    sign = ["x509", "-req", "-in", "leaf.csr", "-CA", ROOT_FILE, "-CAkey", root_key.name]
    sign += ["-CAcreateserial", "-days", _YEARS_DAYS, "-sha256"]
    _run(folder, *sign, "-extfile", CONFIG_FILE, "-extensions", "leaf", "-out", LEAF_FILE)
    root_key.unlink()
    (folder / "leaf.csr").unlink()


def write_settings(folder: Path) -> None:
    """The folder holds the settings and the first serial number of an authority."""
    (folder / CONFIG_FILE).write_text(_CONFIG)
    (folder / "serial").write_text("01\n")


def reply(folder: Path, query: bytes) -> bytes:
    """The response of the authority in the folder to a request; also to one that it refuses.

    Raises:
        MissingComponent: there is no `openssl` program, or it cannot do this.
    """
    with tempfile.TemporaryDirectory(prefix="svitlo-stamp-") as made:
        asked, answered = Path(made, "query.tsq"), Path(made, "response.tsr")
        asked.write_bytes(query)
        files = ["-queryfile", str(asked), "-out", str(answered)]
        _run(folder, "ts", "-reply", "-config", CONFIG_FILE, "-section", "stamp", *files)
        return answered.read_bytes()


def _run(folder: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise MissingComponent("openssl, the program that makes the authority of the demonstration")
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, check=False, timeout=_WAIT_S
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["without a word"]
        raise MissingComponent(f"an openssl that can {arguments[0]}; this one says: {words[-1]}")


@dataclass(frozen=True, slots=True)
class _Office:
    """What the threads of a server share: the folder, and a lock since serial numbers count up."""

    folder: Path
    lock: threading.Lock


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, office: _Office) -> None:
        self.office = office
        super().__init__(("127.0.0.1", 0), _Desk)


class _Desk(BaseHTTPRequestHandler):
    server: _Server
    timeout = _WAIT_S

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isascii() and length.isdecimal() else MAX_QUERY_BYTES + 1
        if self.headers.get_content_type() != QUERY_TYPE or size > MAX_QUERY_BYTES:
            self.send_error(HTTPStatus.BAD_REQUEST, f"a short {QUERY_TYPE} is expected")
            return
        query = self.rfile.read(size)
        try:
            with self.server.office.lock:
                answer = reply(self.server.office.folder, query)
        except (MissingComponent, subprocess.TimeoutExpired):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", REPLY_TYPE)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the demonstration prints its own words."""


class AuthorityServer:
    """The authority in a folder, served on the loopback while the context lasts.

    `url` is its address, `roots_pem` the root to pin.
    """

    def __init__(self, folder: Path) -> None:
        self.roots_pem = (folder / ROOT_FILE).read_bytes()
        self._server = _Server(_Office(folder, threading.Lock()))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
