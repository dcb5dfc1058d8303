# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dated events of an incident from a rotation's steps. Pure.

An event is in the same journal entry as its step, so a killed run loses none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.fingerprints import of_text
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident, named
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation, PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import ELASTICACHE_AUTH_TOKEN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

SHOWN = 3
"""Number of hosts and servers that evidence names; the rest is counted."""
MOST_FOOTHOLDS = 5
"""Number of possible footholds per credential in the journal; the last one counts the rest."""
OUTLIVED = ELASTICACHE_AUTH_TOKEN
"""The kind whose old sessions a run may not be able to end."""


def events(
    rotation: OpenRotation,
    following: str,
    kinds: Mapping[str, Kind],
    at: str,
    incident: Incident,
    *,
    reads: Collection[str],
    first: str = "",
    blocked: Collection[str] = (),
) -> dict[str, str]:
    """Events as the step ``following`` begins; ``rotation`` is at the step that has ended.

    ``reads`` are credentials that the application reads. ``first`` is the time of the first healthy host in an ended
    rollout. ``blocked`` are credentials whose leaked value was disabled before new values were made. A rotation that
    does not answer the incident has no events, nor has a new value that may have leaked too.
    """
    if rotation.plan.get("incident") != incident.id:
        return {}
    items = plan.items_of(rotation.plan)
    changing = [item for item in items if item.act in plan.CHANGES]
    changed = [item for item in changing if named(rotation.id, item.credential) not in incident.spoiled]
    # A value that an unreachable host still authorizes is not rejected yet.
    late = [item for item in items if item.hosts]
    complete_items = [item for item in (*changed, *late) if not rotation.hosts_with_old_key.get(item.credential)]
    events = []
    down = taking_down({item.credential: item.kind for item in changing}, kinds, reads)
    if rotation.step == "create":
        events += [f"blocked/{name}" for name in blocked]
    if down and (following == "revoke_first" or (rotation.step == "create" and {*blocked} & {*down})):
        events.append(f"down/{rotation.id}")
    if rotation.step == "revoke_first" and following == "deploy":
        events += [f"refused/{item.credential}" for item in complete_items if _removes(item, kinds)]
    if rotation.step == "deploy" and following == "promote":
        events += [f"live/{item.credential}" for item in changed]
        events += [f"up/{rotation.id}"] if rotation.plan.get("immediate") and down else []
    if rotation.step == "revoke" and following == "record":
        events += [f"{_end(item, kinds, incident.behind)}/{item.credential}" for item in complete_items]
        events += [f"previous_revoked/{item.credential}" for item in complete_items if item.former]
    dated = dict.fromkeys(events, at)
    if first and changed and rotation.step == "deploy" and following == "promote":
        return {f"first/{rotation.id}": first, **dated}
    return dated


def outlived(events: Mapping[str, str], results: Mapping[str, Any]) -> dict[str, str]:
    """Further events of rejected values: sessions that could not be ended, comparisons with a baseline, uses of
    honeytokens, and footholds."""
    parts = ((event.partition("/"), at) for event, at in events.items())
    refused = {name: at for (kind, _slash, name), at in parts if kind == "refused"}
    result = {f"outlived/{name}": at for name, at in refused.items() if results.get(name, {}).get("not_ended")}
    result |= {f"compared/{name}": at for name, at in refused.items() if results.get(name, {}).get("baseline")}
    result |= {f"used/{name}": at for name, at in refused.items() if _use(results.get(name, {}))}
    for name, at in refused.items():
        result.update(dict.fromkeys(_footholds(name, results.get(name, {})), at))
    return result


def _use(result: Mapping[str, Any]) -> str:
    """The last use of a honeytoken, as its kind notes it."""
    notes = result.get("notes") or {}
    return str({**notes.get("used", {}), **notes.get("used_at_end", {})}.get("last", ""))


def _footholds(name: str, result: Mapping[str, Any]) -> dict[str, str]:
    """Possible and removed footholds, by event. The same text counts once."""
    footholds, evicted_lines = (_kept(result.get(key) or ()) for key in ("footholds", "evicted"))
    events = {f"foothold/{name}/{digest}": text for digest, text in {**footholds, **evicted_lines}.items()}
    return {**events, **{f"evicted/{name}/{digest}": "" for digest in evicted_lines}}


def _kept(findings: Sequence[str]) -> dict[str, str]:
    """Findings by digest; a last one counts the rest."""
    texts = {of_text(text): text for text in findings}
    if len(texts) > MOST_FOOTHOLDS:
        *texts_shown, last = list(texts)[:MOST_FOOTHOLDS]
        rest = f"and {len(texts) - len(texts_shown)} more, which the run's output names"
        texts = {**{digest: texts[digest] for digest in texts_shown}, last: rest}
    return texts


def evidence(events: Iterable[str], results: Mapping[str, Any]) -> dict[str, str]:
    """Evidence by event: rejected old values, or sessions that could not be ended. ``results`` are modules' answers by
    credential."""
    result = {}
    for event in events:
        name, _slash, credential = event.partition("/")
        message = _refusal(results[credential]) if name == "refused" and credential in results else ""
        message = _few(results[credential]["not_ended"]) if name == "outlived" else message
        message = results[credential]["baseline"] if name == "compared" else message
        message = _use(results[credential]) if name == "used" else message
        if name in ("foothold", "evicted"):
            credential = credential.partition("/")[0]
            message = _footholds(credential, results[credential])[event]
        if message:
            result[event] = message
    return result


def _refusal(result: Mapping[str, Any]) -> str:
    each = [item for item in result.get("results", [result]) if not item.get("unreachable") and not item.get("failed")]
    hosts = [item["secret_rotate_each"] for item in each if "secret_rotate_each" in item]
    places = _rejecting(result)
    ended = [_count(item["ended"]) for item in each if "ended" in item]
    sessions = f"{sum(ended)} session{'' if sum(ended) == 1 else 's'} ended"
    parts = (
        (hosts, f"on {_few(hosts)}"),
        (places, f"by {_few(places)}"),
        (result.get("refusal"), f"answer {result.get('refusal')}"),
        (ended, sessions),
        ("seconds" in result, f"after {result.get('seconds', 0):.1f} s"),
    )
    return ", ".join(text for is_known, text in parts if is_known)


def _rejecting(result: Mapping[str, Any]) -> list[str]:
    refused = result.get("refused")
    places = list(refused) if isinstance(refused, (list, tuple)) else []
    return places + [place for place, accepted in dict(result.get("accepted") or {}).items() if not accepted]


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _count(result: Any) -> int:
    """Number of sessions, which a module counts, lists, or counts by place."""
    if isinstance(result, Mapping):
        return sum(map(_count, result.values()))
    return len(result) if isinstance(result, (list, tuple)) else int(result)


def taking_down(chosen: Mapping[str, str], kinds: Mapping[str, Kind], reads: Collection[str]) -> list[str]:
    """Names of ``chosen`` credentials, given with their kinds, without which the application is down.

    A signing key is not revoked at a server; services that it opens are stopped instead.
    """
    read_kinds = {name: kinds.get(kind, Kind(kind)) for name, kind in chosen.items() if name in reads}
    return [name for name, kind in read_kinds.items() if "revoke" in kind.stages or kind.phases == 2]


def replaced(
    rotation: OpenRotation, open_tasks: Mapping[str, Any], incident: Incident, former: Iterable[PendingTask] = ()
) -> dict[str, Any]:
    """Versions and parameters with replaced values, for the closing entry, and those with revoked ``former`` values.

    If the rotation is not the leak's own, versions that tasks in ``open_tasks`` need are left out.
    """
    if not any(item.act in plan.CHANGES for item in plan.items_of(rotation.plan)):
        return {}
    own = rotation.plan.get("incident") == incident.id
    needed = set() if own else {version for task in open_tasks.values() for version in task["secrets"].values()}
    secrets = {name: version for name, version in rotation.plan.get("secrets", {}).items() if version not in needed}
    extra: dict[str, list[str]] = {}
    for pending_task in former:
        for name, version in pending_task.secrets.items():
            extra.setdefault(name, [secrets[name]] if name in secrets else []).append(version)
    secrets.update(extra)
    return {"secrets": secrets, "parameters": sorted(rotation.plan.get("parameters", {}))}


def hastened(rotation: OpenRotation) -> OpenRotation | None:
    """A leak's graceful rotation, changed to revoke old values first. None if it already does or soon will.

    During a deploy, the revocation comes before the remaining hosts.
    """
    if not rotation.plan.get("incident") or rotation.plan.get("immediate"):
        return None
    if rotation.step not in ("create", "set", "test", "deploy"):
        return None
    again = "revoke_first" if state_machine.is_past_return(rotation) else "test"
    step = again if rotation.step == "deploy" else rotation.step
    return replace(rotation, step=step, phase=0, plan={**rotation.plan, "immediate": True})


def _removes(item: plan.Item, kinds: Mapping[str, Kind]) -> bool:
    """Whether the kind revokes the old value itself and verifies that it is rejected."""
    kind = kinds.get(item.kind)
    return kind is not None and "revoke" in kind.stages


def _end(item: plan.Item, kinds: Mapping[str, Kind], behind: Collection[str]) -> str:
    """The event: "refused"; "kept" for a signing key that still verifies; "given" if only the provider can revoke the
    value; "renewed" for a signing key while hosts ``behind`` verify with the old key."""
    if item.act == plan.RENEW:
        return "renewed" if behind else "refused"
    if _removes(item, kinds):
        return "refused"
    return "kept" if item.phases == 2 else "given"
