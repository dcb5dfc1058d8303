# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair


def test_a_new_one() -> None:
    made = key_pair.new_private_key()
    assert made.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert key_pair.public_line(made, "x").startswith("ssh-ed25519 AAAA")
    assert key_pair.new_private_key() != made


def test_as_stores_and_pages_hand_it_back() -> None:
    made = key_pair.new_private_key()
    for text in (made.strip(), "\n" + made, made.replace("\n", "\r\n")):
        assert key_pair.public_line(text, "x") == key_pair.public_line(made, "x")
        assert key_pair.as_file(text) == made


def test_an_older_form() -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    assert key_pair.public_line(pem.decode(), "x").startswith("ssh-rsa ")
    assert key_pair.fingerprint(pem.decode(), "x").startswith("SHA256:")


def test_what_is_no_key_is_refused_without_a_word_of_it() -> None:
    locked = serialization.load_ssh_private_key(key_pair.new_private_key().encode(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"canary")
    )
    for text in ("canary", "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n", locked.decode()):
        with pytest.raises(RotationError, match=r"^deploy: the stores do not hold a private SSH key") as caught:
            key_pair.public_line(text, "deploy")
        assert "canary" not in str(caught.value)


def test_every_line_that_says_something_is_masked() -> None:
    made = key_pair.new_private_key()
    results = key_pair.masked(made)
    assert made in results
    assert set(made.splitlines()[1:-2]) <= set(results)
    assert not [name for name in results if name.startswith("-----BEGIN") and name != made]
