# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's facts, put together from the journal and from what the run saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import _ages
from ansible_collections.watchparty.secrets.plugins.module_utils._incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import PENDING

EVENTS = {
    "planned": "the blast radius and the plan were known",
    "live": "every host was healthy on the new value of {}",
    "refused": "the old value of {} was refused",
    "purged": "caches were purged",
    "invalidated": "CloudFront was told to forget its copies ({})",
    "sessions": "sessions were ended",
}
"""By an event's first word; the rest names what it is about."""


def open_rotation(
    journal: Journal, impact: Mapping[str, Any], matches: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The rotation that is open, and whether its new values may have leaked with what was declared."""
    rotation = journal.rotation
    if rotation is None:
        return None
    items = rotation.plan.get("credentials", {})
    reached = {one["name"] for one in impact.get("credentials", [])}
    exposed = any(edge["from"] != edge["to"] for edge in impact.get("edges", []))
    pending = any(match.get("stage") == PENDING and match.get("credential") in items for match in matches)
    keeps_old = any(name in reached and item.get("phases") == 2 for name, item in items.items())
    return {
        "id": rotation.id,
        "step": rotation.step,
        "credentials": sorted(items),
        "may_have_leaked": bool(pending or keeps_old or exposed) and rotation.step not in ("retire", "record"),
    }


def facts_of(
    catalog: Catalog,
    incident: Incident,
    impact: Mapping[str, Any],
    results: Mapping[str, Any],
    told: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """``results`` says by credential what became of it; ``told`` are lists of words by heading."""
    began = _ages.moment(incident.at)

    reached = impact.get("credentials", [])

    def seconds(at: str) -> float:
        return (_ages.moment(at) - began).total_seconds()

    rows = [_row(catalog, one, results.get(one["name"]) or _before(incident, one["name"])) for one in reached]
    still = [f"{row['name']}: {row['state']}" for row in rows if row["open"]]
    clock = _clock({name: seconds(at) for name, at in incident.events.items()})
    timeline = [{"seconds": 0.0, "at": incident.at, "what": f"declared by {incident.who}"}]
    timeline += [
        {"seconds": seconds(at), "at": at, "what": _words(name)}
        for name, at in sorted(incident.events.items(), key=lambda item: item[1])
    ]
    return {
        "id": incident.id,
        "application": catalog.application,
        "environment": catalog.environment,
        "declared_at": incident.at,
        "who": incident.who,
        "containment": incident.containment,
        "exposed_since": incident.since,
        "declared": list(incident.declared),
        "declared_words": list(told.get("declared", ())) or list(incident.declared),
        "clock": clock,
        "contained_seconds": clock.get("refused") if not still else None,
        "graph": {"declared": [], "credentials": [], "edges": [], **impact},
        "credentials": rows,
        "timeline": timeline,
        "hosts_words": list(told.get("hosts", ())),
        "readers": list(told.get("readers", ())),
        "evidence": list(told.get("evidence", ())),
        "scrubbed": list(told.get("scrubbed", ())),
        "not_scrubbed": list(told.get("not_scrubbed", ())),
        "open": [*still, *told.get("open", ())],
        "written_at": _ages.stamp(now),
    }


def _before(incident: Incident, name: str) -> dict[str, Any]:
    """What became of a credential in an earlier run of the same incident."""
    at = incident.events.get(f"refused/{name}")
    return {"replaced": True, "evidence": f"refused since {at}"} if at else {}


def _words(event: str) -> str:
    name, _slash, about = event.partition("/")
    return EVENTS[name].format(about) if name in EVENTS else event


def _clock(seconds: Mapping[str, float]) -> dict[str, float]:
    """The clock's hands: of what happens once a rotation, the first or the last."""
    live = [at for name, at in seconds.items() if name.startswith("live/")]
    refused = [at for name, at in seconds.items() if name.startswith("refused/")]
    once = {name: at for name, at in seconds.items() if name in ("planned", "purged", "sessions")}
    return {
        **once,
        **({"first_live": min(live), "healthy": max(live)} if live else {}),
        **({"refused": max(refused)} if refused else {}),
    }


def _row(catalog: Catalog, one: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    credential = catalog.credentials[one["name"]]
    done = result.get("replaced", False)
    page = f"; revoke it at {credential.provider_url}" if credential.provider_url else ""
    state = "replaced, the old value is refused" if done else f"OPEN: {result.get('why', 'not replaced')}{page}"
    return {
        "name": one["name"],
        "kind": one["kind"],
        "severity": one["severity"],
        "through": "; ".join(f"{via['from']}, {via['why']}" for via in one["via"]) or "declared",
        "state": state,
        "open": not done,
        "evidence": result.get("evidence", ""),
    }
