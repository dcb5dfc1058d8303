# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Closing a declared leak as a false alarm: whether that is possible, and what was done meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import (
    DISABLING,
    REPLACED,
    Incident,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import state_machine

OUTCOME = "false_alarm"
PAST = "already revokes old values and can only be finished"
DISABLED = "may be disabled already"
FINISH = (
    "Finish the response: run ansible-playbook watchparty.secrets.leak_response again with the variables of the "
    "declaration. It leaves replaced values alone, does the rest, and writes the post-mortem"
)
_HARMLESS = {
    "purged": "caches were purged",
    "invalidated": "CloudFront copies were invalidated",
    "sessions": "everybody was logged out",
}


def conflict(incident: Incident, rotation: OpenRotation | None) -> str:
    """The reason why the incident cannot be closed as a false alarm, with the remedy. Empty if it can."""
    own = rotation if rotation is not None and rotation.plan.get("incident") == incident.id else None
    if own is not None and not state_machine.is_past_return(own):
        if own.aborting:
            return (
                f"{own} is being rolled back. Finish the rollback with ansible-playbook watchparty.secrets.rotate -e "
                f"rotation_resume={own.id}, then close the leak"
            )
        command = f"ansible-playbook watchparty.secrets.rotate -e rotation_abort=true -e rotation_resume={own.id}"
        return f"{own} is open. Abort this rotation with {command}, then close the leak"
    final = done_for_good(incident, rotation)
    if final.endswith(DISABLED):
        return f"{final}. {FINISH}. Until then, you can enable it (docs/runbooks/by-hand.md, Enable a disabled value)"
    waits = "" if own else ", and revoked values wait to be scrubbed"
    return f"{final}{waits}. {FINISH}" if final else ""


def done_for_good(incident: Incident, rotation: OpenRotation | None) -> str:
    """Irreversible acts of the incident. Empty without one."""
    if rotation is not None and rotation.plan.get("incident") == incident.id and state_machine.is_past_return(rotation):
        return f"{rotation} {PAST}"
    replaced = sorted({*incident.about(*REPLACED)})
    if replaced or incident.dead:
        return f"{', '.join(replaced)} was replaced or revoked already" if replaced else "values were replaced already"
    disabled = sorted({*incident.about(DISABLING, "blocked")})
    return f"{', '.join(disabled)} {DISABLED}" if disabled else ""


def harmless_acts(incident: Incident) -> list[str]:
    """Acts of the incident that need no undoing."""
    return [message for name, message in _HARMLESS.items() if incident.about(name)]


def record(incident: Incident, who: str, at: str, run: str, number: int) -> Mapping[str, Any]:
    """The incident's record in the audit log."""
    return {
        "rotation": incident.id,
        "outcome": OUTCOME,
        "who": who,
        "at": at,
        "started": incident.at,
        "run": run,
        "journal": number,
        "reason": "a leak was declared, and it was a false alarm",
        "notes": [f"declared: {name}" for name in incident.declared] + harmless_acts(incident),
    }
