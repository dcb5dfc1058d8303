# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.filter.names import names
from ansible_collections.watchparty.secrets.plugins.module_utils._core import hosts_with_old_key
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import managed_services
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import CONTAINMENTS, EVICT
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    confirmation_prompt,
    environment_summary,
    registered_results,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.extra_variables import extra_variable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    account_footholds,
    assessment,
    host_comparison,
    host_footholds,
    incident_notes,
    response_plan,
    response_report,
    session_plan,
    temporary_credentials,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import announcements as leak_announcements
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import declaration as leak_declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence as leak_evidence
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import steps as leak_steps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.display import show
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.purge import purge_on
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.task_results import Results
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    confirmations,
    server_comparison,
    supplied_values,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preflight as rotation_preflight
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

RECORDED_SECONDS = 2
"""Seconds of the evidence's time that are kept for writing it down."""
TRUSTED = "leak_trusted_host"


@dataclass(frozen=True)
class AssessedLeak:
    """A leak before its declaration, with the task that assesses it."""

    setting: RotationSetup
    args: Mapping[str, Any]
    task_vars: Mapping[str, Any]
    journal: Journal
    radius: assessment.BlastRadius

    @property
    def data(self) -> dict[str, Any]:
        return self.radius.data or {}

    @property
    def names(self) -> list[str]:
        """Credentials that the leak reveals."""
        return [credential["name"] for credential in self.radius.credentials]

    @property
    def declaration(self) -> leak_declaration.LeakDeclaration:
        return leak_declaration.LeakDeclaration(
            leaked=self.radius.declared,
            containment=self.args["containment"],
            exposed_since=self.args["exposed_since"],
            impact=self.radius.data,
            matches=self.radius.matches,
        )

    @property
    def declared(self) -> leak_declaration.Declaration:
        return leak_declaration.declared(self.setting, self.journal, self.declaration)

    @property
    def look(self) -> host_footholds.FirstLook:
        """Hosts' answers before the plan."""
        hosts = [host for host in self.args["targeted_hosts"] if host not in self.args["compromised_hosts"]]
        return host_comparison.first_look(self.setting, Results(self.task_vars).of_each("seen", hosts), self.data)


class ActionModule(rotation_segment.ServersAction):
    """Assesses a leak, plans, asks for the confirmation, and declares it."""

    name = "watchparty.secrets.leak_start"
    checks_account = True
    extra_options = {
        "leaked": {"type": "list", "elements": "str", "default": []},
        "found_in": {"type": "path"},
        "found_by": {"type": "str"},
        "exposed_since": {"type": "str", "default": ""},
        "containment": {"type": "str", "choices": list(CONTAINMENTS), "default": "graceful"},
        "compromised_hosts": {"type": "list", "elements": "str", "default": []},
        "revoked": {"type": "list", "elements": "str", "default": []},
        "sessions": {"type": "bool", "default": True},
        "go_on": {"type": "bool", "default": False},
        "evidence_seconds": {"type": "int", "default": 10},
        "evict": {"type": "bool"},
        "deny_sessions": {"type": "bool", "default": False},
        "report_path": {"type": "path"},
        "group": {"type": "str", "default": "app_hosts"},
        "hosts": {"type": "list", "elements": "str", "required": True},
        "targeted_hosts": {"type": "list", "elements": "str", "required": True},
        "host": {"type": "str", "required": True},
        "rotation_host": {"type": "str", "default": ""},
        "candidates": {"type": "list", "elements": "str", "default": []},
        "reached": {"type": "bool", "default": False},
        "looked": {"type": "list", "elements": "str"},
        "evidence_until": {"type": "float", "default": 0},
        "false_alarm": {"type": "bool", "default": False},
        "record_drill": {"type": "bool", "default": False},
        "values_file": supplied_values.OPTIONS["values_file"],
        "python": {"type": "str"},
        **rotation_segment.AUDIT,
    }

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        return leak_steps.with_tasks(self._answer(setting, args, task_vars))

    def _answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if args["false_alarm"]:
            return {"changed": False, "next": "false_alarm"}
        self._refuse_argument()
        response_plan.require_names(args)
        self._require_revocable(setting, args)
        text = assessment.text_of(args["found_in"])
        if args["found_by"]:
            text = "\n".join(registered_results.answers(args["found_by"], task_vars).values()) or None
        if text is None and not args["leaked"] and not args["found_by"]:
            return {"changed": False, "next": "paste"}
        journal = setting.first_look()
        claim = assessment.LeakClaim(args["leaked"], text, journal.incident)
        radius = assessment.followed(setting, claim, args["hosts"])
        leak = AssessedLeak(setting, args, task_vars, journal, radius)
        if not leak.data.get("waves"):
            not_sought = [f"not looked for: {message}" for message in radius.not_sought]
            raise RotationError("; ".join([*radius.messages, *radius.text, *not_sought]))
        drill, until = self._task.check_mode, args["evidence_until"]
        if not drill and not until:
            return {"changed": False, "next": "gather", **self._to_gather(leak)}
        if drill and not args["reached"]:
            return {"changed": False, "next": "reach"}
        leak_plan = self._planned(leak)
        if leak_plan.plan.get("looks"):
            look = {"credentials": leak_plan.plan["looks"]}
            return {"changed": False, "next": "look", "look": look, "evidence_until": until}
        lines, stops = leak_plan.lines(setting, journal, args), leak_plan.stops(go_on=args["go_on"])
        lines += self._foothold_lines(leak)
        self._make_ready(args["report_path"])
        show([*lines, *(f"a real run would stop here: {line}" for line in stops if drill)])
        if drill:
            if args["record_drill"]:
                self._recorded(leak, stops)
            return {"changed": True, "next": "end", "lines": lines}
        if stops:
            raise RotationError(stops[0])
        answers = self._ask(leak, leak_plan)  # while the operator reads the plan
        show(server_comparison.lines(answers["compared"]))
        confirmation_prompt.require(
            "Contain it now?", variable="leak_confirm", loader=self._loader, templar=self._templar
        )
        return {"changed": True, **self._declared(leak, leak_plan, answers)}

    @staticmethod
    def _recorded(leak: AssessedLeak, stops: Sequence[str]) -> None:
        """Records the drill in the audit log."""
        audit = rotation_segment.Audit(leak.setting, leak.args, required=True)
        head = rotation_context.audit_of(leak.setting, leak.journal)["head"]
        show(leak_announcements.drilled(leak.setting, leak.radius.declared, leak.names, stops, audit, head))

    @staticmethod
    def _to_gather(leak: AssessedLeak) -> dict[str, Any]:
        """Input for hosts' evidence before the plan, and the time limits of all evidence."""
        setting, args = leak.setting, leak.args
        forks = int(leak.task_vars.get("ansible_forks") or 1)
        about = {"hosts": len(args["targeted_hosts"]), "forks": forks}
        has_key = bool(host_footholds.keys_of(leak.data))
        times = asdict(leak_evidence.times(time.time(), _seconds(args), **about, has_key=has_key))
        units = {unit for service in setting.catalog.services.values() for unit in service.systemd_units}
        gather = {
            "hosts_until": times["hosts_until"],
            "host_seconds": times["host_seconds"],
            "look_seconds": times["look_seconds"],
            "since": leak.declared.incident.since,
            "units": sorted(units),
            "managed": managed_services(environment_summary.services(setting.catalog)),
            "baseline": host_comparison.request(setting, leak.journal, leak.data),
            "known_keys": assessment.known_keys(setting, {*leak.names}, leak.journal.rotation),
        }
        return {"gather": gather, "evidence_until": times["evidence_until"]}

    def _ask(self, leak: AssessedLeak, leak_plan: response_plan.LeakPlan) -> dict[str, Any]:
        """Answers of servers, and meanwhile of AWS, CloudTrail and GitHub. Failures are reported."""
        setting, args, credentials = leak.setting, leak.args, leak.radius.credentials
        end = leak_evidence.servers_until(time.time(), _seconds(args), args["evidence_until"])
        incident = leak_plan.declaration.incident
        trail = leak_evidence.trail(setting, leak.names, seconds=end - time.time() - 1, since=incident.since)
        reach = account_footholds.reaching(leak.data, incident)
        accounts = account_footholds.beforehand(setting, leak.journal, reach, end - time.time() - 1)
        server = self.server(setting, args, leak.task_vars)
        sessions = leak_evidence.sessions(server, self._connection, credentials, end)
        compared = server_comparison.compare(setting, server, self._connection, credentials, end)
        compared += [{"name": name, **call.answer(end - time.time())} for name, call in accounts.items()]
        return {"sessions": sessions, "compared": compared, "readers": trail.answer(end - time.time())}

    def _planned(self, leak: AssessedLeak) -> response_plan.LeakPlan:
        setting, args, declared = leak.setting, leak.args, leak.declared
        hostvars = leak.task_vars.get("hostvars") or {}
        about = {"hosts": args["hosts"], "skipped": args["compromised_hosts"], "reachable": args["targeted_hosts"]}
        looked = args["looked"]
        seen = None if looked is None else rotation_segment.seen_of(looked, about, hostvars, role="leak_respond")
        options = response_plan.rotation_options({**args, "seen": seen}, leak.radius, declared)
        # Containment waits for no answer: the wave asks, and a server's refusal stays open.
        options = {**options, "python": args["python"], "preflight": bool(self._task.check_mode)}
        server = self.server(setting, args, leak.task_vars)
        planned = rotation_preflight.begin_with_servers(setting, options, leak.task_vars, server, write=False)
        for warning in planned.pop("warnings", ()):
            Display().warning(warning)
        variables = {name: hostvars[name] for name in args["hosts"] if name in hostvars}
        return response_plan.LeakPlan(
            radius=leak.radius,
            declaration=declared,
            plan=planned,
            purge=assessment.purged(setting.catalog),
            sessions=session_plan.planned(setting.catalog, variables, args["host"]),
            refused_host=self._refusal(leak, args["host"]),
            denial=temporary_credentials.plan_denials(setting, declared.incident, leak.data, args),
        )

    def _declared(
        self, leak: AssessedLeak, leak_plan: response_plan.LeakPlan, answers: Mapping[str, Any]
    ) -> dict[str, Any]:
        setting, args, data, planned = leak.setting, leak.args, leak.data, leak_plan.plan
        order = "; then ".join(", ".join(wave) for wave in data["waves"])
        known = f"credentials in the order of replacement: {order}"
        journal = setting.rotator.look()  # the confirmation may have taken its time
        declaration = leak_declaration.declare(setting, journal, leak.declaration, known)
        journal = replace(journal, incident=declaration.incident)
        look = leak.look
        evict_note = {EVICT: ""} if response_plan.evicts(setting, args) else {}
        news = {**evict_note, **look.news(declaration.incident.footholds)}
        journal = self._noted(setting, journal, news)
        evicts = incident_notes.incident_of(journal).evicts  # also if an earlier run was asked
        show([f"{declaration.incident.id}, {declaration.message}"])
        unannounced = leak_announcements.declared(setting, declaration.incident, leak.names)
        alive = self._revoked(leak, declaration.incident.id) if args["revoked"] else []
        response = Response(
            step="",
            hosts=args["hosts"],
            targeted_hosts=args["targeted_hosts"],
            compromised=args["compromised_hosts"],
            named_host=args["rotation_host"],
            candidates=self._candidates(leak),
            opened=hosts_with_old_key.withheld(journal),
            evict=host_footholds.evictable(look.answers) if evicts else {},
            evicts_keys=evicts,
            denies_sessions=args["deny_sessions"],
            report_path=args["report_path"],
            logs_out=args["sessions"],
            session_plan=leak_plan.sessions,
            purge=leak_plan.purge,
            impact=data,
            encrypted_env=setting.catalog.encrypted_env is not None,
            mermaid=leak.radius.mermaid,
            declared=leak.radius.messages,
            immediate=declaration.incident.immediate,
            refused=planned.get("refused") or {},
            needs=planned.get("needs") or [],
            pages=planned.get("pages") or {},
            behind=declaration.behind,
            asked=answers,
            waves=[asdict(wave) for wave in response_plan.waves(declaration, data["waves"])],
            unannounced=unannounced,
            failures=alive,
        )
        return leak_steps.first(
            leak_steps.ResponseRun(
                setting,
                journal,
                response,
                Results(leak.task_vars),
                Display().warning,
                purge_on(self.server(setting, args, leak.task_vars), setting.connection, args),
            )
        )

    def _checked(self) -> list[str]:
        return names(self._extra(response_report.FOOTHOLDS_CHECKED))

    def _foothold_lines(self, leak: AssessedLeak) -> list[str]:
        incident, given_up = leak.journal.incident, leak.args["compromised_hosts"]
        earlier = incident_notes.footholds(incident, but=given_up) if incident else {}
        return leak.look.plan_lines(earlier, self._checked(), leak.args["targeted_hosts"])

    def _noted(self, setting: RotationSetup, journal: Journal, news: Mapping[str, str]) -> Journal:
        if not news and not self._checked():
            return journal
        journal = incident_notes.note(setting, setting.rotator.look(), news)
        looked_at = incident_notes.ruled_out(incident_notes.incident_of(journal), self._checked())
        return incident_notes.note(setting, journal, looked_at)

    def _candidates(self, leak: AssessedLeak) -> list[str]:
        """Possible rotation hosts. Those after the first need no confirmation."""
        first = leak.args["host"]
        others = [host for host in leak.args["candidates"] if host != first]
        return [first, *(host for host in others if not self._refusal(leak, host))]

    def _refusal(self, leak: AssessedLeak, host: str) -> str:
        """Reason against sending administrators' passwords to this host. Empty without one."""
        trusted, impact = names(self._extra(TRUSTED)), leak.radius.impact
        about = (leak.args["hosts"], host, trusted, TRUSTED)
        return assessment.refused_host(leak.setting.catalog, impact, *about) if impact else ""

    def _refuse_argument(self) -> None:
        """Raises RotationError for a value on the command line."""
        if str(self._extra("leak_value") or ""):
            raise RotationError(
                "leak_value is refused: the leaked value is now in the shell's history and in the process list. "
                "Write it into a file of mode 0600 and pass -e leak_value_file=FILE"
            )

    def _require_revocable(self, setting: RotationSetup, args: Mapping[str, Any]) -> None:
        """Raises RotationError for unknown credentials, and for those that a run revokes and verifies itself."""
        try:
            setting.chosen(args["revoked"])
        except RotationError as error:
            raise RotationError(f"leak_revoked: {error}") from None
        if args["revoked"]:
            options = {"credentials": args["revoked"], "incident": response_plan.UNOPENED, "tried": {}, "audit": {}}
            confirmations.revoked(setting, options, check=True)

    def _revoked(self, leak: AssessedLeak, incident: str) -> list[str]:
        """Notes the operator's revocations. Returns lines on values that still work, which stay open."""
        options = {**leak.args, "credentials": leak.args["revoked"], "incident": incident}
        server = self.server(leak.setting, leak.args, leak.task_vars)
        answer = confirmations.confirmed(leak.setting, options, server, confirmations.revoked, check=False)
        show([*answer["messages"], *answer["still_accepted"]])
        return list(answer["still_accepted"])

    def _make_ready(self, path: str | None) -> None:
        """Prepares the report's folder before anybody is asked, because the report is written last."""
        try:
            if path is not None:
                reports_files.ready(path, make=not self._task.check_mode)
        except RotationError as error:
            raise RotationError(
                f"leak_report_path: {error}. Nothing was changed; give another folder by -e leak_report_path=…"
            ) from None

    def _extra(self, name: str) -> Any:
        return extra_variable(name, loader=self._loader, templar=self._templar)


def _seconds(args: Mapping[str, Any]) -> float:
    """Seconds for all evidence together."""
    return float(args["evidence_seconds"] - RECORDED_SECONDS)
