# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import confirmations, rotated_elsewhere
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import outcome as rotation_outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

TAKES: Mapping[str, confirmations.Take] = {
    "revoked": confirmations.revoked,
    "forgotten": confirmations.forgotten,
    "rotated": rotated_elsewhere.record_statement,
}
"""Statements of an operator, by state."""


class ActionModule(rotation_segment.ServersAction):
    name = "watchparty.secrets.rotation_journal"
    checks_account = True
    extra_options = {
        "state": {
            "type": "str",
            "choices": ["prepared", "unprepared", *TAKES],
            "required": True,
        },
        "credentials": {"type": "list", "elements": "str", "default": []},
        "incident": {"type": "str", "default": ""},
        "at": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "python": {"type": "str"},
        **rotation_segment.AUDIT,
    }

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        state, check = args["state"], self._task.check_mode
        if state in TAKES:
            server = self.server(setting, args, task_vars)
            return _ending(confirmations.confirmed(setting, args, server, TAKES[state], check=check), args["incident"])
        return {"changed": False, "skipped": True} if check else _prepared(setting, args, state)


def _ending(result: dict[str, Any], incident: str) -> dict[str, Any]:
    alive = result.get("still_accepted") or []
    verdict = f"{'. '.join(alive)}. Revoke it at its provider, then run the same command again" if alive else ""
    waiting = [revocation["message"] for revocation in result.get("revocations", ())]
    messages = result.pop("messages")
    ending = rotation_outcome.ending([*messages, *alive, *waiting], verdict, incident=incident)
    return {**result, "messages": messages, **ending}


def _prepared(setting: RotationSetup, args: Mapping[str, Any], state: str) -> dict[str, Any]:
    """Notes that a server has both logins of these credentials, or no longer has."""
    journal = setting.rotator.look()
    if journal.rotation is not None:
        raise JournalError(f"{journal.rotation} is open; finish it first: ansible-playbook watchparty.secrets.rotate")
    names = set(args["credentials"])
    if names <= journal.prepared if state == "prepared" else not names & journal.prepared:
        return {"changed": False}
    setting.rotator.append(journal, "prepare", "closed", **{state: sorted(names)})
    return {"changed": True}
