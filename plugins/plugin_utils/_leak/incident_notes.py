# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observations of a leak response, as events of its incident in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident, shortened
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import task_summaries
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

HEALTHY = "healthy"
COMMAND_LEFT_OUT = "{} shows the command"
WHOLE, ROOM = 4 << 10, 64 << 10
"""Characters of a possible foothold with its command, and of all footholds in one entry: an attacker chooses file
names."""


def incident_of(journal: Journal) -> Incident:
    """The open incident. Raises RotationError."""
    if journal.incident is None:
        raise RotationError(
            "no leak is declared; start the whole playbook: ansible-playbook watchparty.secrets.leak_response"
        )
    return journal.incident


def note(setting: RotationSetup, journal: Journal, events: Mapping[str, str]) -> Journal:
    """Appends these events with their evidence, in one entry. An event counts once. Returns the journal."""
    incident = incident_of(journal)
    news = {event: message for event, message in events.items() if _is_news(incident, event)}
    if not news:
        return journal
    at = timestamps.stamp(rotation_context.now())
    evidence: dict[str, str] = {}
    for event, message in news.items():
        if message:
            evidence[event] = _kept(event, one_line(message), ROOM - sum(map(len, evidence.values())))
    return setting.rotator.append(journal, incident.id, "closed", events=dict.fromkeys(news, at), evidence=evidence)


def note_health(setting: RotationSetup, journal: Journal, health: Mapping[str, Any]) -> Journal:
    """Appends the hosts' health if every host that was not skipped is healthy. Each run notes it, because each may have
    revoked something."""
    incident = incident_of(journal)
    healthy, problems = task_summaries.health(health, incident.behind)
    if problems or not healthy:
        return journal
    before = incident.about(HEALTHY)
    event = f"{HEALTHY}/{len(before) + 1}" if before else HEALTHY
    return note(setting, journal, {event: "; ".join(f"{host}: {message}" for host, message in healthy.items())})


def footholds(incident: Incident, *, but: Sequence[str] = ()) -> dict[str, str]:
    """Remaining possible footholds by event, without those of the given-up hosts ``but``."""
    events = {event: event.split("/") for event in incident.footholds}
    return {event: foothold(incident, event) for event, parts in events.items() if parts[2] not in but}


def foothold(incident: Incident, event: str) -> str:
    """The text of a possible foothold."""
    return f"{event.split('/')[1]}: {incident.evidence.get(event, '').partition(': ')[2]}"


def ruled_out(incident: Incident, names: Sequence[str]) -> dict[str, str]:
    """Events that record the operator's check of these credentials' footholds."""
    events = [event.partition("/")[2] for event in incident.footholds]
    return {f"ruled_out/{about}": "" for about in events if about.partition("/")[0] in names}


def back(hosts: Sequence[str]) -> dict[str, str]:
    """Events of hosts that an earlier run skipped and that are verified now."""
    return {f"verified/{host}": "" for host in hosts}


def _kept(event: str, message: str, room: int) -> str:
    """The message, cut to ``room``. A command is left out whole instead of being cut."""
    text, _colon, command = message.rpartition(": ")
    if event.startswith("foothold/") and command and text:
        if len(message) <= min(WHOLE, room):
            return message
        on_host = event.count("/") > 2
        where = "the module host_evidence" if on_host else "the output of the run"
        return f"{shortened(text)}; {COMMAND_LEFT_OUT.format(where)}"
    return shortened(message)


def _is_news(incident: Incident, event: str) -> bool:
    """Whether the event is new. A host may be skipped again, and is verified only after that."""
    kind, _slash, host = event.partition("/")
    if kind in ("skipped", "verified"):
        return (host in incident.behind) is (kind == "verified")
    return event not in incident.events
