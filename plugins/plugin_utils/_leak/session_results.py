# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes hosts' results of ending sessions: which were tried, and which may still be valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.confirmation_text import UNDECLARED

Lines = list[tuple[str, str]]
"""Hosts with messages."""
NONE_FOUND = (
    "whether all sessions ended, because no session was found{}. Compare django_session_engine and the other "
    "django_session_… with the application's settings, or set django_chdir"
)
VARIABLES = {"chdir": "django_chdir", "env_file": "env_deploy_path"}
"""Host variables by option of django_sessions. The others are django_session_OPTION."""
PLACES = {"db": "the database", "cache": "the cache", "file": "files"}


def messages(
    gathered: Mapping[str, Any], declared: Sequence[str], keys: Mapping[str, bool], behind: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Messages under "tried" and "problems".

    ``gathered`` holds django_sessions' results: ``ended`` of ``host``, which ends shared sessions, and by host in
    ``each`` what it ``ended`` and ``tried``. ``keys`` tells whether each credential that signs sessions was replaced.
    Hosts in ``behind`` have the old one.
    """
    if not gathered:
        return {"tried": [], "problems": []}
    if not gathered.get("wanted"):
        return {"tried": ["not ended: sessions, because leak_sessions=false"], "problems": []}
    plan = gathered.get("plan") or {}
    if not plan.get("ends", True):
        # No store has sessions, so only a new key ends those that the old one signed.
        is_none = plan.get("declared") and not plan.get("purged")
        cookie_problems = _of_cookies(declared, keys, behind) if is_none and keys else ()
        return {"tried": [f"not ended: sessions, because {_not_ended(plan)}"], "problems": list(cookie_problems)}
    return _by_command(gathered) if plan.get("command") else _tried(gathered, declared, keys, behind)


def _not_ended(plan: Mapping[str, Any]) -> str:
    if plan.get("purged"):
        return "the purge of the catalog ends them"
    return "the catalog declares none (sessions.engine)" if plan["declared"] else UNDECLARED


def _by_command(gathered: Mapping[str, Any]) -> dict[str, list[str]]:
    """Results of the application's own command, which each host ran."""
    answers = {gathered["host"]: gathered["ended"], **{name: item["ended"] for name, item in gathered["each"].items()}}
    failed = [(name, f"sessions were not ended: {_problem(result)}") for name, result in answers.items()]
    return {
        "tried": ["not tried: an old session, because the application's own command ends sessions"],
        "problems": _shared(line for line in failed if _problem(answers[line[0]])),
    }


def _in_files(each: Mapping[str, Any], keys: Mapping[str, bool], behind: Sequence[str]) -> Lines:
    """Problems with sessions in files. They are signed too, so a host's new key ends them."""
    hosts = behind if _by_the_key(keys) else each
    files = {name: _of_files(item.get("ended") or {}) for name, item in each.items() if name in hosts}
    return [(name, message) for name, message in files.items() if message]


def _tried(
    gathered: Mapping[str, Any], declared: Sequence[str], keys: Mapping[str, bool], behind: Sequence[str]
) -> dict[str, list[str]]:
    host, ended, each = gathered["host"], gathered["ended"], gathered["each"]
    problem = _problem(ended)
    # Given-up hosts were not asked.
    hosts = [name for name in behind if name == host or name in each]
    doubts = [] if problem else [(host, _may_live(item)) for item in ended.get("doubtful") or ()]
    is_dead = _by_the_key(keys) and not hosts
    alive: Lines = [(host, f"sessions were not ended: {problem}")] if problem else []
    alive += [] if is_dead else doubts
    if ended.get("engine") == "file":
        alive += _in_files(each, keys, behind)
    results = {host: {} if problem else ended, **{name: item.get("tried") or {} for name, item in each.items()}}
    untried = [(name, message) for name, result in results.items() for message in _untried(result, name != host)]
    untried += doubts if is_dead else []
    untried += [(host, NONE_FOUND.format(where)) for where in _empty(gathered, ended) if not problem and not doubts]
    tried = _shared((name, message) for name, result in results.items() for message in result.get("tried") or ())
    alive += [(name, message) for name, result in results.items() for message in result.get("accepted") or ()]
    return {
        "tried": [*tried, *(f"not tried: {line}" for line in _shared(untried))],
        "problems": [*_shared(alive), *(_of_cookies(declared, keys, hosts) if ended.get("only_the_key") else ())],
    }


def _problem(result: Mapping[str, Any]) -> str:
    """The reason for a task's missing result. Empty if it has one."""
    message = one_line(result.get("msg") or "no answer")
    if result.get("unreachable"):
        return f"cannot be reached: {message}"
    if not result:
        return "it was not asked"
    return message if result.get("failed") else ""


def websockets(gathered: Mapping[str, Any], keys: Mapping[str, bool], restarts: Mapping[str, Sequence[str]]) -> str:
    """Message on open websockets. Channels checks a session only when a websocket opens, so only a restart ends it.

    ``restarts`` are commands by host. Empty if no message is needed: with a new key, the rollout has restarted the
    services, and an old cookie has opened no websocket since.
    """
    ended = gathered.get("ended") or {}
    if not gathered.get("wanted") or _problem(ended) or ended.get("only_the_key") or _by_the_key(keys):
        return ""
    lines = [(host, "; ".join(commands)) for host, commands in restarts.items() if commands]
    do = "; ".join(f"on {line}" for line in _shared(lines)) or "restart their services on every host"
    return f"websockets that were opened before the sessions ended stay connected. If the application has any: {do}"


def _by_the_key(keys: Mapping[str, bool]) -> bool:
    """Whether hosts with the new key reject old sessions."""
    return bool(keys) and all(keys.values())


def _may_live(doubt: Mapping[str, Any]) -> str:
    options = [VARIABLES.get(name, f"django_session_{name}") for name in doubt["options"]]
    if doubt["restart"]:
        do = "restart the services on every host, then run again with -e leak_sessions=false"
    elif doubt["options"] == ["clear_cache"]:
        do = f"set {options[0]}=true, which empties the whole cache, then run the same command again"
    else:
        do = f"check {' and '.join(options)} against the application's settings, then run the same command again"
    return f"sessions in {PLACES[doubt['store']]} may still be valid: {doubt['why']}; {do}"


def _empty(gathered: Mapping[str, Any], ended: Mapping[str, Any]) -> list[str]:
    """Stores without a session. Empty if the application searched, because it knows its stores."""
    if gathered.get("by_application") or ended.get("only_the_key"):
        return []
    if not ended.get("count"):
        return [""]
    return [f" in {PLACES[store['store']]}" for store in ended.get("stores") or () if not store["count"]]


def _of_files(result: Mapping[str, Any]) -> str:
    if result.get("skipped"):
        return (
            "sessions in files were not ended. Set django_chdir or django_session_file_path for the host, then run the "
            "same command again"
        )
    problem = _problem(result)
    return f"sessions in files were not ended: {problem}" if problem else ""


def _untried(result: Mapping[str, Any], is_other: bool) -> Iterator[str]:
    """Sessions that were not tried. The session host (not ``is_other``) reports its own reasons."""
    if is_other and result.get("skipped"):
        yield (
            "an old session. Set django_probe_url (an address that answers only logged-in users) and django_chdir "
            "for the host"
        )
    elif is_other and _problem(result):
        yield f"an old session: {_problem(result)}"
    yield from result.get("not_tried") or ()


def _of_cookies(declared: Sequence[str], keys: Mapping[str, bool], behind: Sequence[str]) -> Iterator[str]:
    """Problems with sessions in cookies, which no server can end."""
    only = "sessions are in cookies, so only a new SECRET_KEY ends them"
    unreplaced = sorted(name for name, is_replaced in keys.items() if not is_replaced)
    if not keys:
        yield (
            f"{only}, and the catalog has no such credential: replace the key by hand, then run again with -e "
            "leak_sessions=false"
        )
    elif unreplaced:
        credentials = ",".join(dict.fromkeys((*declared, *unreplaced)))
        yield (
            f"{only}, and {', '.join(unreplaced)} was not replaced: run again with -e leak_credentials={credentials}, "
            "or with -e leak_sessions=false to leave all users logged in"
        )
    elif behind:
        message = (
            "sessions are in cookies, and this host was skipped: sessions signed by the old SECRET_KEY stay valid there"
        )
        yield from _shared((host, message) for host in behind)


def _shared(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Each message once, after its hosts."""
    hosts: dict[str, list[str]] = {}
    for host, message in lines:
        hosts.setdefault(message, []).append(host)
    return [f"{', '.join(names)}: {message}" for message, names in hosts.items()]
