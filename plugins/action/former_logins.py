# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _catalog,
    _errors,
    _former_tries,
    _postgresql,
    _postgresql_plan,
    _postgresql_server,
    _redact,
    _valkey,
    _valkey_server,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._former import Try
from ansible_collections.watchparty.secrets.plugins.module_utils._url import login_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _former_logins_module as former_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _guard, _lean
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify_facts import Gatherer

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
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
}
EXTRA: dict[str, Any] = {
    "python": {"type": "str"},
    **{name: one for name, one in former_logins.ARGUMENT_SPEC.items() if name not in SET_HERE},
}


class ActionModule(ActionBase):
    """Reads the values itself, and sends them to one execution of the module on standard input."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = [name for name in SET_HERE if name in self._task.args]
        if given:
            raise AnsibleActionFail(f"former_logins sets {', '.join(given)} itself; give catalog and environment")
        _validated, args = self.validate_argument_spec(argument_spec={**aws_argument_spec(), **OPTIONS, **EXTRA})
        _guard.require(self._connection, self._task)
        try:
            tries = _read(args)
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}
        if not tries:
            return {**result, "changed": False, "tried": {}}
        params = {"connect_timeout": args["connect_timeout"], "tries": [one.data for one in tries]}
        answer = _lean.execute(
            self,
            former_logins,
            USES,
            args=_lean.validated(former_logins.ARGUMENT_SPEC, params),
            task_vars=task_vars or {},
            packages=True,
            python=args["python"],
        )
        clean: dict[str, Any] = _redact.scrub(answer, _values(tries))
        return {**result, **clean}


def _read(args: Mapping[str, Any]) -> list[Try]:
    connection = AwsConnection("watchparty.secrets.former_logins", args)
    connection.require_aws_sdk()
    catalog = _catalog.parse(args["catalog"], args["environment"])
    suit(connection, catalog)
    gatherer = Gatherer(document=args["catalog"], catalog=catalog, connection=connection, now=datetime.now(UTC))
    return gatherer.former_tries()


def _values(tries: list[Try]) -> list[str]:
    """What must not be shown: each URL, and each password."""
    urls = [url for one in tries for url in (one.current, *one.former)]
    passwords = [login.password for login in map(login_of, urls) if login and login.password]
    return [*urls, *(one for one in passwords if len(one) >= _redact.SHORTEST)]
