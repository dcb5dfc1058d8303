# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    kind_names,
    redaction,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    CatalogError,
    SecretsError,
    WrongAccount,
    one_line,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import main as django_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program, transport_guard
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.replaced_signing_keys import former_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import prepared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.try_previous_keys import given

NAME = "watchparty.secrets.django_sessions"
SET_HERE = ("former", "former_unread")
OF_HOST = {
    "chdir": "django_chdir",
    "env_file": "env_deploy_path",
    "python": "rotation_python",
    "probe_url": "django_probe_url",
    "probe_user": "django_probe_user",
    "clear_cache": "django_session_clear_cache",
    **{
        name: f"django_session_{name}"
        for name in ("engine", "file_path", "database_setting", "cache_setting", "table", "cache_prefix", "cookie_name")
    },
}
"""Options from a host's variables."""
SECONDS = 600
"""Seconds for millions of sessions."""
CONTROLLER_OPTIONS: dict[str, Any] = {
    "host": {"type": "str"},
    "python": {"type": "str"},
    "catalog": {"type": "dict"},
    "environment": {"type": "str"},
    "info": {"type": "str"},
    "leaked": {"type": "str"},
    "credential": {"type": "str"},
    **aws_argument_spec(),
}


def _former(args: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Previous keys, and lines on unreadable ones, which are reported if sessions end."""
    try:
        return former_keys(prepared(NAME, args))
    except (CatalogError, WrongAccount):
        raise
    except SecretsError as error:
        if args["state"] != "absent":
            raise
        return [], [f"a session that a previous SECRET_KEY signed: {one_line(error)}"]


def _of_host(name: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    variables = task_vars["hostvars"][name]
    options = {option: variables[variable] for option, variable in OF_HOST.items() if variables.get(variable)}
    return {**options, "allow_root": variables.get("django_become_user") == "root"}


class ActionModule(ActionBase):
    """Runs on the host with the application's interpreter. The host reads the .env; standard input has old keys."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        remote_program.refuse_internal(self._task.args, SET_HERE, module=NAME, give="catalog and environment")
        if self._task.args.get("host"):
            self._task.args = {**_of_host(self._task.args["host"], task_vars or {}), **self._task.args}
        spec = {name: item for name, item in django_main.ARGUMENT_SPEC.items() if name not in SET_HERE}
        _validated, args = self.validate_argument_spec(
            {**spec, **CONTROLLER_OPTIONS},
            required_together=[["catalog", "environment"], ["info", "credential"]],
            mutually_exclusive=[["catalog", "info", "leaked"]],
        )
        former: list[str] = []
        params = {name: args[name] for name in spec if args.get(name) is not None}
        try:
            if args["catalog"] and not args["command"]:
                transport_guard.require(self._connection, self._task)
                former, unread = _former(args)
                catalog = catalog_parser.parse(args["catalog"], args["environment"])
                nodes = server_addresses.of_setting(catalog, args["cache_setting"], kind_names.VALKEY)
                params.update(former=former, former_unread=unread, cache_nodes=[*args["cache_nodes"], *nodes])
            elif args["leaked"]:
                transport_guard.require(self._connection, self._task)
                entries = registered(args["leaked"], task_vars, having="dead")
                former = [str(key) for keys in entries["dead"].values() for key in keys]
                message = "a session that %s signed: no previous version of it can be read"
                params.update(former=former, former_unread=[message % name for name in entries.get("unread", ())])
            elif args["info"]:
                transport_guard.require(self._connection, self._task)
                tries = given(args["info"], task_vars or {})
                former = [
                    key for entry in tries if entry["credential"] == args["credential"] for key in entry["former"]
                ]
                params.update(former=former)
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}
        answer = remote_program.execute(
            self,
            django_main,
            args=remote_program.validated(django_main.ARGUMENT_SPEC, params),
            task_vars=task_vars or {},
            packages=True,
            python=args["python"],
            seconds=SECONDS if args["state"] == "absent" else 0,
        )
        clean: dict[str, Any] = redaction.scrub(answer, former)
        return {**result, **clean}
