# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certificate authority of the tests' own, and https servers with what it has signed."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


class Authority:
    """Signs certificates; whoever trusts ``cafile`` trusts them."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        itself = self._builder(self._name, self._key.public_key(), days=3650).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
        signed = itself.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.cafile = directory / f"{name}.crt"
        self.cafile.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def certificate(self, *, days: float = 60, address: str = LOOPBACK) -> Path:
        """A file with a key and a certificate for an address, which ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        signed = self._builder(subject, key.public_key(), days=days).add_extension(names, critical=False)
        path = self._directory / f"certificate-{len(list(self._directory.glob('certificate-*')))}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        content = signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        path.touch(mode=0o600)
        path.write_bytes(private + content)
        return path

    def _builder(self, subject: x509.Name, public: Any, *, days: float) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder(self._name, subject, public, x509.random_serial_number())
            .not_valid_before(now - timedelta(days=365))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(own, critical=False)
        )


class Https:
    """An https server that answers as it is reported."""

    def __init__(self, certificate: Path) -> None:
        self.status = 200
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(served.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                """Nothing: the test's output is for the test."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.renew = context.load_cert_chain
        self.renew(certificate)
        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that trusts it not hangs up
        # Without do_handshake_on_connect=False one slow client would keep all others waiting.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self._server.server_port}/health/"

    def __enter__(self) -> Https:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
