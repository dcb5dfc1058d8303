# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Possible footholds of a leaked SSH key's holder on hosts, as events of the incident. Pure.

An event names its host and a digest of the finding: the same finding counts once, and a later change is another. An
authorized key's event also has a digest of the key and its file, by which its removal is known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.fingerprints import of_text
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import SSH_KEY

UNLOOKED = "unlooked"
"""The end of the event of a host that was not searched."""
NOT_LOOKED = "footholds not checked (the next run checks them)"
LONGEST = 120
"""Characters of the reason why a search failed."""
MOST = 10
"""Findings of one host that the journal keeps; the evidence has the rest."""
SEARCH, COMPARISON = "the module host_evidence", "ansible-playbook watchparty.secrets.baseline --check"
"""Commands that list all recent changes, and all differences from the baseline."""
Answers = Mapping[str, Mapping[str, Any]]
"""Results of host_evidence, by host."""


def keys_of(impact: Mapping[str, Any]) -> list[str]:
    """SSH keys that the leak reaches."""
    return [credential["name"] for credential in impact.get("credentials", ()) if credential["kind"] == SSH_KEY]


def events(answers: Answers, keys: Collection[str]) -> dict[str, str]:
    """Findings by event. A host chooses its answer, so only credentials in ``keys`` count."""
    result = {}
    for host, answer in answers.items():
        footholds = [entry for entry in answer.get("footholds") or () if entry["credential"] in keys]
        if len(footholds) > MOST:
            text = "".join(entry["text"] for entry in footholds[MOST - 1 :])
            lists = f"{COMPARISON} and {SEARCH}" if answer.get("baseline") else SEARCH
            count = f"and {len(footholds) - MOST + 1} more ({of_text(text)}); listed by {lists}"
            footholds[MOST - 1 :] = [{**footholds[0], "text": count, "key": ""}]
        result.update({_event(host, entry): f"{host}: {entry['text']}" for entry in footholds})
    return result


def _event(host: str, entry: Mapping[str, str]) -> str:
    event = f"foothold/{entry['credential']}/{host}/{of_text(entry['text'])}"
    return f"{event}/{_key_digest(entry['key'], entry['file'])}" if entry["key"] else event


def unlooked(answers: Answers, skipped: Collection[str]) -> dict[str, str]:
    """Hosts whose search failed or did not end, with the reason, without ``skipped`` hosts."""
    problems = {host: _problem(answer) for host, answer in answers.items() if host not in skipped}
    return {host: f"{NOT_LOOKED}: {problem[:LONGEST]}" for host, problem in problems.items() if problem}


def unlooked_events(answers: Answers, keys: Sequence[str], at: str) -> dict[str, str]:
    """Events of hosts that were not searched before the first act: an attacker may control such a host, and an
    unreachable host may answer in a wave."""
    problems = unlooked(answers, ()) if keys else {}
    return {
        f"foothold/{keys[0]}/{host}/{of_text(at + text)}/{UNLOOKED}": f"{host}: {text}"
        for host, text in problems.items()
    }


def newly_searched(footholds: Sequence[str], answers: Answers) -> dict[str, str]:
    """Events of hosts that are searched now and were not before. ``footholds`` are the remaining ones."""
    hosts = [host for host, answer in answers.items() if "footholds" in answer and not _problem(answer)]
    places = {event: event.split("/") for event in footholds}
    over = [event for event, parts in places.items() if parts[-1] == UNLOOKED and parts[2] in hosts]
    return {f"looked/{event.partition('/')[2]}": "" for event in over}


def _message(answer: Mapping[str, Any]) -> str:
    return one_line(str(answer.get("msg") or "no answer"))


def _problem(answer: Mapping[str, Any]) -> str:
    if "footholds" in answer:
        return str(answer.get("unfinished", "the answer does not say whether the search ended"))
    if answer.get("skipped"):
        return "no time was left"
    if answer.get("failed") or answer.get("unreachable"):
        return _message(answer)
    return "the stores do not hold the leaked SSH key" if answer else ""


def evictable(answers: Answers) -> dict[str, list[str]]:
    """Fingerprints of authorized keys that somebody may have added, by host."""
    keys = {
        host: [entry["key"] for entry in answer.get("footholds") or () if entry["key"]]
        for host, answer in answers.items()
    }
    return {host: names for host, names in keys.items() if names}


def evicted(incident: Incident, removed: Mapping[str, Collection[tuple[str, str]]]) -> dict[str, str]:
    """Events of removed keys, which are given by host as fingerprint and file."""
    digests = {host: {_key_digest(*each) for each in keys} for host, keys in removed.items()}
    places = {event: event.split("/") for event in incident.footholds}
    return {
        f"evicted/{event.partition('/')[2]}": incident.evidence.get(event, "").partition(": ")[2]
        for event, parts in places.items()
        if len(parts) > 4 and parts[4] in digests.get(parts[2], ())
    }


def remedy(names: str, hosts: Collection[str]) -> str:
    """The operator's next steps."""
    return (
        "Check each possible foothold and remove what is not yours. Then run the same command with -e "
        f"leak_footholds_checked={names}. Or give up {', '.join(hosts)} with -e "
        f"leak_compromised_hosts={','.join(hosts)} and rebuild the host"
    )


def _key_digest(key: str, file: str) -> str:
    return of_text(f"{key} {file}")


@dataclass(frozen=True)
class FirstLook:
    """Hosts' answers before the first act."""

    answers: Answers
    keys: Sequence[str]
    """SSH keys that the leak reaches."""
    at: str

    @property
    def found(self) -> dict[str, str]:
        """Findings by event."""
        return {**events(self.answers, self.keys), **unlooked_events(self.answers, self.keys, self.at)}

    def news(self, footholds: Sequence[str]) -> dict[str, str]:
        """New events for the journal. ``footholds`` are an earlier run's remaining events."""
        return {**self.found, **newly_searched(footholds, self.answers)}

    def plan_lines(self, earlier: Mapping[str, str], checked: Collection[str], hosts: Collection[str]) -> list[str]:
        """Lines before the confirmation. They include an earlier run's footholds, some of which may be gone by now.
        ``hosts`` are those of the run."""
        over = newly_searched(list(earlier), self.answers)
        footholds = {event: text for event, text in earlier.items() if f"looked/{event.partition('/')[2]}" not in over}
        footholds.update({event: f"{event.split('/')[1]}: {text}" for event, text in self.found.items()})
        return plan_lines(footholds, checked, hosts)


def plan_lines(footholds: Mapping[str, str], checked: Collection[str], hosts: Collection[str]) -> list[str]:
    """Lines before the confirmation. ``hosts`` are those of the run."""
    parts = {event: event.split("/") for event in footholds}
    unchecked = [event for event in footholds if parts[event][1] not in checked]
    lines = [
        f"possible foothold{'' if event in unchecked else ', checked by the operator'}: {footholds[event]}"
        for event in footholds
    ]
    withheld = sorted({parts[event][2] for event in unchecked if len(parts[event]) > 3})
    if not withheld:
        return lines
    names = ",".join(sorted({parts[event][1] for event in unchecked}))
    rest = "" if set(hosts) - set(withheld) else ". No other host is left, so this run replaces only SSH keys"
    return [*lines, f"no new values are sent to {', '.join(withheld)}{rest}. {remedy(names, withheld)}"]
