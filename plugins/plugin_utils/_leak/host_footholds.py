# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody with a leaked SSH key may have left on hosts to come back, as events of the incident. Pure.

An event names its host and a digest of what was found: the same finding counts once, and a later change is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import SSH_KEY
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.host_answer import REJECTED

UNFINISHED = "ways_in: "
"""How a host begins to say that its look did not end."""
LONGEST = 120
"""Characters of why a look failed."""
MOST = 10
"""Findings of one host that the journal keeps; the evidence has the rest."""
Answers = Mapping[str, Mapping[str, Any]]
"""By host what host_evidence returned."""


def keys_of(impact: Mapping[str, Any]) -> list[str]:
    """The SSH keys that the leak reaches."""
    return [credential["name"] for credential in impact.get("credentials", ()) if credential["kind"] == SSH_KEY]


def events(answers: Answers, keys: Collection[str]) -> dict[str, str]:
    """What was found by event. A host decides what it answers, and may name no other credential than these ``keys``."""
    result = {}
    for host, answer in answers.items():
        found = [(entry["credential"], entry["text"]) for entry in answer.get("footholds") or ()]
        found = [(name, text) for name, text in found if name in keys]
        if len(found) > MOST:
            left = "".join(text for _name, text in found[MOST - 1 :])
            count = f"and {len(found) - MOST + 1} more ({_digest(left)}), which host_evidence lists"
            found[MOST - 1 :] = [(found[0][0], count)]
        result.update({f"foothold/{name}/{host}/{_digest(text)}": f"{host}: {text}" for name, text in found})
    return result


def unlooked(answers: Answers, skipped: Collection[str]) -> dict[str, str]:
    """By host why a look failed, or did not end; without the hosts that are ``skipped`` anyway."""
    problems = {host: _problem(answer) for host, answer in answers.items() if host not in skipped}
    return {
        host: f"ways back in were not looked for: {problem[:LONGEST]}" for host, problem in problems.items() if problem
    }


def unlooked_events(answers: Answers, keys: Sequence[str]) -> dict[str, str]:
    """The same before the first act, as events: an attacker may control a host that was not looked at. One that cannot
    be reached gets nothing anyway.
    """
    lost = [host for host, answer in answers.items() if answer.get("unreachable") and REJECTED not in _said(answer)]
    problems = unlooked(answers, lost) if keys else {}
    return {f"foothold/{keys[0]}/{host}/{_digest(text)}": f"{host}: {text}" for host, text in problems.items()}


def _said(answer: Mapping[str, Any]) -> str:
    return one_line(str(answer.get("msg") or "no answer"))


def _problem(answer: Mapping[str, Any]) -> str:
    if "footholds" in answer:
        return next((line for line in answer.get("short") or () if line.startswith(UNFINISHED)), "")
    if answer.get("skipped"):
        return "no time was left"
    if answer.get("failed") or answer.get("unreachable"):
        return _said(answer)
    return "the stores do not hold the key" if answer else ""


def evictable(answers: Answers) -> dict[str, list[str]]:
    """By host the fingerprints of authorized keys that somebody may have added."""
    keys = {
        host: [entry["key"] for entry in answer.get("footholds") or () if entry["key"]]
        for host, answer in answers.items()
    }
    return {host: names for host, names in keys.items() if names}


def evicted(incident: Incident, removed: Mapping[str, Collection[tuple[str, str]]]) -> dict[str, str]:
    """The events of those that were removed, given by host as fingerprint and file."""
    result = {}
    for event in incident.footholds:
        _what, _name, *place = event.split("/")
        text = incident.evidence.get(event, "")
        if len(place) > 1 and any(f" {key} is in {file} since " in text for key, file in removed.get(place[0], ())):
            result[f"evicted/{event.partition('/')[2]}"] = text.partition(": ")[2]
    return result


def plan_lines(found: Mapping[str, str], checked: Collection[str], hosts: Collection[str]) -> list[str]:
    """What the operator reads of them before the confirmation; ``hosts`` are those of the run."""
    parts = {event: event.split("/") for event in found}
    left = [event for event in found if parts[event][1] not in checked]
    lines = [f"possible foothold{'' if event in left else ', looked at'}: {found[event]}" for event in found]
    withheld = sorted({parts[event][2] for event in left if len(parts[event]) > 3})
    if not withheld:
        return lines
    names = ",".join(sorted({parts[event][1] for event in left}))
    rest = "" if set(hosts) - set(withheld) else ". No other host is left, so this run replaces SSH keys alone"
    return [*lines, f"nothing new is sent to {', '.join(withheld)}{rest}. {remedy(names, withheld)}"]


def remedy(names: str, hosts: Collection[str]) -> str:
    """What the operator does about them."""
    return (
        f"Look there, then run again with -e leak_footholds_checked={names}; or give the host up with "
        f"-e leak_compromised_hosts={','.join(hosts)} and rebuild it"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
