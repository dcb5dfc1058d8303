# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Acts of kinds on every host: SSH keys, and sessions that a dropped signing key signed. The play carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.ssh_key import SshKey

SSH_KEY = SshKey.kind.name
_KIND_STAGE = {"create": "block", "revoke": "revoke", "withdraw": "revoke", "revoke_first": "revoke"}


class EngineState(Protocol):
    run: Any
    rotation: dict[str, Any]
    state: Any

    def parts(self, stage: str, acts: Sequence[str]) -> list[Mapping[str, Any]]: ...


@dataclass(frozen=True)
class Due:
    """Work of hosts: ``acts`` with the module ssh_key, or ``sessions`` to try."""

    work: str
    fields: Mapping[str, Any]


@dataclass
class Judgement:
    """The result of the hosts' answers."""

    messages: list[str] = field(default_factory=list)
    """Shown at once."""
    lines: list[str] = field(default_factory=list)
    """Shown at the end."""
    hosts_with_old_key: dict[str, list[str]] = field(default_factory=dict)
    refusals: dict[str, Any] = field(default_factory=dict)
    blocked: str = ""
    failed: str = ""


def needs_no_rollout(engine: EngineState) -> bool:
    """Whether only SSH keys rotate and every host is withheld from new values. Hosts do not read these keys from
    .env."""
    other_hosts = set(engine.run.targeted_hosts) - set(engine.rotation.get("opened", ()))
    return not other_hosts and all(credential["kind"] == SSH_KEY for credential in engine.rotation["credentials"])


def _concerned(engine: EngineState, stage: str) -> list[Mapping[str, Any]]:
    kind_stage = _KIND_STAGE.get(stage, stage)
    return engine.parts(kind_stage, plan.ENDS if stage == "revoke" else plan.CHANGES)


def due(engine: EngineState, stage: str) -> Due | None:
    """The acts of this stage that hosts have not done yet."""
    blocks = stage == "create" and engine.rotation["incident"] and engine.rotation["immediate"]
    if not blocks and stage not in ("set", "test", "revoke_first", "revoke", "withdraw"):
        return None
    parts, acted = _concerned(engine, stage), engine.state.acted
    keys = _keys(parts)
    if keys and "acts" not in acted:
        state = SshKey.states[_KIND_STAGE.get(stage, stage)]
        return Due("acts", {"acts": [act for key in keys for act in _acts(engine, key, state)]})
    for entry in _dropped(parts):
        if f"sessions of {entry['name']}" not in acted:
            acts = [{"credential": entry["name"], "host": host} for host in _probed(engine)]
            return Due("sessions", {"dropped": dict(entry), "acts": acts})
    return None


def _dropped(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [part for part in parts if part["act"] == plan.DROP_FALLBACK and part["dropped_from"]]


def _probed(engine: EngineState) -> list[str]:
    return [host for host in engine.run.hosts if host not in engine.run.skipped and host in engine.run.probed]


def _keys(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [part for part in parts if part["kind"] == SSH_KEY and part["act"] != plan.DROP_FALLBACK]


def _acts(engine: EngineState, key: Mapping[str, Any], state: str) -> list[dict[str, Any]]:
    """An act for each host that this run may change."""
    run = engine.run
    common = {"credential": key["name"], "state": state, "pending_task": key.get("pending_task") or ""}
    away = key["hosts_with_old_key"] if state == "usable" else []
    hosts = [host for host in _hosts(engine, key) if host in run.reachable and host not in away]
    return [{**common, "host": host, "env_path": run.env_paths.get(host, "")} for host in hosts]


def _hosts(engine: EngineState, key: Mapping[str, Any]) -> list[str]:
    """Hosts on which a key changes: all, or those of a pending task."""
    run = engine.run
    each = [host for host in run.hosts if host not in run.skipped]
    return [host for host in each if host in (key["hosts"] or each)]


def judge(engine: EngineState, stage: str, results: Sequence[Mapping[str, Any]], unread: str = "") -> Judgement:
    """Judges the hosts' answers. ``results`` come from a loop, each with its ``act``.

    ``unread``: why a dropped key could not be read, so that no session was tried.
    """
    result = Judgement()
    parts, acted = _concerned(engine, stage), engine.state.acted
    if _keys(parts) and "acts" not in acted:
        engine.state.acted = (*acted, "acts")
        for key in _keys(parts):
            about = (key["name"], key.get("pending_task") or "")
            own = [entry for entry in results if (entry["act"]["credential"], entry["act"]["pending_task"]) == about]
            judge = _blocked if stage == "create" else _key
            judge(engine, stage, key, own, result)
        return result
    dropped = next(entry for entry in _dropped(parts) if f"sessions of {entry['name']}" not in acted)
    engine.state.acted = (*acted, f"sessions of {dropped['name']}")
    _sessions(engine, dropped["name"], [] if unread else results, unread, result)
    return result


def _sessions(
    engine: EngineState, name: str, results: Sequence[Mapping[str, Any]], unread: str, result: Judgement
) -> None:
    """Judges sessions that the dropped key signed. Every host must reject them."""
    for entry in results:
        host = entry["act"]["host"]
        result.lines += [f"{host}: {message}" for message in entry.get("tried") or ()]
        silent = [] if "tried" in entry else [" ".join(str(entry.get("msg") or "no answer").split())]
        result.lines += [f"{host}: NOT tried: {reason}" for reason in entry.get("not_tried") or silent]
    asked_hosts = {entry["act"]["host"] for entry in results}
    why = unread or "set django_chdir and django_probe_url for the host"
    result.lines += [
        f"{host}: NOT tried: a session that the previous key of {name} signed: {why}"
        for host in engine.run.hosts
        if host not in asked_hosts
    ]
    still = [message for entry in results for message in entry.get("accepted") or ()]
    if still:
        result.failed = f"{'; '.join(still)}. Restart the service at that address, then run the same command again"


def _blocked(
    engine: EngineState, _stage: str, key: Mapping[str, Any], results: Sequence[Mapping[str, Any]], result: Judgement
) -> None:
    """Judges blocked keys. A failure stops nothing: the revocation is verified later."""
    failed = [entry for entry in results if entry.get("failed") or entry.get("unreachable")]
    result.messages += [message for entry in results for message in entry.get("messages") or ()]
    result.messages += [f"not blocked: {entry['act']['host']}: {entry.get('msg') or 'no answer'}" for entry in failed]
    if not failed and {entry["act"]["host"] for entry in results} >= {*_hosts(engine, key)}:
        engine.state.notes.blocked.append(key["name"])


def _key(
    engine: EngineState, stage: str, key: Mapping[str, Any], results: Sequence[Mapping[str, Any]], result: Judgement
) -> None:
    run, name = engine.run, key["name"]
    hosts = _hosts(engine, key)
    outside = [host for host in hosts if host not in run.reachable]
    unreached = [entry["act"]["host"] for entry in results if entry.get("unreachable")]
    unusable = [entry for entry in results if entry.get("unusable") and run.leaves_lost]
    lost_hosts = unreached + [entry["act"]["host"] for entry in unusable] + outside
    all_hosts = [host for host in run.hosts if host not in run.skipped]
    problems = [f"{entry['act']['host']}: {entry.get('msg')}" for entry in unusable]
    if lost_hosts and (not run.leaves_lost or len(lost_hosts) == len(all_hosts)):
        messages = [f"{host} cannot be reached" for host in unreached]
        messages += [*problems, *(f"{name} is not in this run (--limit)" for name in outside)]
        result.blocked = (
            f"{', '.join(messages)}; make them reachable, or continue without them by -e "
            f"rotation_skip_hosts={','.join(lost_hosts)}"
        )
        return
    if lost_hosts:
        reasons = ". ".join(str(entry.get("msg")) for entry in unusable)
        result.messages.append(
            f"skipped hosts, where the old key of {name} is still authorized: "
            f"{', '.join(lost_hosts)}. {reasons}".strip()
        )
    if engine.rotation["incident"]:
        # Until a host refuses the leaked key it gets nothing new, and the incident stays open.
        before = (
            key["hosts_with_old_key"]
            if stage == "test"
            else result.hosts_with_old_key.get(name, [])
            if key.get("more")
            else []
        )
        result.hosts_with_old_key[name] = list(dict.fromkeys([*before, *lost_hosts]))
        if _KIND_STAGE.get(stage) == "revoke":
            each = [{**entry, "secret_rotate_each": entry["act"]["host"]} for entry in results]
            result.refusals[name] = {"results": each}
    result.messages += [message for entry in results for message in entry.get("messages") or ()]
    failed = [
        entry for entry in results if entry.get("failed") and not entry.get("unreachable") and entry not in unusable
    ]
    if failed and not result.failed:
        result.failed = "; ".join(f"{entry['act']['host']}: {entry.get('msg') or 'failed'}" for entry in failed)
