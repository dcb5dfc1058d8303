# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's facts, from the journal and the run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import restart_commands
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import TRIED, Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import SERVERS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import ways_in
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.elasticache_group import END_SESSIONS

EVENTS = {
    "planned": "the blast radius and the plan were known",
    "first": "the first host was healthy on the new values of {}",
    "live": "every host that was reached was healthy on the new value of {}",
    "disabling": "the run began to disable the leaked value of {}",
    "blocked": "the leaked login of {} was blocked, before a new value was made",
    "refused": "the old value of {} was rejected",
    "previous_revoked": "the previous values of {}, still valid after earlier rotations, were rejected",
    "given": "the new value of {} is in force; only its provider can revoke the old value",
    "kept": "the new key of {} signs; hosts still accept signatures of the old key",
    "confirmed": "the operator confirmed that the old value of {} was revoked",
    "again": "{} must be replaced again: its new value may have leaked too, or its old value was in force again",
    "renewed": "the new key of {} signs; skipped hosts still accept signatures of the old key",
    "skipped": "{} was skipped, because it was not verified with the new values",
    "verified": "{} is healthy on the new values",
    "unrecorded": "{} ended without a record in the audit log; the response continued",
    "down": "{} began to revoke old values; the application is down",
    "up": "every host was healthy again on the new values of {}",
    "purged": "caches were purged",
    "invalidated": "CloudFront copies were invalidated ({})",
    "sessions": "sessions were ended",
    "outlived": "sessions of the old value of {} could not be ended",
    "compared": "the server of {} was compared with its baseline",
    "used": "the honeytoken {} had been used",
    "foothold": "a possible foothold was found ({})",
    "ruled_out": "the operator has checked the possible foothold {}",
    "looked": "a host was searched that an earlier run could not search ({})",
    "evicted": "a key or login was removed ({})",
    "denied": "temporary credentials were denied ({})",
    "absent": "{} does not exist, so it has no temporary credentials",
    "evict": "the operator asked to remove keys and logins that nothing explains (leak_evict)",
    "healthy": "every host was healthy, and no task was pending on any host",
}
"""Descriptions by an event's first word. The rest of the event replaces ``{}``."""
MOST_BY_TIME = 100
"""Limit of lines that are repeated in the order of their times."""
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
BLOCK = "until then, block the leaked login (docs/runbooks/by-hand.md, Block a login)"
OPEN = "OPEN: "
CUTS = ("refused", "purged", "invalidated", "sessions")
"""Events that may break the application."""


def facts_of(
    catalog: Catalog,
    incident: Incident,
    impact: Mapping[str, Any],
    results: Mapping[str, Any],
    answer: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """``results`` are outcomes by credential. ``answer`` holds lists of lines by heading, and by credential hosts that
    still accept the old value (``hosts_with_old_key``) and pending revocations of previous values (``waits``).
    ``left_out`` are given-up hosts, ``hosts`` the inventory's.
    """
    began = credential_ages.moment(incident.at)

    def seconds(at: str) -> float:
        return (credential_ages.moment(at) - began).total_seconds()

    hosts_with_old_key, waits = answer.get("hosts_with_old_key", {}), answer.get("waits", {})
    absent_hosts = [host for host in incident.behind if host not in (answer.get("hosts") or [host])]
    given_up = [*absent_hosts, *(host for host in incident.behind if host in answer.get("left_out", ()))]
    behind = [host for host in incident.behind if host not in given_up]
    hosts = {"behind": behind, "given_up": given_up}

    def known(name: str) -> dict[str, Any]:
        about = {"hosts_with_old_key": hosts_with_old_key.get(name, ()), "waits": waits.get(name, ""), **hosts}
        return {**results.get(name, {}), **about}

    rows = [
        _row(catalog, incident, credential, known(credential["name"])) for credential in impact.get("credentials", [])
    ]
    still = [f"{row['name']}: {row['state'].removeprefix(OPEN)}" for row in rows if row["open"]]
    still += answer.get("problems", ())
    on_word = [name for name in incident.about("confirmed") if not _is_tried(incident, name)]
    by_confirmation = [f"confirmed/{name}" for name in on_word]
    clock = _clock({name: seconds(at) for name, at in incident.events.items()}, behind, by_confirmation)
    ends = [clock[name] for name in ("refused", "confirmed") if name in clock]
    timeline = [{"seconds": 0.0, "at": incident.at, "what": f"declared by {incident.who}"}]
    timeline[0]["evidence"] = incident.evidence.get("declared", "")
    timeline += [
        {"seconds": seconds(at), "at": at, "what": _description(name), "evidence": incident.evidence.get(name, "")}
        for name, at in sorted(incident.events.items(), key=lambda item: item[1])
    ]
    ways_back = [*answer.get("accounts", ()), *ways_in.lines(impact, incident, answer.get("seen_again") or {})]
    return {
        "id": incident.id,
        "application": catalog.application,
        "environment": catalog.environment,
        "declared_at": incident.at,
        "who": incident.who,
        "containment": incident.containment,
        "exposed_since": incident.since,
        "declared": list(incident.declared),
        "declared_words": list(answer.get("declared", ())) or list(incident.declared),
        "clock": clock,
        # Rows of the clock that this incident does not need.
        "left_out": list(answer.get("clock_without", ())),
        "outages": _outages({name: seconds(at) for name, at in incident.events.items()}),
        "contained_seconds": max(ends) if ends and not still else None,
        "on_word": on_word,
        "graph": {"declared": [], "credentials": [], "edges": [], **impact},
        "credentials": rows,
        "timeline": timeline,
        "hosts_words": _hosts(catalog, answer.get("hosts") or {}, answer.get("healthy") or {}),
        "readers": list(answer.get("readers", ())),
        "evidence": list(answer.get("evidence", ())),
        "tried": list(answer.get("tried", ())),
        "ways_in": ways_back,
        "by_time": _by_time([*answer.get("readers", ()), *answer.get("evidence", ()), *ways_back], incident.since),
        "scrubbed": list(answer.get("scrubbed", ())),
        "not_scrubbed": list(answer.get("not_scrubbed", ())),
        "unhealthy": list(answer.get("unhealthy", ())),
        "open": [
            *still,
            *(_not_in_force(row["name"]) for row in rows if not row["open"] and _is_word_alone(incident, row["name"])),
            *answer.get("open", ()),
            *_outlived(incident),
            *answer.get("unhealthy", ()),
            *_left(incident, behind, absent_hosts),
            *_unrecorded(incident),
        ],
        "written_at": timestamps.stamp(now),
    }


def _by_time(lines: Sequence[str], since: str) -> list[str]:
    """Lines with a time since the exposure began, in order of their first time. They may show an attacker's acts."""
    times = {line: match[0] for line in lines if (match := _TIME.search(line)) and match[0] >= since}
    ordered = sorted(times, key=lambda line: times[line])
    rest = len(ordered) - MOST_BY_TIME
    return [
        *(f"{times[line]}: {line}" for line in ordered[:MOST_BY_TIME]),
        *([f"{rest} later lines stand in the sections around this one"] if rest > 0 else []),
    ]


def serving(catalog: Catalog, hosts: Any, left_out: Sequence[str] = ()) -> dict[str, list[str]]:
    """Restart commands by host, for services with a health address. All services if none has one."""
    answers = {name for name, service in catalog.services.items() if service.health} or set(catalog.services)
    result = {}
    for host, names in (hosts if isinstance(hosts, Mapping) else {}).items():
        its = [name for name in _its_services(catalog, names) if name in answers]
        if host not in left_out:
            result[host] = restart_commands([catalog.services[name] for name in its])
    return result


def _its_services(catalog: Catalog, names: Any) -> list[str]:
    return list(names if isinstance(names, (list, tuple)) else catalog.services)


def _hosts(catalog: Catalog, hosts: Any, healthy: Mapping[str, str]) -> list[str]:
    """Hosts with their services. ``hosts`` names them, or nothing if a host has all services of the catalog."""
    if not isinstance(hosts, Mapping):
        return list(hosts)
    lines = []
    for host, names in hosts.items():
        services = [_service(catalog, name) for name in _its_services(catalog, names)]
        seen = healthy.get(host)
        lines.append(f"{host}: {', '.join(services) or 'no services of the catalog'}" + (f"; {seen}" if seen else ""))
    return lines


def _service(catalog: Catalog, name: str) -> str:
    service = catalog.services.get(name)
    if service is None:
        return f"{name} (not in the catalog)"
    description = "; ".join(filter(None, (service.described if service.units else service.manager, service.health)))
    return f"{name} ({description})" if description else name


def _description(event: str) -> str:
    name, _slash, about = event.partition("/")
    return EVENTS[name].format(about) if name in EVENTS else event


def _clock(seconds: Mapping[str, float], behind: Sequence[str], by_confirmation: Sequence[str]) -> dict[str, float]:
    """Seconds by row. An event of several rotations counts at its first or last time. ``by_confirmation`` events do not
    count as rejected."""

    def of(*names: str) -> list[float]:
        return [at for name, at in seconds.items() if name not in by_confirmation and name.partition("/")[0] in names]

    live, refused = of("first") or of("live"), of("refused", "confirmed")
    if of("renewed") and not behind:
        refused += of("renewed", "verified")
    # Such an event after the health check may have broken hosts.
    healthy = [at for at in of("healthy") if at >= max([0.0, *of(*CUTS)])]
    once = {name: at for name, at in seconds.items() if name in ("planned", "purged", "sessions")}
    return {
        **once,
        **({"first_live": min(live)} if live else {}),
        **({"refused": max(refused)} if refused else {}),
        **({"confirmed": max(seconds[name] for name in by_confirmation)} if by_confirmation else {}),
        **({"healthy": min(healthy)} if healthy else {}),
    }


def _outages(seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Planned outages with their longest possible duration, None while the application is down."""
    outages = []
    for name, at in sorted(seconds.items(), key=lambda item: item[1]):
        if name.startswith("down/"):
            rotation = name.partition("/")[2]
            up = seconds.get(f"up/{rotation}")
            outages.append({"rotation": rotation, "from": at, "seconds": None if up is None else up - at})
    return outages


def _left(incident: Incident, behind: Sequence[str], absent_hosts: Sequence[str]) -> list[str]:
    """Lines on skipped hosts. A signing key's own row names the hosts that still accept it."""
    message = "was skipped and holds revoked values. When it answers, run ansible-playbook watchparty.secrets.deploy"
    doubtful = {host for hosts in incident.foothold_hosts.values() for host in hosts}
    lines = [
        f"{host} got no new values, because an attacker may have left a foothold there"
        for host in behind
        if host in doubtful
    ]
    if not incident.about("renewed"):
        lines += [f"{host} {message}" for host in behind if host not in doubtful]
    return lines + [
        f"{host} was skipped and is no longer in the inventory. Check that it is powered off" for host in absent_hosts
    ]


def _still_verifies(hosts: Sequence[str]) -> str:
    names = ", ".join(hosts)
    was, answer, them = ("was", "answers", "it") if len(hosts) == 1 else ("were", "answer", "them")
    return (
        f"the new key is in force, but {names} {was} skipped, so services there may still accept the leaked key. "
        f"Stop these services, or take {names} from the load balancer. Run the same command again once {names} "
        f"{answer}. Or give {them} up with -e leak_compromised_hosts={','.join(hosts)} and rebuild {them}"
    )


def _outlived(incident: Incident) -> list[str]:
    """Sessions of an ElastiCache token. A server checks the token only once, so no run can end them."""
    return [
        f"{name}: sessions of its old value could not be ended and stay logged in "
        f"({incident.evidence.get(f'outlived/{name}', 'unknown nodes')}). {END_SESSIONS}. See "
        "docs/runbooks/by-hand.md (An ElastiCache token)"
        for name in incident.about("outlived")
    ]


def _is_tried(incident: Incident, name: str) -> bool:
    """Whether a revocation was verified. While the leaked value is in force, no rejection is expected."""
    return f"given/{name}" in incident.events and f": {TRIED}" in incident.evidence.get(f"confirmed/{name}", "")


def _is_word_alone(incident: Incident, name: str) -> bool:
    return f"confirmed/{name}" in incident.events and f"given/{name}" not in incident.events


def _not_in_force(name: str) -> str:
    return (
        f"{name}: the old value is revoked, but this response has put no new value in force. Unless you stored a new "
        "value since, run "
        f"ansible-playbook watchparty.secrets.rotate -e rotation_credentials={name} -e rotation_force=true"
    )


def _unrecorded(incident: Incident) -> list[str]:
    message = "has no record in the audit log; repair the log, and write the record by hand (docs/how-to/audit-log.md)"
    return [f"rotation {rotation} {message}" for rotation in incident.about("unrecorded")]


def _still_open(hosts: Sequence[str]) -> str:
    they, them = ("it answers", "it") if len(hosts) == 1 else ("they answer", "them")
    return (
        f"but the leaked value still works on {', '.join(hosts)}. Deploy nothing there. Run the same command "
        f"again once {they}, or give {them} up with -e leak_compromised_hosts={','.join(hosts)} and rebuild "
        f"{them}"
    )


def _row(catalog: Catalog, incident: Incident, entry: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """A credential's row. This run's results take precedence over the journal's."""
    name = entry["name"]
    state, still = _state(catalog, name, incident, result)
    refused = incident.events.get(f"refused/{name}")
    parts = [
        result.get("evidence") or (f"refused since {refused}" if refused else ""),
        incident.evidence.get(f"refused/{name}", ""),
    ]
    return {
        "name": name,
        "kind": entry["kind"],
        "severity": entry["severity"],
        "through": "; ".join(f"{via['from']} ({via['why']})" for via in entry["via"]) or "declared",
        "state": state,
        "open": still,
        "evidence": "; ".join(filter(None, parts)),
    }


def _state(catalog: Catalog, name: str, incident: Incident, result: Mapping[str, Any]) -> tuple[str, bool]:
    """A credential's state as text, and whether it is still open."""
    page, events = catalog.credentials[name].provider_url, incident.events
    is_given, renewed, flag = (f"{event}/{name}" in events for event in ("given", "renewed", "confirmed"))
    if not flag and not result.get("replaced", is_given or renewed or f"refused/{name}" in events):
        blocked = "; but its leaked login is blocked" if f"blocked/{name}" in events else ""
        if catalog.credentials[name].kind in SERVERS and not blocked and f"refused/{name}" not in events:
            blocked = f"; {BLOCK}"
        return f"{OPEN}{result.get('why') or 'not replaced'}{blocked}{f'; revoke it at {page}' if page else ''}", True
    if result.get("hosts_with_old_key"):
        return f"{OPEN}the new value is in force, {_still_open(result['hosts_with_old_key'])}", True
    if result.get("waits"):
        return f"{OPEN}the new value is in force, but {result['waits']}", True
    if flag:
        tried = TRIED if _is_tried(incident, name) else "NOT tried"
        force = f"the new value is {'' if is_given else 'NOT '}in force"
        return f"revoked, as the operator confirmed; {force}; the old value was {tried}", False
    if is_given:
        message = f"revoke the old value{f' at {page}' if page else ' where it was issued'}"
        return f"{OPEN}the new value is in force; {message}, then run again with -e leak_revoked={name}", True
    if renewed and result.get("behind"):
        return f"{OPEN}{_still_verifies(result['behind'])}", True
    if renewed and result.get("given_up"):
        where = ", ".join(result["given_up"])
        given_up = f"which {'is' if len(result['given_up']) == 1 else 'are'} given up"
        return f"replaced; the old value is rejected everywhere except on {where}, {given_up}", False
    return "replaced, the old value is rejected", False
