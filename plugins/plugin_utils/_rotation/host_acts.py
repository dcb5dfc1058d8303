# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Acts of kinds on every host: SSH keys, and sessions that a dropped signing key signed. The play carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.hosts import SshKey

SSH_KEY = SshKey.kind.name
_KIND_STAGE = {"revoke": "revoke", "withdraw": "revoke", "revoke_first": "revoke"}


class EngineState(Protocol):
    """What is asked of the engine."""

    run: Any
    now: dict[str, Any]
    carried: Any

    def parts(self, stage: str, acts: Sequence[str]) -> list[Mapping[str, Any]]: ...


@dataclass(frozen=True)
class Due:
    """What hosts have to do: ``acts`` with the module ssh_key, or ``sessions`` to try."""

    what: str
    more: Mapping[str, Any]


@dataclass
class Judged:
    """What the hosts' answers come to."""

    words: list[str] = field(default_factory=list)
    """Said at once."""
    lines: list[str] = field(default_factory=list)
    """Said at the end."""
    left: dict[str, list[str]] = field(default_factory=dict)
    refusals: dict[str, Any] = field(default_factory=dict)
    blocked: str = ""
    failed: str = ""


def _concerned(engine: EngineState, stage: str) -> list[Mapping[str, Any]]:
    kind_stage = _KIND_STAGE.get(stage, stage)
    return engine.parts(kind_stage, plan.ENDS if stage == "revoke" else plan.CHANGES)


def due(engine: EngineState, stage: str) -> Due | None:
    """What hosts have to do at this stage and have not done."""
    if stage not in ("set", "test", "revoke_first", "revoke", "withdraw"):
        return None
    parts, acted = _concerned(engine, stage), engine.carried.acted
    keys = _keys(parts)
    if keys and "acts" not in acted:
        state = SshKey.states[_KIND_STAGE.get(stage, stage)]
        return Due("acts", {"acts": [act for key in keys for act in _acts(engine, key, state)]})
    for one in _dropped(parts):
        if f"sessions of {one['name']}" not in acted:
            acts = [{"credential": one["name"], "host": host} for host in _probed(engine)]
            return Due("sessions", {"dropped": dict(one), "acts": acts})
    return None


def _dropped(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in parts if one["act"] == plan.DROP_FALLBACK and one["dropped_from"]]


def _probed(engine: EngineState) -> list[str]:
    """The hosts on which a session can be tried."""
    return [one for one in engine.run.hosts if one not in engine.run.skipped and one in engine.run.probed]


def _keys(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in parts if one["kind"] == SSH_KEY and one["act"] != plan.DROP_FALLBACK]


def _acts(engine: EngineState, key: Mapping[str, Any], state: str) -> list[dict[str, Any]]:
    """One for each host that this run may act on."""
    run = engine.run
    common = {"credential": key["name"], "state": state, "pending_task": key.get("pending_task") or ""}
    away = key["left"] if state == "usable" else []
    here = [one for one in _hosts(engine, key) if one in run.reachable and one not in away]
    return [{**common, "host": one, "env_path": run.env_paths.get(one, "")} for one in here]


def _hosts(engine: EngineState, key: Mapping[str, Any]) -> list[str]:
    """Where a key changes: on each host, or on those that a pending task names."""
    run = engine.run
    each = [one for one in run.hosts if one not in run.skipped]
    return [one for one in each if one in (key["hosts"] or each)]


def judged(engine: EngineState, stage: str, results: Sequence[Mapping[str, Any]], unread: str = "") -> Judged:
    """What the answers come to. ``results`` are a loop's, each with the act that it is of as ``act``.

    ``unread`` is why a dropped key could not be read, so that no session was tried.
    """
    found = Judged()
    parts, acted = _concerned(engine, stage), engine.carried.acted
    if _keys(parts) and "acts" not in acted:
        engine.carried.acted = (*acted, "acts")
        for key in _keys(parts):
            about = (key["name"], key.get("pending_task") or "")
            own = [one for one in results if (one["act"]["credential"], one["act"]["pending_task"]) == about]
            _key(engine, stage, key, own, found)
        return found
    dropped = next(one for one in _dropped(parts) if f"sessions of {one['name']}" not in acted)
    engine.carried.acted = (*acted, f"sessions of {dropped['name']}")
    _sessions(engine, dropped["name"], [] if unread else results, unread, found)
    return found


def _sessions(engine: EngineState, name: str, results: Sequence[Mapping[str, Any]], unread: str, found: Judged) -> None:
    """Every host runs without the dropped key by now: a session that it signed must be refused by each."""
    for one in results:
        host = one["act"]["host"]
        found.lines += [f"{host}: {words}" for words in one.get("tried") or ()]
        silent = [] if "tried" in one else [" ".join(str(one.get("msg") or "no answer").split())]
        found.lines += [f"{host}: NOT tried: {words}" for words in one.get("not_tried") or silent]
    asked = {one["act"]["host"] for one in results}
    why = unread or "the host says no django_chdir and django_probe_url"
    found.lines += [
        f"{host}: NOT tried: a session that the former key of {name} signed: {why}"
        for host in engine.run.hosts
        if host not in asked
    ]
    still = [words for one in results for words in one.get("accepted") or ()]
    if still:
        found.failed = f"{'; '.join(still)}. Restart what serves that address, then start again"


def _key(
    engine: EngineState, stage: str, key: Mapping[str, Any], results: Sequence[Mapping[str, Any]], found: Judged
) -> None:
    run, name = engine.run, key["name"]
    hosts = _hosts(engine, key)
    outside = [one for one in hosts if one not in run.reachable]
    unreached = [one["act"]["host"] for one in results if one.get("unreachable")]
    unusable = [one for one in results if one.get("unusable") and run.leaves_lost]
    lost = unreached + [one["act"]["host"] for one in unusable] + outside
    every = [one for one in run.hosts if one not in run.skipped]
    problems = [f"{one['act']['host']}: {one.get('msg')}" for one in unusable]
    if lost and (not run.leaves_lost or len(lost) == len(every)):
        words = [f"{one} cannot be reached" for one in unreached]
        words += [*problems, *(f"{one} is not in this run (--limit)" for one in outside)]
        found.blocked = (
            f"{', '.join(words)}; bring them back, or go on without them by -e rotation_skip_hosts={','.join(lost)}"
        )
        return
    if lost:
        more = ". ".join(str(one.get("msg")) for one in unusable)
        found.words.append(
            f"skipped hosts, where the old key of {name} is still authorized: {', '.join(lost)}. {more}".strip()
        )
    if engine.now["incident"]:
        # Until a host refuses the leaked key it gets nothing new, and the incident stays open.
        before = key["left"] if stage == "test" else found.left.get(name, []) if key.get("more") else []
        found.left[name] = list(dict.fromkeys([*before, *lost]))
        if _KIND_STAGE.get(stage) == "revoke":
            each = [{**one, "secret_rotate_each": one["act"]["host"]} for one in results]
            found.refusals[name] = {"results": each}
    found.words += [words for one in results for words in one.get("words") or ()]
    failed = [one for one in results if one.get("failed") and not one.get("unreachable") and one not in unusable]
    if failed and not found.failed:
        found.failed = "; ".join(f"{one['act']['host']}: {one.get('msg') or 'failed'}" for one in failed)
