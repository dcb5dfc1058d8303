# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import VERIFIER
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import (
    PasswordError,
    prepared,
    scram_verifier,
)
from sandbox import postgres

SALT = bytes(range(16))


def test_the_example_of_rfc_7677() -> None:
    """Its exchange has this salt and iteration count; from them follow the keys that it does not print."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert scram_verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), st.binary(min_size=16, max_size=24))
def test_ascii_passwords_need_no_preparation(password: str, salt: bytes) -> None:
    verifier = scram_verifier(password, salt)
    assert prepared(password) == password
    assert VERIFIER.fullmatch(verifier)
    assert verifier == postgres.scram_verifier(password, salt=salt)


@pytest.mark.parametrize(
    ("raw", "same"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_the_examples_of_rfc_4013(raw: str, same: str) -> None:
    assert prepared(raw) == same
    assert scram_verifier(raw, SALT) == scram_verifier(same, SALT)


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "empty"),
        ("\u00ad", "empty"),
        ("canary\x07", "prohibits"),
        ("canary\ue000", "prohibits"),
        ("canary\U0001fae0", "prohibits"),
        ("canary\ud800", "prohibits"),
        ("\u06271", "right-to-left"),
        ("\u0627canary\u0627", "right-to-left"),
    ],
)
def test_what_no_client_would_send_alike_is_refused(password: str, message: str) -> None:
    with pytest.raises(PasswordError, match=message) as caught:
        scram_verifier(password, SALT)
    assert "canary" not in str(caught.value)


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(PasswordError, match="16 bytes"):
        scram_verifier("canary", b"short")
