# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Messages about a rotation that is open while a leak is answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind


def ahead(rotation: OpenRotation | None, *, may_have_leaked: bool) -> str:
    """The plan's line about an open rotation; empty if none is open."""
    if rotation is None:
        return ""
    way = "is rolled back, since its new values may have leaked" if may_have_leaked else "is ended"
    names = ", ".join(sorted(rotation.plan.get("credentials", {})))
    return f"first, {rotation} of {names} {way}; no new value is made before that"


def ends(catalog: Catalog, kinds: Mapping[str, Kind], rotation: OpenRotation, *, back: bool) -> dict[str, Any]:
    """Effects of the rotation's end: old values that it ``removes``, whether ``first``, before the deploy, and whether
    this is ``past``."""
    removes = (
        []
        if back
        else [item.credential for item in plan.items_of(rotation.plan) if _goes(catalog, kinds, rotation, item)]
    )
    return {
        "removes": removes,
        "first": bool(rotation.plan.get("immediate")) and rotation.step not in ("promote", "revoke", "record"),
        "past": not back and state_machine.is_past_return(rotation),
        "restarts": any(stage.startswith(("deploy", "abort")) for stage in state_machine.remaining(rotation)),
    }


def _goes(catalog: Catalog, kinds: Mapping[str, Kind], rotation: OpenRotation, item: plan.Item) -> bool:
    """Whether the rotation's end revokes a credential's old value."""
    if item.act != plan.ROTATE:
        return True
    later = not rotation.plan.get("incident") and credential_ages.revokes_later(catalog.credentials[item.credential])
    return "revoke" in kinds.get(item.kind, Kind(item.kind)).stages and not later


def stuck(rotation: OpenRotation | None, incident: str, results: Mapping[str, Any]) -> str:
    """The report's line about a rotation that did not end. Empty if none is open, or another run began it since.

    ``results``: by credential, its result in this run, and why.
    """
    if rotation is None:
        return ""
    names = sorted(rotation.plan.get("credentials", {}))
    messages = [results[name].get("why") for name in names if name in results and not results[name].get("replaced")]
    own = rotation.plan.get("incident") == incident
    if not (own or messages):
        return ""
    why = next((message for message in messages if message), "it did not end")
    whose = "of this leak" if own else "that was open before"
    return f"{rotation} of {', '.join(names)}, {whose}, blocks the leak response: {why}. {_remedy(rotation)}"


def _remedy(rotation: OpenRotation) -> str:
    go_on = "Remove that cause, then run the same watchparty.secrets.leak_response command again"
    if rotation.aborting:
        return (
            f"{go_on}; or finish only the rollback: "
            f"ansible-playbook watchparty.secrets.rotate -e rotation_resume={rotation.id}"
        )
    if state_machine.is_past_return(rotation):
        return (
            f"{go_on}. Or finish only the rotation: ansible-playbook watchparty.secrets.rotate -e "
            f"rotation_resume={rotation.id}. If hosts are gone for good, add -e rotation_skip_hosts=HOST. No rollback "
            "is possible any more"
        )
    return (
        f"{go_on}, or abort the rotation with ansible-playbook watchparty.secrets.rotate -e rotation_abort=true -e "
        f"rotation_resume={rotation.id}"
    )
