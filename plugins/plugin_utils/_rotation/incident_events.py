# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation's steps mean to the leak that it answers, so that the journal tells the clock. Pure.

An event is kept with the entry of the step that it comes with: a run that is killed loses none.
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
"""Hosts and servers that are named as evidence; the rest is counted."""
MOST_FOOTHOLDS = 5
"""Possible footholds that the journal keeps of a credential; the last one counts the rest."""
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
    """What is seen to hold as ``following`` begins, by name; ``rotation`` stands at the step that has ended.

    ``reads`` are the credentials that the application reads; ``first`` is when the first host was healthy in a
    rollout that has ended; ``blocked`` are those whose leaked value was disabled before new ones were made. A rotation
    that does not answer the incident tells it nothing, nor does a new value that may have leaked too.
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
    """Further events of old values in ``events`` that are refused: sessions that could not be ended, comparisons with
    a baseline, uses of honeytokens, and what may be another way in."""
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
    """What may be another way in, by event, and what was removed: the same text counts once."""
    footholds, evicted_lines = (_kept(result.get(key) or ()) for key in ("footholds", "evicted"))
    events = {f"foothold/{name}/{digest}": text for digest, text in {**footholds, **evicted_lines}.items()}
    return {**events, **{f"evicted/{name}/{digest}": "" for digest in evicted_lines}}


def _kept(findings: Sequence[str]) -> dict[str, str]:
    """Each by a digest; of many the last one counts the rest."""
    texts = {of_text(text): text for text in findings}
    if len(texts) > MOST_FOOTHOLDS:
        *texts_shown, last = list(texts)[:MOST_FOOTHOLDS]
        rest = f"and {len(texts) - len(texts_shown)} more, which the run's output names"
        texts = {**{digest: texts[digest] for digest in texts_shown}, last: rest}
    return texts


def evidence(events: Iterable[str], results: Mapping[str, Any]) -> dict[str, str]:
    """What shows that old values are refused, by event, or where their sessions could not be ended; ``results`` are the
    modules' answers by credential."""
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
    """Sessions that a module counts, lists, or counts by place."""
    if isinstance(result, Mapping):
        return sum(map(_count, result.values()))
    return len(result) if isinstance(result, (list, tuple)) else int(result)


def taking_down(chosen: Mapping[str, str], kinds: Mapping[str, Kind], reads: Collection[str]) -> list[str]:
    """Those of the ``chosen`` credentials, given with their kinds, without which the application is down.

    A key that signs is not removed at a server, and what it opens is stopped instead.
    """
    read_kinds = {name: kinds.get(kind, Kind(kind)) for name, kind in chosen.items() if name in reads}
    return [name for name, kind in read_kinds.items() if "revoke" in kind.stages or kind.phases == 2]


def replaced(
    rotation: OpenRotation, open_tasks: Mapping[str, Any], incident: Incident, former: Iterable[PendingTask] = ()
) -> dict[str, Any]:
    """The versions and parameters that held what a rotation has replaced, as its last entry keeps them, with those that
    held the ``former`` values which it has revoked too.

    Of one that has nothing to do with the leak, not those that a pending task in ``open_tasks`` still has to read.
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
    """A graceful rotation of a leak that is to remove the old values first; None if it does or is about to anyway.

    Where hosts are being deployed to already, the removal comes before the rest of them.
    """
    if not rotation.plan.get("incident") or rotation.plan.get("immediate"):
        return None
    if rotation.step not in ("create", "set", "test", "deploy"):
        return None
    again = "revoke_first" if state_machine.is_past_return(rotation) else "test"
    step = again if rotation.step == "deploy" else rotation.step
    return replace(rotation, step=step, phase=0, plan={**rotation.plan, "immediate": True})


def _removes(item: plan.Item, kinds: Mapping[str, Kind]) -> bool:
    """Whether the kind takes the old value away itself, and verifies that it is rejected."""
    kind = kinds.get(item.kind)
    return kind is not None and "revoke" in kind.stages


def _end(item: plan.Item, kinds: Mapping[str, Kind], behind: Collection[str]) -> str:
    """ "refused"; "kept" for a signing key that still verifies; "given" where only its provider can revoke it.

    "renewed" for a signing key where hosts are ``behind``: they verify with the old one until they have the new one.
    """
    if item.act == plan.RENEW:
        return "renewed" if behind else "refused"
    if _removes(item, kinds):
        return "refused"
    return "kept" if item.phases == 2 else "given"
