# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import SSH, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import login_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host import (
    revoked_logins,
    revoked_logins_main,
    server_logins,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program, transport_guard
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import server_action
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import previous_values, try_previous_keys

SET_HERE = ("tries", "inspections")
OPTIONS: dict[str, Any] = {
    "info": {"type": "str", "required": True},
    "keys": {"type": "bool", "default": True},
    "servers": {"type": "bool", "default": True},
    "administrators": {"type": "bool", "default": False},
    "python": {"type": "str"},
    **{name: item for name, item in revoked_logins_main.ARGUMENT_SPEC.items() if name not in SET_HERE},
}


class ActionModule(ActionBase):
    """Tries SSH keys from here, and servers by one execution of the module, with values on standard input."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        remote_program.refuse_internal(self._task.args, SET_HERE, module="revoked_logins", give="info")
        _validated, args = self.validate_argument_spec(argument_spec=OPTIONS)
        tries = try_previous_keys.given(args["info"], task_vars or {})
        inspections = registered(args["info"], task_vars, having="inspections", kind=Sequence)["inspections"]
        host = str((task_vars or {}).get("inventory_hostname", ""))
        keys = [entry for entry in tries if entry["server"] == SSH and args["keys"]]
        report = {key["credential"]: try_previous_keys.at_host(self._connection, host, key) for key in keys}
        if not args["administrators"]:
            inspections = [_without_administrator(entry) for entry in inspections]
        try:
            answer = self._at_servers(tries, inspections, args, task_vars or {}) if args["servers"] else {}
        except AnsibleConnectionFailure as error:  # unreachable would end the play before the report
            answer = server_action.not_reached(self, task_vars, error)
        entries = {**answer, "tried": {**report, **answer.get("tried", {})}}
        clean: dict[str, Any] = redaction.scrub(entries, _values(tries, inspections))
        return {**result, "changed": False, **clean}

    def _at_servers(
        self,
        tries: Sequence[Mapping[str, Any]],
        inspections: Sequence[Mapping[str, Any]],
        args: Mapping[str, Any],
        task_vars: Mapping[str, Any],
    ) -> dict[str, Any]:
        tries = [dict(entry) for entry in tries if previous_values.BY[entry["server"]] == previous_values.BY_SERVERS]
        if not tries and not inspections:
            return {}
        transport_guard.require(self._connection, self._task)
        timeout = args["connect_timeout"]
        params = {"connect_timeout": timeout, "tries": tries, "inspections": list(inspections)}
        return remote_program.execute(
            self,
            revoked_logins_main,
            args=remote_program.validated(revoked_logins_main.ARGUMENT_SPEC, params),
            task_vars=task_vars,
            packages=True,
            private=True,
            python=args["python"],
            seconds=sum(revoked_logins.seconds(entry, timeout) for entry in tries)
            + sum(server_logins.seconds(entry, timeout) for entry in inspections),
        )


def _without_administrator(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Removes the administrator. An application's user sees a single node, so no inventory is compared."""
    seen_by_others = entry["server"] == VALKEY and entry["admin_url"]
    return {**entry, "admin_url": "", "inventory": None if seen_by_others else entry["inventory"]}


def _values(tries: Sequence[Mapping[str, Any]], inspections: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """Texts to mask: each value, the lines of keys, and the passwords in URLs."""
    urls = [entry["admin_url"] for entry in inspections]
    urls += [login.get("url", "") for entry in inspections for login in entry["logins"]]
    values: list[str] = [login.password for url in urls for login in [login_of(url)] if login and login.password]
    for entry in tries:
        for value in (entry["current"], *entry["former"]):
            login = None if entry["server"] == SSH else login_of(value)
            values += key_pair.masked(value) if entry["server"] == SSH else [value]
            values += [login.password] if login and login.password else []
    return [value for value in values if len(value) >= redaction.SHORTEST]
