# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The end of a rotation in the journal: what it rotated, and what it leaves for later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal, OpenRotation, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _leak_steps
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._incident import shortened
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import (
    _ages,
    _let_in,
    _revocations,
    _rotation,
    _rotator_ends,
    _steps,
    _to_refusal,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _rotation as _shared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting


def closed(setting: Setting, args: Mapping[str, Any]) -> dict[str, Any]:
    """The last entry, and what the end of the run says of it."""
    journal, rotation = setting.rotator.holding()
    aborted = rotation.step in _steps.BACKWARD
    more = ending(setting, journal, rotation, args["audit"])
    if journal.incident is not None and args["unrecorded"]:
        event = f"unrecorded/{rotation.id}"
        more["events"] = {event: _ages.stamp(_shared.now())}
        more["evidence"] = {event: shortened(args["unrecorded"])}
    refused = [] if aborted else _shared.refused_at_end(setting, rotation, more["obligations"])
    told = _shared.told(setting, journal, rotation)
    told.update(todo=[], closed=True, to_refusal=_to_refusal.lines(journal, rotation, refused))
    journal = _rotator_ends.close(setting.rotator, step="aborted" if aborted else "closed", **more)
    return {
        "changed": True,
        "id": rotation.id,
        "aborted": aborted,
        "obligations": more.get("obligations", {}),
        "revocations": _revocations.waiting(setting.catalog, journal),
        "way": _steps.GO,
        "words": "",
        "rotation": told,
    }


def ending(setting: Setting, journal: Journal, rotation: OpenRotation, audit: Mapping[str, Any]) -> dict[str, Any]:
    """What the closing entry carries."""
    aborted = rotation.step in _steps.BACKWARD
    items = _rotation.items_of(rotation.plan)
    now = _ages.stamp(_shared.now())
    more: dict[str, Any] = {"audit": audit}
    if not aborted:
        left = {
            **_rotation.obligations(
                setting.catalog,
                rotation.id,
                rotation.plan,
                _shared.now(),
                rotation.notes,
                rotation.promoted_at,
            ),
            **_revocations.owed(
                setting.catalog, rotation.id, rotation.plan, setting.kinds, _shared.now(), journal.incident
            ),
            **_let_in.obligations(setting.catalog, rotation, journal.obligations, now),
        }
        more["obligations"] = left
        former = [journal.obligations[one] for item in items for one in item.former if one in journal.obligations]
        more["replaced"] = _leak_steps.replaced(rotation, left, journal.incident, former) if journal.incident else {}
        by = Rotated(now, rotation.who, rotation.id, rotation.plan.get("incident", "")).entry()
        more["rotated"] = {item.credential: by for item in items if item.act in _rotation.CHANGES}
        renewed = {item.credential for item in items if item.act == _rotation.RENEW}
        # A login that took its turn again has another password: there is nothing left to retire.
        turned = {item.credential for item in items if item.act == _rotation.ROTATE and _alternates(setting, item)}
        taken_up = [one for item in items for one in (item.obligation, *item.former) if one and one not in left]
        more["discharged"] = taken_up + [
            one.id
            for one in journal.obligations.values()
            if one.credential in renewed or (one.credential in turned and one.act == _rotation.RETIRE)
        ]
    return more


def _alternates(setting: Setting, item: _rotation.Item) -> bool:
    return item.kind in setting.kinds and setting.kinds[item.kind].alternates == "always"
