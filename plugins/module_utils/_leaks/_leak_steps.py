# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation's steps mean to the leak that it answers, so that the journal tells the clock. Pure.

An event is kept with the entry of the step that it comes with: a run that is killed loses none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._incident import Incident, named
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _rotation
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind


def events(
    rotation: OpenRotation, following: str, kinds: Mapping[str, Kind], at: str, incident: Incident
) -> dict[str, str]:
    """What is seen to hold as ``following`` begins, by name; ``rotation`` stands at the step that has ended.

    A rotation that does not answer the incident tells it nothing, nor does a new value that may have leaked too.
    """
    if rotation.plan.get("incident") != incident.id:
        return {}
    changed = [
        item
        for item in _rotation.items_of(rotation.plan)
        if item.act in _rotation.CHANGES and named(rotation.id, item.credential) not in incident.spoiled
    ]
    found = []
    if following == "revoke":
        found.append(f"down/{rotation.id}")
    if rotation.step == "revoke" and following == "deploy":
        found += [f"refused/{item.credential}" for item in changed if _removes(item, kinds)]
    if rotation.step == "deploy" and following == "promote":
        found += [f"live/{item.credential}" for item in changed]
        found += [f"up/{rotation.id}"] if rotation.plan.get("immediate") else []
    if rotation.step == "retire" and following == "record":
        found += [f"{_end(item, kinds)}/{item.credential}" for item in changed]
    return dict.fromkeys(found, at)


def replaced(rotation: OpenRotation, left: Mapping[str, Any], incident: Incident) -> dict[str, Any]:
    """The versions and parameters that held what a rotation has replaced, as its last entry keeps them.

    Of one that has nothing to do with the leak, not those that an obligation ``left`` for later still has to read.
    """
    if not any(item.act in _rotation.CHANGES for item in _rotation.items_of(rotation.plan)):
        return {}
    own = rotation.plan.get("incident") == incident.id
    needed = set() if own else {version for one in left.values() for version in one["secrets"].values()}
    secrets = {name: version for name, version in rotation.plan.get("secrets", {}).items() if version not in needed}
    return {"secrets": secrets, "parameters": sorted(rotation.plan.get("parameters", {}))}


def hastened(rotation: OpenRotation) -> Optional[OpenRotation]:
    """A graceful rotation of a leak that is to remove the old values first; None if it does or is about to anyway.

    Where hosts are being deployed to already, the removal comes before the rest of them.
    """
    if not rotation.plan.get("incident") or rotation.plan.get("immediate"):
        return None
    if rotation.step not in ("plan", "create", "set", "test", "deploy"):
        return None
    step = "test" if rotation.step == "deploy" else rotation.step
    return replace(rotation, step=step, phase=0, plan={**rotation.plan, "immediate": True})


def _removes(item: _rotation.Item, kinds: Mapping[str, Kind]) -> bool:
    """Whether the kind takes the old value away itself, and proves that it is refused."""
    kind = kinds.get(item.kind)
    return kind is not None and "retire" in kind.stages


def _end(item: _rotation.Item, kinds: Mapping[str, Kind]) -> str:
    """ "refused"; "kept" for a signing key that still verifies; "given" where only its provider can revoke it."""
    if item.act == _rotation.RENEW or _removes(item, kinds):
        return "refused"
    return "kept" if item.phases == 2 else "given"
