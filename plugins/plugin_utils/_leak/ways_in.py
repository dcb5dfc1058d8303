# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's section "Ways back in": what was checked, found and not checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import incident_notes
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import kinds

RECORD = "has no baseline. Once the leak is contained, record one: ansible-playbook watchparty.secrets.baseline"
UNKNOWN = (
    ". The time of the leak is unknown (-e leak_exposed_since=TIME), so only unusual files and accounts are listed"
)


def lines(impact: Mapping[str, Any], incident: Incident, answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """``answers`` are hosts' answers to the last search."""
    looked = [
        credential for credential in impact.get("credentials", ()) if f"refused/{credential['name']}" in incident.events
    ]
    texts = [
        _looked_at(credential["kind"], credential["name"], incident)
        for credential in looked
        if kinds.ways_in(credential["kind"], compared=False)
    ]
    hosts = [host for host, answer in answers.items() if "footholds" in answer]
    return [
        *(f"checked: {checked}" for checked, _not_checked in texts),
        *([f"checked in the end: {', '.join(hosts)}"] if hosts else []),
        *_comparison_lines(hosts, answers),
        *(f"{_outcome(incident, event)}: {incident_notes.foothold(incident, event)}" for event in _footholds(incident)),
        *(f"not checked: {not_checked}" for _checked, not_checked in texts),
        *(f"not checked: {host}: {line}" for host, answer in answers.items() for line in _missing(answer)),
    ]


def _comparison_lines(hosts: Sequence[str], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    by_baseline: dict[str, list[str]] = {}
    for host in hosts:
        by_baseline.setdefault(str(answers[host].get("baseline", "")), []).append(host)
    without = by_baseline.pop("", [])
    return [
        *(f"checked: {', '.join(names)} compared with the {baseline}" for baseline, names in by_baseline.items()),
        *([f"not checked: {', '.join(without)} {RECORD}"] if without else []),
    ]


def _looked_at(kind: str, name: str, incident: Incident) -> tuple[str, str]:
    baseline = incident.evidence.get(f"compared/{name}", "").rpartition(": ")[2]
    checked, not_checked = kinds.ways_in(kind, compared=bool(baseline)) or ("", "")
    window = f" since {incident.since}" if incident.since else UNKNOWN
    return checked.format(name, baseline or window), not_checked.format(name)


def _footholds(incident: Incident) -> list[str]:
    return [f"foothold/{about}" for about in incident.about("foothold")]


def _outcome(incident: Incident, event: str) -> str:
    about = event.partition("/")[2]
    if about in incident.about("evicted"):
        return "removed"
    if about in incident.about("looked"):
        return "searched later"
    return "left" if event in incident.footholds else "checked by the operator"


def _missing(answer: Mapping[str, Any]) -> list[str]:
    if "footholds" in answer:
        return list(answer.get("short") or ())
    return [one_line(str(answer.get("msg") or "no answer"))]
