# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options and engine of the actions that carry on a rotation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import (
    ROTATION_FAILED,
    ROTATION_STARTED,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.paths import with_full_paths
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.progress import act
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import announcer, events
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import log as audit_log
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import body_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    context,
    outcome,
    plan,
    preflight,
    supplied_values,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import OPTIONS as COMMON
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import (
    HOST_VARIABLES as HOST_VARIABLES,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import Hosts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotation_host import RotationHost
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import (
    WARNING,
    RotationRun,
    RunState,
    StageNotes,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import MERGE_SECONDS

SERVER: dict[str, Any] = {
    "python": {"type": "str"},
    "allow_sessions": {"type": "bool", "default": False},
    "known_addresses": {"type": "list", "elements": "str", "default": []},
    "gone_nodes": {"type": "list", "elements": "str", "default": []},
    **supplied_values.OPTIONS,
}
"""Options of modules that connect to servers."""
AUDIT: dict[str, Any] = {"audit_path": {"type": "path"}, "changelog": {"type": "path"}}
OPTIONS: dict[str, Any] = {
    **SERVER,
    **AUDIT,
    "hosts": {"type": "list", "elements": "str", "default": []},
    "targeted_hosts": {"type": "list", "elements": "str", "default": []},
    "reachable": {"type": "list", "elements": "str", "default": []},
    "skipped": {"type": "list", "elements": "str", "default": []},
    "leaves_lost": {"type": "bool", "default": False},
    "incident": {"type": "str", "default": ""},
    "abort": {"type": "bool", "default": False},
    "credentials": {"type": "list", "elements": "str", "default": []},
    "force": {"type": "bool", "default": False},
    "immediate": {"type": "bool", "default": False},
    "reached": {"type": "list", "elements": "str", "default": []},
    "resume": {"type": "str", "default": ""},
    "serial": {"type": "list", "elements": "raw", "default": [1, "25%"]},
    "merge_seconds": {"type": "int", "default": int(MERGE_SECONDS)},
    "wait_seconds": {"type": "float", "default": 0},
}
SETTINGS: dict[str, Any] = {"settings": {"type": "dict", "required": True, "options": OPTIONS}}
_PASSED_ON = ("allow_sessions", "known_addresses", *preflight.PASSED_ON)


def show(step: str, credential: str, message: str, seconds: float = 0) -> None:
    """Shows a line about an act while the run goes on."""
    if step == WARNING:
        Display().warning(message)
        return
    took = f" ({seconds:.1f} s)" if step and seconds else ""
    Display().display(act(step, credential, message + took))


class Audit:
    """The audit log of this environment, and notifications about records.

    In a leak the log is not required, because containment waits for nothing.
    """

    def __init__(
        self,
        setting: RotationSetup,
        args: Mapping[str, Any],
        *,
        required: bool,
        seconds: float = announcer.SECONDS,
    ) -> None:
        """``seconds`` limits notifications."""
        self._setting, self._args, self._required, self._seconds = setting, args, required, seconds

    def open(self) -> None:
        """Makes the log's client before parallel calls."""
        if self._setting.catalog.audit_log:
            body_of(self._setting.catalog, self._setting.connection.store_client)

    def ready(self) -> None:
        """Raises SecretsError if a record could not be written."""
        self._log({}).ready()

    def recorded(self, record: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, Any]:
        return audit_log.recorded_and_announced(
            self._log(head), record, announcer_of(self._setting, self._seconds), required=self._required
        )

    def _log(self, head: Mapping[str, Any]) -> audit_log.AuditLog:
        catalog = self._setting.catalog
        return audit_log.AuditLog(
            catalog,
            body_of(catalog, self._setting.connection.store_client) if catalog.audit_log else None,
            head=audit_chain.head_of(head or None),
            path=self._args["audit_path"],
            changelog=self._args["changelog"],
            environ=os.environ,
        )


def announcer_of(setting: RotationSetup, seconds: float) -> announcer.Announcer:
    return announcer.announcer_of(setting.catalog, setting.connection.announcing_client, seconds)


def announce(
    setting: RotationSetup,
    name: str,
    about: str,
    outcome: str,
    *,
    seconds: float = announcer.SECONDS,
    **fields: Any,
) -> list[str]:
    """Notifies channels of an event. Returns messages about channels that were not notified."""
    own = {"application": setting.catalog.application, "environment": setting.catalog.environment}
    me = {"who": setting.rotator.me.who, "run": setting.rotator.me.run, "at": timestamps.stamp(context.now())}
    return announcer_of(setting, seconds).announce(events.made(name, about, outcome, **own, **me, **fields))


def announced_as_started(setting: RotationSetup, rotation: Mapping[str, Any]) -> list[str]:
    """Notifies channels of a rotation, even if continued: a killed run may have notified nobody.

    In a leak, the declaration was announced instead.
    """
    if rotation["incident"]:
        return []
    names = [credential["name"] for credential in rotation["credentials"]]
    about = {"started": rotation["since"], "credentials": names, "skipped": rotation["refused"]}
    return announce(setting, ROTATION_STARTED, rotation["id"], "started", **about)


class ServersAction(RotationAction):
    """May use the task's host, which is the rotation host."""

    def server(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> RotationHost:
        common = {name: args.get(name) for name in (*COMMON, "python") if name != "run"}
        own = {*self.extra_options, *COMMON}
        connection = {name: value for name, value in self._task.args.items() if name not in own}
        return RotationHost(self, setting, {**common, **connection}, task_vars)


class SegmentAction(ServersAction):
    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        settings = with_full_paths(args["settings"], OPTIONS)
        try:
            return self.carried_on(setting, {**args, **settings}, task_vars)
        except SecretsError as error:
            announce_as_broken_off(setting, error)
            raise

    def carried_on(
        self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        raise NotImplementedError

    def engine(
        self,
        setting: RotationSetup,
        args: Mapping[str, Any],
        task_vars: Mapping[str, Any],
        state: RunState | None = None,
    ) -> Engine:
        return Engine(
            setting,
            run_of(args, task_vars["hostvars"]),
            server=self.server(setting, args, task_vars),
            audit=Audit(
                setting,
                args,
                required=not args["incident"],
                seconds=announcer.LEAK_SECONDS if args["incident"] else announcer.SECONDS,
            ),
            progress=show,
            supplied=lambda: supplied_values.supplied(args, task_vars),
            state=state,
        )


def run_of(args: Mapping[str, Any], variables: Mapping[str, Any]) -> RotationRun:
    run = {name: variables[name] for name in args["hosts"] if name in variables}
    names = ("hosts", "targeted_hosts", "reachable", "skipped", "leaves_lost", "incident", "serial")
    return RotationRun(
        **{name: args[name] for name in (*names, "merge_seconds", "wait_seconds")},
        options={name: args[name] for name in _PASSED_ON if args[name] is not None},
        env_paths={name: str(item["env_deploy_path"]) for name, item in run.items() if "env_deploy_path" in item},
        probed=[name for name, item in run.items() if "django_chdir" in item and "django_probe_url" in item],
    )


def hosts_of(args: Mapping[str, Any], rotation: Mapping[str, Any], variables: Mapping[str, Any]) -> Hosts:
    """Answers of the hosts; ``variables`` are Ansible's hostvars."""
    hosts = {
        name: {key: variables[name][key] for key in HOST_VARIABLES if key in variables[name]}
        for name in args["targeted_hosts"]
        if name in variables
    }
    return Hosts(
        args["targeted_hosts"],
        hosts,
        rollout=rotation.get("rollout", ""),
        leaves_lost=args["leaves_lost"] or rotation["next"] == "deliver",
        leak=bool(args["incident"]),
    )


def unread_of(rotation: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """The reason why the dropped key could not be read, so that no session was tried."""
    if rotation["next"] != "sessions":
        return ""
    each = [variables[act["host"]].get("secret_rotate__dropped") or {} for act in rotation["acts"]]
    return next((" ".join(str(item.get("msg")).split()) for item in each if item.get("failed")), "")


def seen_of(
    looks: Sequence[str], args: Mapping[str, Any], variables: Mapping[str, Any], *, role: str = "secret_rotate"
) -> list[dict[str, Any]]:
    """Observations of ``role`` about each key on each host. Hosts outside the play are ``outside``."""
    hosts = [host for host in args["hosts"] if host not in args["skipped"]]
    return [
        _seen(credential, host, variables[host], role)
        if host in args["reachable"]
        else {"credential": credential, "host": host, "lost": False, "outside": True}
        for credential in looks
        for host in hosts
    ]


def _seen(credential: str, host: str, variables: Mapping[str, Any], role: str) -> dict[str, Any]:
    results = (variables.get(f"{role}__looked") or {}).get("results", ())
    own = [item for item in results if item.get(f"{role}_look") == credential]
    answer: Mapping[str, Any] = own[-1] if own else {"unreachable": True}
    is_lost = bool(answer.get("unreachable"))
    return {
        "credential": credential,
        "host": host,
        "lost": is_lost,
        "outside": False,
        "problem": str(answer.get("msg") or "failed") if answer.get("failed") and not is_lost else "",
        "unusable": bool(answer.get("unusable")),
        "there": bool(answer.get("old")),
        "file": str(answer.get("file") or ""),
        "account": str(answer.get("account") or ""),
    }


def results_of(rotation: Mapping[str, Any], variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The result of each act on a host, with the act. A host without a result was unreachable."""
    return [{**_result(act, variables.get(act["host"]) or {}), "act": act} for act in rotation.get("acts", ())]


def _result(act: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    answer = (variables.get("secret_rotate__acts") or {}).get("results", ())
    own = [item for item in answer if item.get("secret_rotate_act") == act]
    return dict(own[-1]) if own else {"unreachable": True}


def result(engine: Engine, answer: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The role's registered result: the rotation's state, next work and summary."""
    state = engine.state
    verdict = outcome.verdict(answer, abort=args["abort"])
    if verdict and not (answer["next"] or answer.get("closed")):
        state.unannounced += _announced_as_stopped(engine.setting, answer, verdict)
    own = {"lines": state.lines, "unannounced": state.unannounced}
    answer = {**answer, **own, "seconds": state.seconds, "waited": state.waited}
    summary = outcome.lines(answer, args["hosts"], args["skipped"])
    renews = _holds_old_values(engine.setting.catalog, answer)
    ends = {} if answer["next"] else outcome.ending(summary, verdict, incident=args["incident"], encrypted=renews)
    return {**answer, "carried": asdict(state), "summary": summary, "verdict": verdict, **ends}


def _holds_old_values(catalog: Catalog, answer: Mapping[str, Any]) -> bool:
    """Whether an encrypted .env that the catalog declares may hold old values."""
    return catalog.encrypted_env is not None and bool(answer.get("id") and answer.get("closed"))


def _announced_as_stopped(setting: RotationSetup, now: Mapping[str, Any], verdict: str) -> list[str]:
    about = {
        "reason": verdict,
        "started": now["since"],
        "credentials": [credential["name"] for credential in now["credentials"]],
    }
    seconds = announcer.LEAK_SECONDS if now["incident"] else announcer.SECONDS
    return announce(setting, ROTATION_FAILED, now["id"], "stopped", seconds=seconds, **about)


def announce_as_broken_off(setting: RotationSetup, error: SecretsError) -> None:
    """Notifies channels that an error ended the run, if its rotation stays open. Never hides the error."""
    try:
        _journal, rotation = setting.rotator.mine()
        about = {"since": rotation.since, "id": rotation.id, "incident": rotation.plan.get("incident", "")}
        names = [{"name": item.credential} for item in plan.items_of(rotation.plan)]
        for line in _announced_as_stopped(setting, {**about, "credentials": names}, one_line(error)):
            Display().warning(line)
    except SecretsError:
        return  # no rotation of this run is open


def run_state_from(rotation: Mapping[str, Any]) -> RunState:
    state = dict(rotation["carried"])
    return RunState(
        **{
            **state,
            "acted": tuple(state["acted"]),
            "notes": StageNotes(**state["notes"]),
            "seconds": [(stage, float(seconds)) for stage, seconds in state["seconds"]],
        }
    )
