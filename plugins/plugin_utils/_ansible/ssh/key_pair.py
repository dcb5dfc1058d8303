# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSH key pairs, made and read in memory. Loads cryptography, which comes with ansible-core, only for a key."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys

SHORTEST_LINE = 16


def new_private_key() -> str:
    """A new Ed25519 private key in OpenSSH's format."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private_bytes = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return private_bytes.decode("ascii")


def public_line(private: str, name: str) -> str:
    """The public key, ``TYPE BASE64``. Raises RotationError that names the credential."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    data = as_file(private).encode("utf-8")
    load = (
        serialization.load_ssh_private_key
        if b"BEGIN OPENSSH PRIVATE KEY" in data
        else serialization.load_pem_private_key
    )
    try:
        public = load(data, password=None).public_key()
        line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise RotationError(
            f"{name}: the stores do not hold a private SSH key without a passphrase; remove the "
            "passphrase by 'ssh-keygen -p -f FILE', and store FILE as it is"
        ) from None
    return line.decode("ascii")


def fingerprint(private: str, name: str) -> str:
    return fingerprints.of_ssh_key(authorized_keys.blob_of(public_line(private, name)))


def as_file(private: str) -> str:
    """Adds the line break at the end that programs need, and that stores and pages tend to lose."""
    return private.replace("\r\n", "\n").strip() + "\n"


def masked(private: str) -> list[str]:
    """Texts to mask: the whole key and each long line of it."""
    lines = [line.strip() for line in private.splitlines() if not line.startswith("-----")]
    return [private, *(line for line in lines if len(line) >= SHORTEST_LINE)]
