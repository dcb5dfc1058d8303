# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans a leak's own rotations while another is open, from the journal after that rotation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import PENDING, Description
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class AfterOpenRotation:
    """The state once the open rotation is finished, or aborted."""

    journal: Journal
    rotation: OpenRotation
    back: bool
    unknown: tuple[str, ...]
    """Credentials that are replaced again and can be checked only after the open rotation."""
    own: Mapping[str, Collection[str]]
    """Versions that the open rotation staged, by secret."""

    def described(self, descriptions: Mapping[str, Description]) -> dict[str, Description]:
        """Descriptions without the open rotation's pending versions, which its end removes."""
        return {
            name: replace(description, stages={key: to for key, to in description.stages.items() if key != PENDING})
            if description.stages.get(PENDING) in self.own.get(name, ())
            else description
            for name, description in descriptions.items()
        }

    def planned(
        self, plan: Callable[[_plan.RotationRequest], _plan.RotationPlan], request: _plan.RotationRequest
    ) -> _plan.RotationPlan:
        """The plan of the request, without credentials that cannot be checked yet."""
        names = tuple(name for name in request.names if name not in self.unknown)
        if not names:
            return _plan.RotationPlan(incident=request.leak, immediate=request.immediate)
        rotation_plan = plan(replace(request, names=names))
        replaced = () if self.back else _changed(self.rotation)
        passed = {
            name: f"the open rotation {self.rotation.id} replaces it" if name in replaced else why
            for name, why in rotation_plan.passed_over.items()
        }
        return replace(rotation_plan, passed_over=passed)

    @property
    def messages(self) -> list[str]:
        end = "is rolled back" if self.back else "has ended"
        return [
            (
                f"{name}: whether this credential can be replaced again is known only after rotation "
                f"{self.rotation.id} {end}"
            )
            for name in self.unknown
        ]


def beside(
    setting: RotationSetup, journal: Journal, rotation: OpenRotation, args: Mapping[str, Any], extra: Mapping[str, Any]
) -> AfterOpenRotation:
    """The state after the open ``rotation``, as the leak continues it. ``extra``: fields of its closing entry."""
    back = is_rolled_back(rotation, args)
    if back:
        after = replace(journal, rotation=None)
    else:
        entry = {"rotation": rotation.id, "step": "closed", "who": rotation.who, **extra}
        after = _journal.following(replace(journal, rotation=rotation), entry)
    again = [
        name
        for name in _changed(rotation)
        if name in args["credentials"] and not (not back and _plan.is_replaced(after, name))
    ]
    # Before a promotion the stores hold the old values, which a rollback keeps.
    is_known = back and not rotation.promoted
    issued = {item.credential for item in _plan.items_of(rotation.plan) if item.issued}
    own = {name: setting.rotator.ours(rotation, name) for name in rotation.plan.get("secrets", {})}
    unknown = tuple(name for name in again if not is_known or name in issued)
    return AfterOpenRotation(after, rotation, back, unknown, own)


def declared(journal: Journal, args: Mapping[str, Any]) -> Journal:
    """The journal with the incident that is declared next."""
    at = timestamps.stamp(context.now())
    incident = journal.incident or Incident(args["incident"], at, "", tuple(args["credentials"]))
    return replace(journal, incident=incident.without(args["spoiled"]))


def is_rolled_back(rotation: OpenRotation, args: Mapping[str, Any]) -> bool:
    return bool(args["abort"]) or rotation.aborting


def _changed(rotation: OpenRotation) -> list[str]:
    return [item.credential for item in _plan.items_of(rotation.plan) if item.act in _plan.CHANGES]
