# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries previous keys from the controller: access keys at STS, SSH keys over Ansible's connection to a host.

Only logs in, with the checks by which rotations verify a revocation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import (
    ACCEPTED,
    REFUSED,
    UNTRIED,
    Answer,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Try


def given(info: str, task_vars: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Tries from verify_info, with values. Raises AnsibleActionFail."""
    return list(registered(info, task_vars, having="tries", kind=Sequence)["tries"])


def at_aws(keys: AccessKeys, item: Try) -> dict[str, str]:
    def log_in(login: Login) -> Answer:
        whose = keys.identity(login)
        return (ACCEPTED, f"AWS as {whose}") if whose else (REFUSED, "AWS does not have this key")

    return _as_data(revoked_logins.judged(log_in, item.current, item.former))


def at_host(connection: Any, host: str, entry: Mapping[str, Any]) -> dict[str, str]:
    """``entry`` is a Try's data."""
    try:
        way = ssh_login.way_of(connection, host, entry["user"])
    except SecretsError as error:
        return _as_data((UNTRIED, str(error)))

    def log_in(private: str) -> Answer:
        key_verdict = ssh_login.ask_key(way, private, entry["credential"], in_full=private == entry["current"])
        if key_verdict.accepted is None:
            return UNTRIED, key_verdict.verdict.reason or "no answer"
        return (ACCEPTED if key_verdict.accepted else REFUSED), host

    return _as_data(revoked_logins.judged(log_in, entry["current"], entry["former"]))


def _as_data(answer: Answer) -> dict[str, str]:
    state, message = answer
    return {"state": state, "message": message}
