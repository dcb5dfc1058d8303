# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _addresses,
    _catalog,
    _django_direct,
    _django_probe,
    _django_sessions,
    _django_stores,
    _dotenv,
    _dotenv_readers,
    _errors,
    _health,
    _postgresql,
    _purge,
    _purge_server,
    _redact,
    _safe_files,
    _valkey,
    _valkey_itself,
    _valkey_server,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    CatalogError,
    SecretsError,
    WrongAccount,
    one_line,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _django_sessions_module, _guard, _lean
from ansible_collections.watchparty.secrets.plugins.plugin_utils._former_keys import former_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._former_tried import given
from ansible_collections.watchparty.secrets.plugins.plugin_utils._registered import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import prepared

USES = (
    _errors,
    _safe_files,
    _redact,
    _dotenv_readers,
    _dotenv,
    _postgresql,
    _valkey,
    _valkey_server,
    _valkey_itself,
    _purge,
    _purge_server,
    _django_sessions,
    _django_stores,
    _django_direct,
    _health,
    _django_probe,
)
NAME = "watchparty.secrets.django_sessions"
SET_HERE = ("former", "former_unread")
SECONDS = 600
"""What millions of sessions may take."""
OWN: dict[str, Any] = {
    "python": {"type": "str"},
    "catalog": {"type": "dict"},
    "environment": {"type": "str"},
    "info": {"type": "str"},
    "leaked": {"type": "str"},
    "credential": {"type": "str"},
    **aws_argument_spec(),
}


def _former(args: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The former keys, and what of them cannot be read; that is told where sessions end, since they are only tried."""
    try:
        return former_keys(prepared(NAME, args))
    except (CatalogError, WrongAccount):
        raise
    except SecretsError as error:
        if args["state"] != "absent":
            raise
        return [], [f"a session that a former SECRET_KEY signed: {one_line(error)}"]


class ActionModule(ActionBase):
    """Runs on the host with the application's interpreter. The .env is read there; former keys go on standard input."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        set_here = {name for name in SET_HERE if name in self._task.args}
        if set_here:
            raise AnsibleActionFail(f"{NAME} sets {', '.join(sorted(set_here))} itself; give catalog and environment")
        spec = {name: one for name, one in _django_sessions_module.ARGUMENT_SPEC.items() if name not in SET_HERE}
        _validated, args = self.validate_argument_spec(
            {**spec, **OWN},
            required_together=[["catalog", "environment"], ["info", "credential"]],
            mutually_exclusive=[["catalog", "info", "leaked"]],
        )
        former: list[str] = []
        params = {name: args[name] for name in spec if args.get(name) is not None}
        try:
            if args["catalog"]:
                _guard.require(self._connection, self._task)
                former, unread = _former(args)
                catalog = _catalog.parse(args["catalog"], args["environment"])
                nodes = _addresses.of_setting(catalog, args["cache_setting"], _addresses.VALKEY)
                params.update(former=former, former_unread=unread, cache_nodes=[*args["cache_nodes"], *nodes])
            elif args["leaked"]:
                _guard.require(self._connection, self._task)
                found = registered(args["leaked"], task_vars, having="dead")
                former = [str(key) for keys in found["dead"].values() for key in keys]
                words = "a session that %s signed: no former version of it can be read"
                params.update(former=former, former_unread=[words % name for name in found.get("unread", ())])
            elif args["info"]:
                _guard.require(self._connection, self._task)
                tries = given(args["info"], task_vars or {})
                former = [key for one in tries if one["credential"] == args["credential"] for key in one["former"]]
                params.update(former=former)
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}
        answer = _lean.execute(
            self,
            _django_sessions_module,
            USES,
            args=_lean.validated(_django_sessions_module.ARGUMENT_SPEC, params),
            task_vars=task_vars or {},
            packages=True,
            python=args["python"],
            seconds=SECONDS if args["state"] == "absent" else 0,
        )
        clean: dict[str, Any] = _redact.scrub(answer, former)
        return {**result, **clean}
