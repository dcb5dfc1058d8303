# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _errors,
    _former_tries,
    _postgresql,
    _postgresql_plan,
    _postgresql_server,
    _redact,
    _valkey,
    _valkey_server,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._url import login_of
from ansible_collections.watchparty.secrets.plugins.module_utils._verify import _former
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _former_logins_module as revoked_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _former_tried, _guard, _lean, _ssh_pair

USES = (
    _errors,
    _postgresql,
    _postgresql_plan,
    _postgresql_server,
    _valkey,
    _valkey_server,
    _former_tries,
)
SET_HERE = ("tries",)
OPTIONS: dict[str, Any] = {
    "info": {"type": "str", "required": True},
    "servers": {"type": "bool", "default": True},
    "python": {"type": "str"},
    **{name: one for name, one in revoked_logins.ARGUMENT_SPEC.items() if name not in SET_HERE},
}


class ActionModule(ActionBase):
    """SSH keys are tried from here; for servers one execution of the module gets the values on standard input."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = [name for name in SET_HERE if name in self._task.args]
        if given:
            raise AnsibleActionFail(f"revoked_logins sets {', '.join(given)} itself; give info")
        _validated, args = self.validate_argument_spec(argument_spec=OPTIONS)
        tries = _former_tried.given(args["info"], task_vars or {})
        host = str((task_vars or {}).get("inventory_hostname", ""))
        keys = [one for one in tries if one["server"] == _former.SSH]
        told = {one["credential"]: _former_tried.at_host(self._connection, host, one) for one in keys}
        servers = [one for one in tries if _former.BY[one["server"]] == _former.BY_SERVERS] if args["servers"] else []
        answer = self._at_servers(servers, args, task_vars or {}) if servers else {}
        found = {**answer, "tried": {**told, **answer.get("tried", {})}}
        clean: dict[str, Any] = _redact.scrub(found, _values(tries))
        return {**result, "changed": False, **clean}

    def _at_servers(
        self, tries: Sequence[Mapping[str, Any]], args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        _guard.require(self._connection, self._task)
        params = {"connect_timeout": args["connect_timeout"], "tries": [dict(one) for one in tries]}
        return _lean.execute(
            self,
            revoked_logins,
            USES,
            args=_lean.validated(revoked_logins.ARGUMENT_SPEC, params),
            task_vars=task_vars,
            packages=True,
            private=True,
            python=args["python"],
            seconds=args["connect_timeout"] * sum(1 + len(one["former"]) for one in tries),
        )


def _values(tries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What must not be shown: each value, the lines of keys, and the passwords in URLs."""
    found: list[str] = []
    for one in tries:
        for value in (one["current"], *one["former"]):
            login = None if one["server"] == _former.SSH else login_of(value)
            found += _ssh_pair.masked(value) if one["server"] == _former.SSH else [value]
            found += [login.password] if login and login.password else []
    return [one for one in found if len(one) >= _redact.SHORTEST]
