# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import confirmation_prompt
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import false_alarm
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.display import show
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(RotationAction):
    name = "watchparty.secrets.leak_false_alarm"
    checks_account = True
    extra_options = rotation_segment.AUDIT

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        journal = setting.first_look()
        incident = journal.incident
        if incident is None:
            raise RotationError("no leak is declared; there is nothing to close")
        conflict = false_alarm.conflict(incident, journal.rotation)
        if conflict:
            raise RotationError(f"{incident.id} cannot be closed as a false alarm: {conflict}")
        steps_done = false_alarm.harmless_acts(incident)
        lines = [
            f"{incident.id} of {incident.who}, declared at {incident.at}: {', '.join(incident.declared)}",
            "; ".join(["no value was revoked for it", *steps_done]),
            "to close it replaces no value; if a value did leak, the value stays valid",
        ]
        show(lines)
        answer = {"changed": True, "next": "end", "incident": {"id": incident.id}, "lines": lines}
        if self._task.check_mode:
            return answer
        confirmation_prompt.require(
            "Close it as a false alarm?", variable="leak_confirm", loader=self._loader, templar=self._templar
        )
        me = setting.rotator.me
        record = false_alarm.record(incident, me.who, timestamps.stamp(rotation_context.now()), me.run, journal.head)
        log = rotation_segment.Audit(setting, args, required=True)
        recorded = log.recorded(record, rotation_context.audit_of(setting, journal)["head"])
        head = dict(recorded.get("head") or {})
        setting.rotator.append(journal, incident.id, "closed", contained=incident.id, audit=head)
        show(recorded["unannounced"])
        return answer
