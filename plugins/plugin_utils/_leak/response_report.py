# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the findings of a leak response to files on the controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import hosts_with_old_key
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages, postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    host_footholds,
    session_results,
    task_summaries,
    temporary_credentials,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.incident_notes import footholds, incident_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.postmortem_data import facts_of, serving
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.replaced_signing_keys import session_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    open_rotation,
    pending_tasks,
    redeclaration,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

FOOTHOLDS_CHECKED = "leak_footholds_checked"


@dataclass(frozen=True)
class ResponseReport:
    files: Sequence[str]
    unwritten: str
    """Error of writing the post-mortem, with the remedy. Empty if it is written."""
    clock: Sequence[str]
    tried: Sequence[str]
    encrypted_env: Sequence[str]
    """Outcome for the encrypted ``.env``, and commits that hold old values."""
    open: Sequence[str]
    unhealthy: Sequence[str]
    contained_seconds: float | None
    """None while something is open."""
    footholds: Mapping[str, str]
    """Possible footholds by event, unless somebody ruled them out."""
    on_word: str
    """Credentials whose revocation the operator confirmed and no run verified. Empty if all were verified."""

    @property
    def lines(self) -> list[str]:
        """Lines without the problems that keep a leak open, which ``verdict`` has."""
        contained = self.contained_seconds is not None
        also = [f"open: {line}" for line in self.open] if contained else []
        also += [f"possible foothold: {line}" for line in self.footholds.values()]
        clock = f"since the declaration: {'; '.join(self.clock)}"
        sections = [*self.files, clock, *self.tried, *self.encrypted_env]
        remark = f", {self._left}" if self.footholds else ""
        last = [f"contained in {self.contained_seconds:.0f} s{self.on_word}{remark}"] if contained else []
        return [*sections, *also, *filter(None, [self.unwritten]), *last]

    @property
    def verdict(self) -> str:
        """Reason of the run's failure. Empty if it succeeds.

        A failed run leaves the incident open. Otherwise, the same command would declare a new incident and replace
        every value again.
        """
        if self.contained_seconds is None:
            return f"NOT contained: {'; '.join(self.open)}"
        problems = [f"not healthy: {'; '.join(self.unhealthy)}"] if self.unhealthy else []
        problems += [self.unwritten] if self.unwritten else []
        problems += [f"{self._left}: {'; '.join(self.footholds.values())}"] if self.footholds else []
        if not problems:
            return ""
        away = ". Give up a host that does not come back with -e leak_compromised_hosts=HOST" if self.unhealthy else ""
        return (
            f"contained, but {'; and '.join(problems)}. Correct these problems, then run the same command "
            f"again{self._checked}: the run replaces no value again, checks every host, and closes the leak{away}"
        )

    @property
    def _left(self) -> str:
        return f"{len(self.footholds)} possible foothold{'' if len(self.footholds) == 1 else 's'} left"

    @property
    def _checked(self) -> str:
        names = ",".join(dict.fromkeys(event.split("/")[1] for event in self.footholds))
        return f" with -e {FOOTHOLDS_CHECKED}={names}" if names else ""


def keep_evidence(incident: Incident, path: str | None, gathered: Mapping[str, Any]) -> str:
    """Writes the evidence before the first act, so that a killed run does not lose it. Returns the path.

    Raises RotationError.
    """
    messages = task_summaries.messages(gathered)
    base = reports_files.free(reports_files.folder(path), f"{incident.id}-evidence")
    file = base.with_name(f"{base.name}.md")
    reports_files.write_text(
        file, postmortem_markdown.evidence(incident.id, incident.at, messages["evidence"], messages["readers"])
    )
    return str(file)


def sessions_of(setting: RotationSetup, incident: Incident, logged_out: Mapping[str, Any]) -> dict[str, list[str]]:
    """Messages on tried sessions, and on sessions that may still be valid."""
    keys = session_keys(setting, incident)
    return session_results.messages(logged_out, incident.declared, keys, incident.behind)


def write(
    setting: RotationSetup,
    journal: Journal,
    response: Response,
    gathered: Mapping[str, Any],
    services: Mapping[str, Any],
) -> ResponseReport:
    """Writes the post-mortem. ``services`` are each host's, as in env_deploy."""
    incident = incident_of(journal)
    logged_out = gathered.get("logged_out") or {}
    result: dict[str, Any] = {**task_summaries.messages(gathered)}
    result.update({"declared": list(response.declared), "hosts": services, "left_out": list(response.compromised)})
    result.update(hosts_with_old_key=hosts_with_old_key.by_credential(journal), waits=pending_tasks.waiting(journal))
    sessions = sessions_of(setting, incident, logged_out)
    result["tried"] = sessions["tried"]
    ends_sessions = (logged_out.get("plan") or {}).get("ends", True)
    absent = {"sessions": not ends_sessions, "purged": not response.purge.get("valkey")}
    result["clock_without"] = [name for name, is_absent in absent.items() if is_absent]
    restarts = serving(setting.catalog, services, response.compromised)
    sockets = session_results.websockets(logged_out, session_keys(setting, incident), restarts)
    rebuilt = [f"{host} was skipped as compromised and must be rebuilt" for host in response.compromised]
    encrypted = task_summaries.encrypted_env(gathered.get("encrypted_env") or {})
    result["scrubbed"] += encrypted["scrubbed"]
    result["not_scrubbed"] += encrypted["not_scrubbed"]
    access = response.leaked_access(incident)
    undenied, failed_denials = temporary_credentials.remaining(
        setting, incident, access, asked=response.denies_sessions
    )
    result["open"] = [*rebuilt, *filter(None, [sockets]), *encrypted["open"], *undenied]
    healthy, problems = task_summaries.health(gathered.get("health"), incident.behind)
    result["healthy"] = {host: f"at the end, {answers}" for host, answers in healthy.items()}
    result["unhealthy"] = [f"not healthy at the end: {problem}" for problem in problems]
    results = {name: dict(entry) for name, entry in response.results.items()}
    for name, why in redeclaration.still_leaked(journal).items():
        if results.get(name, {}).get("replaced", True):
            results[name] = {"replaced": False, "why": why}
    stuck = open_rotation.stuck(journal.rotation, incident.id, results)
    withheld = (
        [_withheld(response, incident)] if response.is_withheld and (response.waves or response.is_stopped) else []
    )
    failures = [*response.failures, *failed_denials]
    result["problems"] = [*sessions["problems"], *failures, *filter(None, [stuck]), *withheld]
    result["seen_again"] = gathered.get("seen_again") or {}
    result["accounts"] = list(response.account_lines)
    facts = facts_of(setting.catalog, incident, response.impact, results, result, rotation_context.now())
    files, unwritten = _written(response.report_path, incident.id, facts, response.mermaid)
    clock = postmortem_markdown.clock_of(facts)
    return ResponseReport(
        files=files,
        unwritten=unwritten,
        clock=[
            *(f"{phase}: {'not yet' if at is None else f'{at:.0f} s'}" for phase, at in clock),
            *postmortem_markdown.outages_of(facts),
        ],
        tried=facts["tried"],
        encrypted_env=[*encrypted["scrubbed"], *encrypted["not_scrubbed"]],
        open=facts["open"],
        unhealthy=problems,
        contained_seconds=facts["contained_seconds"],
        footholds=footholds(incident, but=response.compromised),
        on_word=postmortem_markdown.word_of(facts),
    )


def _withheld(response: Response, incident: Incident) -> str:
    """Reason for later waves that did not begin."""
    foothold_hosts = incident.foothold_hosts
    is_last = not set(response.targeted_hosts) - set(response.opened)
    other = f"and {response.host} is the rotation host; choose another one with -e rotation_host=HOST"
    rest = "and no other host is left" if is_last else other
    message = f"no new values are sent to {', '.join(response.opened)}, {rest}"
    hosts = sorted({host for hosts in foothold_hosts.values() for host in hosts})
    return f"{message}. {host_footholds.remedy(','.join(foothold_hosts), hosts)}" if foothold_hosts else message


def _written(path: str | None, name: str, facts: Mapping[str, Any], mermaid: str) -> tuple[list[str], str]:
    """Writes both files. Returns their paths, or the error: open problems must still be reported."""
    try:
        base = reports_files.free(reports_files.folder(path), name)
        files = {
            base.with_name(f"{base.name}.md"): postmortem_markdown.markdown(facts, mermaid),
            base.with_name(f"{base.name}.html"): pages.postmortem(facts),
        }
        for file, text in files.items():
            reports_files.write_text(file, text)
    except RotationError as error:
        return [], f"the post-mortem could not be written: {error}; name another folder by -e leak_report_path=…"
    return [str(file) for file in files], ""
