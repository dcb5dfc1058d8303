# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Encrypts the values that one task registers for another task of this collection.

Callbacks, templates and a debugger in the controller can read ``hostvars``. Ansible loads the first action that imports
this module before it forks a worker, so every worker has the same key. The key lives in memory only.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core.fingerprints import of_value

try:
    from cryptography.fernet import Fernet, InvalidToken
except ImportError as error:  # ansible-core needs it, so only a broken installation lacks it
    MISSING: ImportError | None = error
    _KEY: Any = None
else:
    MISSING = None
    _KEY = Fernet(Fernet.generate_key())

_FINGERPRINT_KEY = secrets.token_bytes(32)
SEALED = "sealed"


def sealed(**values: Any) -> dict[str, str]:
    """A part of a result that only ``opened`` can read."""
    _require_cryptography()
    return {SEALED: _KEY.encrypt(json.dumps(values).encode()).decode("ascii")}


def opened(result: Mapping[str, Any]) -> dict[str, Any]:
    """A registered result with its values unsealed. Raises AnsibleActionFail for another run's result."""
    token = result.get(SEALED)
    if token is None:
        return dict(result)
    _require_cryptography()
    try:
        values = json.loads(_KEY.decrypt(str(token).encode()))
    except InvalidToken:
        raise AnsibleActionFail(
            "The registered values belong to another run or were changed. Start the playbook from its beginning"
        ) from None
    return {**{name: value for name, value in result.items() if name != SEALED}, **values}


def _require_cryptography() -> None:
    if MISSING:
        raise AnsibleActionFail(
            f"The library cryptography is missing ({MISSING}). Install it: python3 -m pip install cryptography"
        )


def fingerprints(values: Mapping[str, str]) -> dict[str, str]:
    """Equal values of one run have equal fingerprints; nothing else follows from one."""
    return {name: of_value(_FINGERPRINT_KEY, text, digits=12) for name, text in values.items()}
