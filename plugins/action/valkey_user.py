# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _errors,
    _valkey,
    _valkey_server,
    _valkey_steps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _valkey_module as valkey_user
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from ansible_collections.watchparty.secrets.plugins.plugin_utils._server_action import (
    ServerAction,
    administrator,
    parties,
    present_login,
)


class ActionModule(ServerAction):
    name = "watchparty.secrets.valkey_user"
    module = valkey_user
    uses = (_errors, _valkey, _valkey_server, _valkey_steps)
    set_here = ("admin_url", "login_url", "digest", "user", "like", "gate", "journal", "last_client", "overlap")

    def params(self, setting: Setting, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        if args["state"] == "sessions" and not args["run"]:
            login, url = present_login(setting, args["credential"])
            admin, admin_url = administrator(setting, args["credential"], url)
            masked += [text for text in (login.password, admin.password) if text]
            return {"admin_url": admin_url, "user": login.username or _valkey.DEFAULT_USER}
        found = parties(setting, args["credential"])
        masked += found.values
        if found.nothing:
            return None
        state = args["state"]
        concerned = found.new if state in ("open", "present", "usable") else found.removed
        if concerned is None:
            raise RotationError(f"{args['credential']}: there is no new value yet; the stage 'create' makes it")
        users = found.new is not None and found.new.username != found.old.username
        params: dict[str, Any] = {
            "admin_url": found.admin_url,
            "login_url": found.of(concerned),
            "user": concerned.username or _valkey.DEFAULT_USER,
            "journal": found.number,
            "overlap": "users" if users else "passwords",
        }
        if state in ("open", "present") or found.aborting:
            params["gate"] = found.rotation
        if state in ("open", "present") and users:
            params["like"] = found.old.username or _valkey.DEFAULT_USER
        if state == "absent" and not users and not found.aborting:
            params["last_client"] = dict(found.notes)
        return params
