# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences between the key, provider, policies and roles in AWS and those of the catalog, by statement. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS, Row, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import INLINE_END
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import listed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import statements
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.session_denial import is_denial

DETACH = "aws iam detach-role-policy --role-name {name} --policy-arn {target}"
"""The command for an attached policy, which can be attached again."""
INLINE = "aws iam get-role-policy --role-name {name} --policy-name {target}"
"""The command for an inline policy. It only shows the policy, because a deletion cannot be undone."""
NOTHING = "no resource of the catalog's key aws exists; create them: ansible-playbook watchparty.secrets.provision"


def compare(
    plan: Mapping[str, Any],
    roles: Mapping[str, Mapping[str, Any]],
    key: Mapping[str, Any] | None,
    provider: Mapping[str, Any] | None,
) -> list[Row]:
    """One row for each resource that is as provisioning plans it, and one row for each difference.

    ``roles`` are answers of ``policies_reader.Policies.role``, ``key`` has its policy, ``provider`` its clients. None
    if it does not exist.
    """
    wanted = {role["name"]: role for role in plan["roles"]}
    if key is None and all(roles.get(name, {}).get("missing") for name in wanted):
        return [row(NOT_CHECKED, "", NOTHING)]
    rows = list(_key(plan["key"], key))
    if plan["provider"]:
        rows += _provider(plan["provider"], provider)
    documents = {policy["arn"]: policy for policy in plan["policies"]}
    for name, role in wanted.items():
        rows += _role(name, role, roles.get(name, {"missing": True}), documents)
    return rows


def _judged(place: str, differences: Sequence[str], message: str = "as the catalog says") -> Iterator[Row]:
    for difference in differences:
        yield row(FAIL, place, difference)
    if not differences:
        yield row(PASS, place, message)


def _key(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> Iterator[Row]:
    place = f"key {wanted['alias']}"
    if present is None:
        yield row(FAIL, place, "does not exist")
    elif present.get("problem"):
        yield row(NOT_CHECKED, place, present["problem"])
    else:
        yield from _judged(place, list(differences(wanted["policy"], present["policy"])))


def _provider(wanted: Mapping[str, Any], present: Mapping[str, Any] | None) -> Iterator[Row]:
    place = f"provider {wanted['url']}"
    if present is None:
        yield row(FAIL, place, "does not exist, so no workflow gets a session")
    elif present.get("problem"):
        yield row(NOT_CHECKED, place, present["problem"])
    else:
        missing = [client for client in wanted["client_ids"] if client not in present["clients"]]
        yield from _judged(place, [f"lacks the client id {client}" for client in missing])


def _role(
    name: str, wanted: Mapping[str, Any], present: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]
) -> Iterator[Row]:
    place = f"role {name}"
    if present.get("problem") and not present.get("missing"):
        yield row(NOT_CHECKED, place, present["problem"])
        return
    if present.get("missing"):
        yield row(FAIL, place, "does not exist")
        return
    differs = [f"trust policy: {difference}" for difference in differences(wanted["trust"], present["trust"])]
    attached = {arn: policy_name for policy_name, arn in present["attached"].items()}
    for arn in wanted["policies"]:
        policy = policies[arn]
        if arn not in attached:
            differs.append(f"policy {policy['name']} is not attached")
        else:
            differs += [
                f"policy {policy['name']}: {difference}"
                for difference in differences(policy["document"], present["policies"][attached[arn]])
            ]
    additions = [
        *((policy_name, arn, DETACH) for arn, policy_name in attached.items() if arn not in wanted["policies"]),
        *(
            (policy_name, policy_name, INLINE)
            for policy_name in present["inline"]
            if not _denies_old(policy_name, present)
        ),
    ]
    if differs or not additions:
        yield from _judged(place, differs)
    for policy_name, target, command in sorted(additions):
        message = f"also has the policy {policy_name}, which is not in the catalog"
        yield {**row(FAIL, place, message), "target": target, "command": command}


def _denies_old(inline: str, present: Mapping[str, Any]) -> bool:
    """Whether this inline policy only denies temporary credentials that were issued before a date."""
    policies = present["policies"]
    return is_denial(inline, policies.get(inline + INLINE_END) or policies.get(inline) or {})


def differences(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    """The differences between two policies, by statement."""
    ours, theirs = _named(wanted), _named(present)
    for sid, entry in ours.items():
        other = theirs.get(sid)
        if other is None:
            yield f"lacks statement {sid}"
        elif entry != other:
            parts = sorted(part for part in {*entry, *other} if entry.get(part) != other.get(part))
            yield f"statement {sid} differs in {', '.join(parts)}"
    for sid in theirs:
        if sid not in ours:
            yield f"has statement {sid}, which is not in the catalog"


def _named(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        str(entry.get("Sid") or f"number {number}"): {
            part: _canonical(value) for part, value in entry.items() if part != "Sid"
        }
        for number, entry in enumerate(statements(document), 1)
    }


def _canonical(value: Any) -> str:
    """The same text for equal values: a text or a list of it, in any order."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    texts = sorted({str(flag).lower() if isinstance(flag, bool) else str(flag) for flag in listed(value)})
    return texts[0] if len(texts) == 1 else texts
