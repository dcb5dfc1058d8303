# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host import external_value_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    new_values,
    provider_revocations,
    supplied_values,
    verification_targets,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import ServerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ExternalValueAction(ServerAction):
    name = "watchparty.secrets.external_value"
    module = external_value_main
    extra_options = supplied_values.OPTIONS
    set_here = ("tries",)
    idle = "the catalog has no request to try it with"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._answers_in = task_vars or {}
        return super().run(tmp, task_vars)

    def params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        (credential,) = setting.chosen([args["credential"]])
        # Of the credential, and of those whose servers know it.
        credentials = [credential, *verification_targets.administered(setting.catalog, credential.name)]
        contents = setting.current(credentials)
        stored_login = credential_graph.find(setting.catalog, credential, contents).login
        former: dict[str, Login] = {}
        if args["state"] == "checked":
            supplied = supplied_values.supplied(args, self._answers_in).get(credential.name, Login())
            current = Login(supplied.username or stored_login.username, supplied.password or stored_login.password)
        elif args["state"] == "usable":
            _journal, rotation, _item = setting.mine(credential.name)
            current = new_values.required(setting.new_value(rotation, credential.name), credential.name)
        else:
            current, former = stored_login, _former(setting, credential, stored_login)
        logins = (current, *former.values())
        masked += [text for login in logins for text in (login.password,) if text and len(text) >= redaction.SHORTEST]
        if args["state"] == "tried" and not former:
            return None
        tries = verification_targets.tries(setting.catalog, credential, contents, current, former)
        return {"tries": tries} if tries else None

    def wait_of(self, params: Mapping[str, Any]) -> float:
        return float(params["timeout"] * sum(1 + len(item.get("former", ())) for item in params["tries"]))


def _former(setting: RotationSetup, credential: Credential, now: Login) -> dict[str, Login]:
    """Old values that can still be read, by the pending task's id."""
    logins = {}
    for pending_task in provider_revocations.open_ones(setting.rotator.look()):
        if pending_task.credential != credential.name or not pending_task.secrets:
            continue
        former_contents = setting.rotator.secrets.read(list(pending_task.secrets), pins=pending_task.secrets)
        login = credential_graph.find(setting.catalog, credential, former_contents).login
        old = Login(login.username or now.username, login.password)
        if old.password is not None and old != now:
            logins[pending_task.id] = old
    return logins
