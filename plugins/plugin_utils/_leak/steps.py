# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a leak response in order: each step's work, and its results for later steps.

A step without work is skipped, so that a run shows no empty task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core import hosts_with_old_key
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    RotationError,
    SecretsError,
    one_line,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment_summary, seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    account_footholds,
    assessment,
    host_comparison,
    host_footholds,
    incident_notes,
    response_report,
    revoked_values,
    temporary_credentials,
    user_sessions,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.display import show
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.purge import Purger, invalidate
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.replaced_signing_keys import session_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response, Wave
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.task_results import Results
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

END = "end"
IN_MAIN = ("gather", "copies")
"""Steps of every response, in the role's main file."""
VALUES = "values"
"""Key of a step's work with values that hosts look for, sent sealed."""
ANSWERS = "leak_respond__answers"
"""Variable that holds the result of ask_secret."""
SEEN_AGAIN = "seen_again"
CACHE, SESSIONS = "cache", "sessions"
"""Kinds of a catalog's purge entries."""
Work = dict[str, Any]


@dataclass(frozen=True)
class ResponseRun:
    """State of a run, with the results that its tasks registered."""

    setting: RotationSetup
    journal: Journal
    response: Response
    results: Results
    warn: Callable[[str], None]
    purge: Purger
    rotation: Mapping[str, Any] | None = None
    """Result of the last wave."""

    @property
    def asked_hosts(self) -> list[str]:
        return [host for host in self.response.hosts if host not in self.response.compromised]

    def noted(self, seen: Mapping[str, str]) -> ResponseRun:
        return replace(self, journal=incident_notes.note(self.setting, self.journal, seen))

    def then(self, response: Response) -> ResponseRun:
        return replace(self, response=response)


def _nothing(run: ResponseRun) -> ResponseRun:
    return run


@dataclass(frozen=True)
class ResponseStep:
    """A step of the response. Tasks of ``file``, or of the step's name, carry it out if ``here`` is None."""

    name: str
    work: Callable[[ResponseRun], Work | None]
    """Input of the tasks. None if there is nothing to do."""
    done: Callable[[ResponseRun], ResponseRun] = _nothing
    """Judges the registered results of the tasks."""
    file: str = ""
    again: bool = False
    """Whether the step repeats until it has no work."""
    here: Callable[[ResponseRun, Work], ResponseRun] | None = None
    """Carries out the work at once, without tasks."""


def following(run: ResponseRun) -> tuple[ResponseRun, dict[str, Any]]:
    """The run after the tasks of a step, and the next step."""
    at = next(at for at, response_step in enumerate(STEPS) if response_step.name == run.response.step)
    run = STEPS[at].done(run)
    return _next(run, STEPS[at if STEPS[at].again else at + 1 :])


def with_tasks(result: dict[str, Any]) -> dict[str, Any]:
    """Adds the file to include. Steps in the role's main file follow without one."""
    return {**result, "tasks": "proceed" if result["next"] in IN_MAIN else result["next"]}


def first(run: ResponseRun) -> dict[str, Any]:
    """The next step after the declaration. Writes the evidence and denies temporary credentials first."""
    return _next(_deny_sessions(_keep_evidence(run)), STEPS)[1]


def _next(run: ResponseRun, steps: Sequence[ResponseStep]) -> tuple[ResponseRun, dict[str, Any]]:
    for step in steps:
        work = step.work(run)
        if work is not None and step.here:
            run = step.here(run, work)
        elif work is not None:
            run = run.then(replace(run.response, step=step.name))
            return run, _result(run, step, work)
    return run, {"next": END}


def _result(run: ResponseRun, step: ResponseStep, work: Work) -> dict[str, Any]:
    """The result that a play registers: the next task file, its input, and the run's state."""
    incident, file = incident_notes.incident_of(run.journal), step.file or step.name
    return {
        "next": file,
        file: {key: item for key, item in work.items() if key != VALUES},
        "incident": {"id": incident.id, "since": incident.since},
        "host": run.response.host,
        "carried": run.response.carried(),
        **(_hidden(work[VALUES]) if VALUES in work else {}),
    }


def _hidden(values: revoked_values.Searchable) -> dict[str, Any]:
    """Seals values as previous_values_info does, so that tasks on hosts accept this result."""
    return {**seal.sealed(dead=values.dead), "unread": values.unread, "_ansible_no_log": True}


def evidence_of(run: ResponseRun) -> Work:
    """Evidence from before the first act."""
    asked_for = run.response.asked
    return {
        "seen": seen(run, "seen"),
        "sessions": asked_for.get("sessions") or [],
        "compared": asked_for.get("compared") or [],
        "readers": [asked_for.get("readers") or {}],
        "left_out": run.response.compromised,
    }


def seen(run: ResponseRun, name: str) -> dict[str, Mapping[str, Any]]:
    """Hosts' answers, compared with their baseline."""
    return host_comparison.add_differences(run.setting, run.results.of_each(name, run.asked_hosts), run.response.impact)


def _keep_evidence(run: ResponseRun) -> ResponseRun:
    try:
        response_report.keep_evidence(
            incident_notes.incident_of(run.journal), run.response.report_path, evidence_of(run)
        )
    except RotationError as error:
        # The post-mortem has the evidence too, and containment must not wait for a folder.
        run.warn(f"only the post-mortem has evidence: {error}; give another folder by -e leak_report_path=FOLDER")
    return run


def _wave(run: ResponseRun) -> Work | None:
    response = run.response
    if not response.waves or not response.may_begin(response.wave):
        return None
    wave = response.wave
    about = {"immediate": response.removes_first(wave), "reached": response.every_wave, "evict": response.evict}
    return {**asdict(wave), **about}


def _rotated(run: ResponseRun) -> ResponseRun:
    removed = {host: run.results.evicted(host) for host in run.response.evict}
    run = run.noted(host_footholds.evicted(incident_notes.incident_of(run.journal), removed))
    after = run.response.rotated(run.rotation or {})
    if after.waves and after.wave.alone and not run.response.wave.alone:
        run.warn(f"the rotation was rolled back, so {', '.join(run.response.wave.credentials)} are replaced one by one")
    run = _deny_sessions(run)  # before new values of the next wave exist
    return run.then(replace(after, opened=hosts_with_old_key.withheld(run.journal)))


def _deny_sessions(run: ResponseRun) -> ResponseRun:
    if not run.response.denies_sessions:
        return run
    incident = incident_notes.incident_of(run.journal)
    principals = temporary_credentials.exposed(run.setting.catalog, run.response.leaked_access(incident))
    result = temporary_credentials.deny(run.setting, temporary_credentials.due(incident, principals))
    show(result.lines)
    for problem in result.problems:
        run.warn(problem)
    # The declaration has since written a journal entry.
    return replace(run, journal=run.setting.rotator.look()).noted(result.events) if result.events else run


def _verify_skipped(run: ResponseRun) -> Work | None:
    opened = run.response.opened
    hosts = [name for name in run.response.targeted_hosts if name in run.response.behind and name not in opened]
    return {"hosts": hosts} if hosts else None


def _record_verified(run: ResponseRun) -> ResponseRun:
    hosts = (_verify_skipped(run) or {"hosts": []})["hosts"]
    return run.noted(incident_notes.back([host for host in hosts if run.results.is_verified(host)]))


def _sessions(run: ResponseRun) -> Work | None:
    work = {"host": run.response.session_host, "command": _command(run)}
    return work if user_sessions.are_ended(run.response) else None


def _command(run: ResponseRun) -> list[str]:
    """The application's own command, which ends its sessions. Empty for Django's engines."""
    return list(run.response.session_plan.get("command", ()))


def _with_files(run: ResponseRun) -> list[str]:
    return user_sessions.with_files(run.response, run.results) if user_sessions.are_ended(run.response) else []


def _with_probe(run: ResponseRun) -> list[str]:
    return user_sessions.with_probe(run.response, run.results) if user_sessions.are_ended(run.response) else []


def _session_files(run: ResponseRun) -> Work | None:
    hosts = _with_files(run)
    return {"hosts": hosts, "command": _command(run)} if hosts else None


def _session_tries(run: ResponseRun) -> Work | None:
    hosts = _with_probe(run)
    if not hosts:
        return None
    replaced = session_keys(run.setting, incident_notes.incident_of(run.journal))
    try:
        return {"hosts": hosts, VALUES: _searchable(run, [name for name in replaced if replaced[name]])}
    except SecretsError as error:
        run.warn(f"replaced signing keys cannot be read, so none of their sessions is tried: {error}")
        return {"hosts": hosts}  # a host that needs them reports that they are missing


def _searchable(run: ResponseRun, names: Sequence[str]) -> revoked_values.Searchable:
    return revoked_values.searchable(run.setting, names, dead_versions(run) if names else {})


def _ended(*later: Callable[[ResponseRun], list[str]]) -> Callable[[ResponseRun], ResponseRun]:
    """Notes that sessions ended, unless ``later`` hosts have work or a session may be valid."""

    def done(run: ResponseRun) -> ResponseRun:
        if any(hosts(run) for hosts in later):
            return run
        gathered = user_sessions.gather(run.response, run.results)
        if response_report.sessions_of(run.setting, incident_notes.incident_of(run.journal), gathered)["problems"]:
            return run
        return run.noted({"sessions": user_sessions.message(run.results.once("ended"))})

    return done


def _purge(run: ResponseRun) -> Work | None:
    if not run.response.purge.get("valkey"):
        return None
    return {"kinds": [CACHE, SESSIONS] if run.response.logs_out else [CACHE]}


def _purged(run: ResponseRun, work: Work) -> ResponseRun:
    purged = run.purge(work["kinds"])
    if "count" not in purged:
        problem = one_line(str(purged.get("msg") or "no answer"))
        return run.then(run.response.failed(f"caches in Valkey were NOT purged: {problem}"))
    entries = ", ".join(f"{item['name']} {item['count']}" for item in purged["purged"])
    return run.noted({"purged": f"{purged['count']} keys in {purged['milliseconds']} ms ({entries})"})


def _invalidate(run: ResponseRun) -> Work | None:
    copies = run.response.purge.get("invalidations")
    return {"copies": copies} if copies else None


def _invalidated(run: ResponseRun, work: Work) -> ResponseRun:
    incident = incident_notes.incident_of(run.journal)
    for item in work["copies"]:
        paths = f"{', '.join(item['paths'])} of {item['distribution']}"
        try:
            invalidate(run.setting.connection, item, f"{incident.id}-{item['name']}")
        except (SecretsError, AnsibleActionFail) as error:  # it stays open in the report
            problem = f"CloudFront was NOT invalidated: {paths}: {one_line(error)}"
            run = run.then(run.response.failed(f"{problem}. Correct the cause, then run the same command again"))
        else:
            run = run.noted({f"invalidated/{item['name']}": paths})
    return run


def _ask(run: ResponseRun) -> Work | None:
    """Asks last, after all work without a person."""
    response = run.response
    names = [need for need in response.needs if need not in response.replaced]
    is_over = response.is_stopped or response.is_withheld
    return {"names": names, "pages": dict(response.pages)} if names and not is_over else None


def _answered(run: ResponseRun) -> ResponseRun:
    answered = run.results.once("answers").get("answered") or []
    waves = [asdict(Wave(list(answered), answers=ANSWERS))] if answered else []
    return run.then(replace(run.response, waves=waves))


def _look_again(run: ResponseRun) -> Work | None:
    """Looks for footholds that appeared during the response."""
    if not host_footholds.keys_of(run.response.impact):
        return None
    incident = incident_notes.incident_of(run.journal)
    return {
        "since": incident.since or incident.at,
        "known_keys": assessment.known_keys(run.setting, run.response.reached, run.journal.rotation),
        "baseline": host_comparison.request(run.setting, run.journal, run.response.impact),
    }


def _looked_again(run: ResponseRun) -> ResponseRun:
    answers = seen(run, SEEN_AGAIN)
    run = run.noted(host_footholds.events(answers, host_footholds.keys_of(run.response.impact)))
    incident = incident_notes.incident_of(run.journal)
    run = run.noted(host_footholds.newly_searched(incident.footholds, answers))
    unlooked = host_footholds.unlooked(answers, incident.behind)
    return run.then(run.response.failed(*(f"{host}: {problem}" for host, problem in unlooked.items())))


def _accounts(run: ResponseRun) -> Work | None:
    return account_footholds.reaching(run.response.impact, incident_notes.incident_of(run.journal)) or None


def _compare_accounts(run: ResponseRun, work: Work) -> ResponseRun:
    keys = (run.response.asked.get("readers") or {}).get("access_keys") or []
    response = run.response
    wishes = {"evicts": response.evicts_keys, "denies_sessions": response.denies_sessions}
    result = account_footholds.compare_accounts(run.setting, run.journal, work, keys, **wishes)
    for message in result.messages:
        run.warn(message)
    return run.noted(result.events).then(replace(run.response, account_lines=result.lines))


def _copies(run: ResponseRun) -> Work:
    """Reads the values before their versions are denied, once for all hosts."""
    services = environment_summary.services(run.setting.catalog)
    health = {host: run.results.health_urls(services, host) for host in run.asked_hosts}
    try:
        return {"health": health, "unlooked": "", VALUES: _searchable(run, run.response.replaced)}
    except SecretsError as error:  # the report shows it, and the response continues
        return {"health": health, "unlooked": str(error)}


def _healthy(run: ResponseRun) -> ResponseRun:
    health = run.results.of_each("copies", run.asked_hosts)
    return replace(run, journal=incident_notes.note_health(run.setting, run.journal, health))


def dead_versions(run: ResponseRun) -> dict[str, list[str]]:
    """Version ids of replaced values, by secret."""
    return {name: list(versions) for name, versions in incident_notes.incident_of(run.journal).dead.items()}


STEPS = (
    ResponseStep("wave", _wave, _rotated, again=True),
    ResponseStep("verify_skipped", _verify_skipped, _record_verified),
    # Before the purge: an empty cache does not show whether sessions were looked for in the right place.
    ResponseStep("sessions", _sessions, _ended(_with_files, _with_probe)),
    ResponseStep("session_files", _session_files, _ended(_with_probe)),
    ResponseStep("session_tries", _session_tries, _ended()),
    ResponseStep("purge", _purge, here=_purged),
    ResponseStep("invalidate", _invalidate, here=_invalidated),
    ResponseStep("ask", _ask, _answered),
    ResponseStep("answered", _wave, _rotated, file="wave", again=True),
    ResponseStep("look_again", _look_again, _looked_again),
    ResponseStep("accounts", _accounts, here=_compare_accounts),
    ResponseStep("copies", _copies, _healthy),
)
