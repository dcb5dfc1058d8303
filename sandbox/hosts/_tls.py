# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A self-signed certificate for the services' address, which the hosts trust."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.hosts._commands import run
from sandbox.hosts._files import write
from sandbox.process import ordinary_user

DAYS = 7
EXTENSIONS = (
    "basicConstraints=critical,CA:TRUE",
    # Python's strict checks require it of an authority.
    "keyUsage=critical,digitalSignature,keyCertSign",
)


def make_certificate(certificate: Path, *, address: str) -> Path:
    """Makes a certificate, and its key beside it for the servers' user."""
    key = certificate.with_suffix(".key")
    names = (*EXTENSIONS, f"subjectAltName=IP:{address}")
    run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", str(DAYS), "-subj", "/CN=test hosts", "-keyout", key, "-out", certificate),
            *(word for name in names for word in ("-addext", name)),
        ]
    )
    certificate.chmod(0o644)
    key.chmod(0o600)
    if user := ordinary_user():
        os.chown(key, user.uid, user.gid)
    return certificate


def trust(base: Path, certificate: Path) -> None:
    """Makes programs on the hosts trust a certificate: OpenSSL finds it by its subject's hash."""
    subject = run(["openssl", "x509", "-noout", "-hash", "-in", certificate]).strip()
    write(base / "etc/ssl/certs" / f"{subject}.0", certificate.read_text(encoding="ascii"))
