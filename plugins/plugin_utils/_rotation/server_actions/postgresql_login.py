# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import owner_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    compared_servers,
    postgresql_scram,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    Parties,
    ServerAction,
    beforehand,
    outside,
    parties,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class PostgresqlLoginAction(ServerAction):
    name = "watchparty.secrets.postgresql_login"
    module = postgresql_main
    set_here: tuple[str, ...] = (
        *("admin_url", "login_url", "login", "owner", "verifier", "like", "journal", "leaked", "successor_url"),
        *("inventory", "catalog_logins"),
    )

    def params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        name, state = args["credential"], args["state"]
        if state in ("prepared", "unprepared"):
            login, admin_url = outside(setting, name, POSTGRESQL, masked)
            return {"admin_url": admin_url, "owner": owner_of(login.username or "")}
        if state == "sessions" and not args["run"]:
            login, admin_url = outside(setting, name, POSTGRESQL, masked)
            return {"admin_url": admin_url, "login": login.username}
        logins = (beforehand if state == "checked" else parties)(setting, name, POSTGRESQL)
        masked += logins.values
        if state == "revoked" and not logins.aborting and logins.new and logins.new.username == logins.old.username:
            return None  # the login has taken its turn again since, with another password
        if logins.nothing:
            return None
        params = _of(logins, name, state)
        if state == "revoked" and params.get("leaked"):
            incident = setting.holding(name)[0].incident
            params["inventory"] = compared_servers.request(setting, name, [params["leaked"]], incident)
            if params["inventory"] is None:
                params["catalog_logins"] = compared_servers.catalog_logins(setting, name, incident)
        return params


def _of(logins: Parties, name: str, state: str) -> dict[str, Any]:
    login = logins.new if state in ("checked", "present", "usable") else logins.removed
    concerned = required(login if login and login.username else None, name)
    params: dict[str, Any] = {
        "admin_url": logins.admin_url,
        "login": concerned.username,
        "owner": owner_of(concerned.username or ""),
        "journal": logins.number,
        "login_url": logins.of(concerned),
    }
    if logins.leak and not logins.aborting:
        params["leaked"] = logins.old.username
        params["successor_url"] = logins.of(logins.new) if logins.new and state == "revoked" else None
    if state in ("checked", "present"):
        params["like"] = logins.old.username
    if state == "present":
        params["verifier"] = postgresql_scram.scram_verifier(str(concerned.password), os.urandom(16))
    return params
