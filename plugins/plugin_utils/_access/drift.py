# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key, provider, policies and roles as they are, against what the catalog makes of them, by statement. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import listed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import statements

Row = dict[str, str]
NOTHING = "nothing that the catalog's aws would make is there; watchparty.secrets.provision (role aws_access) makes it"


def told(
    plan: Mapping[str, Any],
    roles: Mapping[str, Mapping[str, Any]],
    key: Mapping[str, Any] | None,
    provider: Mapping[str, Any] | None,
) -> list[Row]:
    """A row a thing that is as the plan of provisioning says, and one for each difference.

    ``roles`` are those of ``_stores.iam_policies``; ``key`` has its policy; ``provider`` its clients. None where it
    is not there.
    """
    wanted = {one["name"]: one for one in plan["roles"]}
    if key is None and all(roles.get(name, {}).get("missing") for name in wanted):
        return [_row("unknown", "", NOTHING)]
    rows = list(_key(plan["key"], key))
    if plan["provider"]:
        rows += _provider(plan["provider"], provider)
    documents = {one["arn"]: one for one in plan["policies"]}
    for name, role in wanted.items():
        rows += _role(name, role, roles.get(name, {"missing": True}), documents)
    return rows


def _row(state: str, place: str, words: str) -> Row:
    return {"state": state, "place": place, "words": words}


def _judged(place: str, differences: Sequence[str], words: str = "as the catalog says") -> Iterator[Row]:
    for one in differences:
        yield _row("bad", place, one)
    if not differences:
        yield _row("good", place, words)


def _key(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> Iterator[Row]:
    place = f"key {wanted['alias']}"
    if found is None:
        yield _row("bad", place, "is not there")
    elif found.get("problem"):
        yield _row("unknown", place, found["problem"])
    else:
        yield from _judged(place, list(differences(wanted["policy"], found["policy"])))


def _provider(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> Iterator[Row]:
    place = f"provider {wanted['url']}"
    if found is None:
        yield _row("bad", place, "is not there, so no workflow gets a session")
    elif found.get("problem"):
        yield _row("unknown", place, found["problem"])
    else:
        lost = [one for one in wanted["client_ids"] if one not in found["clients"]]
        yield from _judged(place, [f"does not take tokens for {one}" for one in lost])


def _role(
    name: str, wanted: Mapping[str, Any], found: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]
) -> Iterator[Row]:
    place = f"role {name}"
    if found.get("problem") and not found.get("missing"):
        yield _row("unknown", place, found["problem"])
        return
    if found.get("missing"):
        yield _row("bad", place, "is not there")
        return
    differs = [f"who may take it: {one}" for one in differences(wanted["trust"], found["trust"])]
    attached = {arn: one for one, arn in found["attached"].items()}
    for arn in wanted["policies"]:
        policy = policies[arn]
        if arn not in attached:
            differs.append(f"policy {policy['name']} is not attached")
        else:
            differs += [
                f"policy {policy['name']}: {one}"
                for one in differences(policy["document"], found["policies"][attached[arn]])
            ]
    more = [*(one for arn, one in attached.items() if arn not in wanted["policies"]), *found["inline"]]
    differs += [f"has the policy {one} too, which the catalog does not ask for" for one in sorted(more)]
    yield from _judged(place, differs)


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What one policy says and the other does not, by statement."""
    ours, theirs = _named(wanted), _named(found)
    for sid, one in ours.items():
        other = theirs.get(sid)
        if other is None:
            yield f"lacks statement {sid}"
        elif one != other:
            parts = sorted(part for part in {*one, *other} if one.get(part) != other.get(part))
            yield f"statement {sid} differs in {', '.join(parts)}"
    for sid in theirs:
        if sid not in ours:
            yield f"has statement {sid}, which the catalog does not ask for"


def _named(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        str(one.get("Sid") or f"number {number}"): {
            part: _canonical(value) for part, value in one.items() if part != "Sid"
        }
        for number, one in enumerate(statements(document), 1)
    }


def _canonical(value: Any) -> str:
    """The same for what means the same: one text or a list of it, in any order."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    found = sorted({str(one).lower() if isinstance(one, bool) else str(one) for one in listed(value)})
    return found[0] if len(found) == 1 else found
