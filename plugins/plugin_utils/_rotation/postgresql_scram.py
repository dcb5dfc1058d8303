# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL's verifier of a password (SCRAM-SHA-256, RFC 5803), so that SQL never contains the password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import stringprep
import unicodedata

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError

ITERATIONS = 4096

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


class PasswordError(SecretsError):
    """Raised when a password has no verifier that the server and every client would agree on."""


def scram_verifier(password: str, salt: bytes, *, iterations: int = ITERATIONS) -> str:
    """The text to give ``ALTER ROLE … PASSWORD``. ``salt`` is random, of at least 16 bytes."""
    if len(salt) < 16:
        raise PasswordError("a salt of at least 16 bytes is needed")
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password).encode("utf-8"), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return "SCRAM-SHA-256$%d:%s$%s:%s" % (iterations, _text(salt), _text(stored), _text(server))


def _text(part: bytes) -> str:
    return base64.b64encode(part).decode("ascii")


def prepared(password: str) -> str:
    """The password in the SASLprep form (RFC 4013) that clients send.

    Prohibited characters are refused: PostgreSQL would take them raw, other drivers would not.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter for letter in password if not stringprep.in_table_b1(letter)
    )
    text = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not text:
        raise PasswordError("the password is empty, or has only characters that SASLprep removes")
    if any(prohibits(letter) for letter in text for prohibits in _PROHIBITED):
        raise PasswordError("the password has a character that SASLprep prohibits, such as a control character")
    if any(stringprep.in_table_d1(letter) for letter in text):
        ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
        if not ends or any(stringprep.in_table_d2(letter) for letter in text):
            raise PasswordError("the password mixes right-to-left and left-to-right letters, which SASLprep prohibits")
    return text
