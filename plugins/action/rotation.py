# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import JournalError, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _forgotten, _revocation, _supplied
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting, outcome, preflight, segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import acts_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part


class ActionModule(segment.ServersAction):
    """Tells what would be rotated, and keeps what the operator says in the journal."""

    name = "watchparty.secrets.rotation"
    checks_account = True
    extra_options = {
        "state": {
            "type": "str",
            "choices": ["planned", "prepared", "unprepared", "revoked", "forgotten"],
            "required": True,
        },
        "credentials": {"type": "list", "elements": "str", "default": []},
        "force": {"type": "bool", "default": False},
        "ask": {"type": "bool", "default": False},
        "preflight": {"type": "bool", "default": False},
        "incident": {"type": "str", "default": ""},
        "immediate": {"type": "bool", "default": False},
        "reached": {"type": "list", "elements": "str", "default": []},
        "spoiled": {"type": "list", "elements": "str", "default": []},
        "resume": {"type": "str", "default": ""},
        "abort": {"type": "bool", "default": False},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "here": {"type": "list", "elements": "str"},
        "skipped": {"type": "list", "elements": "str", "default": []},
        "seen": {"type": "list", "elements": "dict"},
        "python": {"type": "str"},
        "gone_nodes": {"type": "list", "elements": "str", "default": []},
        **_supplied.OPTIONS,
        **segment.AUDIT,
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        state = args["state"]
        if state == "planned":
            return self._planned(setting, args, task_vars)
        if state in ("revoked", "forgotten"):
            return _told(self._word(setting, args, task_vars), args["incident"])
        return {"changed": False, "skipped": True} if self._task.check_mode else _prepared(setting, args, state)

    def _planned(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server = self.server(setting, args, task_vars)
        found = preflight.begun(setting, args, task_vars, server, write=False)
        for warning in found.pop("warnings", ()):
            Display().warning(warning)
        return found

    def _word(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Old values are tried first where the catalog says how; then come the audit log and the journal."""
        take = {"revoked": _revocation.taken, "forgotten": _forgotten.forgotten}[args["state"]]
        waiting = take(setting, {**args, "tried": {}, "audit": {}}, check=True)
        tried = self._tried(setting, args, task_vars, waiting.get("tries", ()))
        left = take(setting, {**args, "tried": tried, "audit": {}}, check=True) if tried else waiting
        if self._task.check_mode:
            return left
        audit: Mapping[str, Any] = {}
        log = segment.Audit(setting, args, required=not args["incident"])
        if left["record"] and (log.is_wanted or args["changelog"]):
            audit = log.recorded(left["record"], left["audit"]["head"]).get("head") or {}
        return take(setting, {**args, "tried": tried, "audit": audit}, check=False)

    def _tried(
        self,
        setting: Setting,
        args: Mapping[str, Any],
        task_vars: Mapping[str, Any],
        credentials: Any,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        server = self.server(setting, args, task_vars)
        for one in credentials:
            try:
                answer = acts_of(setting.kinds[one["kind"]]).verify_revoked(Part(setting, server, one))
            except SecretsError as error:
                segment.show("tried", one["name"], f"not tried: {one_line(error)}")
                continue
            found.update(answer.get("tried") or {})
        return found


def _told(found: dict[str, Any], incident: str) -> dict[str, Any]:
    alive = found.get("alive") or []
    verdict = f"{'. '.join(alive)}. Revoke it at its provider, then start again" if alive else ""
    waiting = [one["words"] for one in found.get("revocations", ())]
    return {**found, **outcome.ending([*found["said"], *alive, *waiting], verdict, incident=incident)}


def _prepared(setting: Setting, args: Mapping[str, Any], state: str) -> dict[str, Any]:
    """Notes that a server has both logins of these credentials, or no longer has."""
    journal = setting.rotator.look()
    if journal.rotation is not None:
        raise JournalError(f"{journal.rotation} is open; finish it first")
    names = set(args["credentials"])
    if names <= journal.prepared if state == "prepared" else not names & journal.prepared:
        return {"changed": False}
    setting.rotator.append(journal, "prepare", "closed", **{state: sorted(names)})
    return {"changed": True}
