# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import announcements as leak_announcements
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence as leak_evidence
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    incident_notes,
    response_report,
    scrubbing,
    user_sessions,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import steps as leak_steps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.display import show
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.purge import purge_on
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.task_results import Results
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.segment import ServersAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(ServersAction):
    """Judges the registered results of a step's tasks, and names the next step."""

    name = "watchparty.secrets.leak_continue"
    extra_options = {
        "response": {"type": "dict", "required": True},
        "rotation": {"type": "dict", "default": {}},
        "python": {"type": "str"},
        "readers_seconds": {"type": "int", "default": 60},
        **rotation_segment.AUDIT,
    }

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._continued(setting, args, task_vars)
        except SecretsError as error:
            for line in leak_announcements.broken_off(setting, error):
                Display().warning(line)
            raise

    def _continued(
        self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        journal = setting.rotator.look()
        incident_notes.incident_of(journal)
        response = Response.of(args["response"]["carried"])
        results = Results(task_vars)
        purge = purge_on(self.server(setting, args, task_vars), setting.connection, args)
        run = leak_steps.ResponseRun(setting, journal, response, results, Display().warning, purge, args["rotation"])
        run, result = leak_steps.following(run)
        if result["next"] == leak_steps.END:
            return self._ended(run, self._reported(run, args), args)
        return {"changed": True, **leak_steps.with_tasks(result)}

    def _reported(self, run: leak_steps.ResponseRun, args: Mapping[str, Any]) -> response_report.ResponseReport:
        gathered, results = leak_steps.evidence_of(run), run.results
        # Nothing waits for CloudTrail any more, and events of the first minutes have arrived.
        seconds = args["readers_seconds"]
        keys = gathered["readers"][0].get("access_keys") or []
        since = incident_notes.incident_of(run.journal).since
        trail = leak_evidence.trail(run.setting, run.response.reached, seconds=seconds, since=since, access_keys=keys)
        scrubbed = self._scrubbed(run)
        gathered["readers"] = [*gathered["readers"], trail.answer(seconds)]
        looked = results.of_each("copies", run.asked_hosts)
        unlooked = {"failed": True, "msg": args["response"]["copies"]["unlooked"]}
        gathered.update(
            copies=dict.fromkeys(looked, unlooked) if unlooked["msg"] else looked,
            unread=args["response"].get("unread") or [],
            scrubbed=scrubbed,
            health=looked,
            seen_again=leak_steps.seen(run, leak_steps.SEEN_AGAIN),
            encrypted_env=results.once("encrypted") if run.response.encrypted_env else {},
            logged_out=user_sessions.gather(run.response, results),
        )
        services = {host: results.variable(host, "env_deploy_services", "") for host in run.response.hosts}
        return response_report.write(run.setting, run.journal, run.response, gathered, services)

    @staticmethod
    def _ended(
        run: leak_steps.ResponseRun, response_report: response_report.ResponseReport, args: Mapping[str, Any]
    ) -> dict[str, Any]:
        setting, incident, reached = run.setting, incident_notes.incident_of(run.journal), run.response.reached
        show(response_report.lines)
        answer = {
            "changed": True,
            "next": "end",
            "report": {**asdict(response_report), "verdict": response_report.verdict},
        }
        if response_report.verdict:
            unannounced = leak_announcements.still_open(setting, incident, response_report, reached)
            show([*run.response.unannounced, *unannounced])
            return {**answer, "failed": True, "msg": host_answer.printable(response_report.verdict)}
        audit = rotation_segment.Audit(setting, args, required=False)
        head = rotation_context.audit_of(setting, run.journal)["head"]
        recorded = leak_announcements.contained(setting, incident, response_report, reached, audit, head)
        show([*run.response.unannounced, *recorded["unannounced"]])
        # The last act of all: once it is done, the same command declares a new leak.
        own = {"contained": incident.id, "audit": recorded.get("head") or {}}
        setting.rotator.append(run.journal, incident.id, "closed", **own)
        return answer

    @staticmethod
    def _scrubbed(run: leak_steps.ResponseRun) -> dict[str, Any]:
        parameters = list(incident_notes.incident_of(run.journal).parameters)
        return scrubbing.scrub(
            run.setting, run.journal, leak_steps.dead_versions(run), parameters, run.response.reached
        )
