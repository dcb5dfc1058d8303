# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``encrypted_env``: the encrypted ``.env`` that may be kept in git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    KMS_KEY_ARN,
    NAME,
    described,
    schema_object,
)

MOST_KEYS = 8
"""Most KMS keys of one ``.env.enc``, so that a hostile file cannot cause a thousand requests to KMS."""


@dataclass(frozen=True)
class EncryptedEnvFile:
    file: str
    """Path on the controller, relative to the working directory of the command."""
    keys: Tuple[str, ...] = ()
    """ARNs of KMS keys, in addition to ``aws.kms_key``."""


def problems(keys: Tuple[str, ...]) -> Iterator[str]:
    if len(keys) >= MOST_KEYS:
        yield f"encrypted_env.keys: lists {len(keys)} keys; a file has {MOST_KEYS} at most, aws.kms_key included"


ENCRYPTED_ENV = schema_object(
    {
        "file": described(
            "Path of the encrypted file, such as deploy/{environment}.env.enc. May also contain {application}.", NAME
        ),
        "keys": described(
            "ARNs of additional KMS keys, such as the key of a second region or a break-glass key. Each key alone can "
            "decrypt the file.",
            {"type": "array", "items": KMS_KEY_ARN},
        ),
    },
    required=["file"],
)
