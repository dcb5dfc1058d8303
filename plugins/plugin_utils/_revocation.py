# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An operator's word that third parties have revoked what rotations replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _ages, _revocations
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _rotation as _shared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting


def taken(setting: Setting, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Ends what waits for these credentials, in one entry; in a leak that entry is the leak's confirmation as well."""
    journal = setting.rotator.look()
    names, incident = args["credentials"], journal.incident
    closed = _revocations.confirmed(setting.catalog, journal, names)
    new = [f"revoked/{name}" for name in names if incident and f"revoked/{name}" not in incident.events]
    if journal.rotation is not None and incident is None and closed:
        raise JournalError(f"{journal.rotation} is open; finish it, then say again what was revoked")
    now = _shared.now()
    record = _revocations.record(setting.catalog, closed, setting.rotator.me.who, now) if closed else {}
    said = [f"{one.credential}: what {one.rotation} replaced was revoked, as the operator says" for one in closed]
    idle = [name for name in names if name not in {one.credential for one in closed} and f"revoked/{name}" not in new]
    said += [f"{name}: nothing of it waits for a confirmation" for name in idle]
    audit = {"wanted": bool(setting.catalog.audit_log), "head": dict(journal.audit)}
    if not check and (closed or new):
        journal = setting.rotator.append(
            journal,
            incident.id if incident else record["rotation"],
            "closed",
            discharged=[one.id for one in closed],
            events=dict.fromkeys(new, _ages.stamp(now)),
            audit=args["audit"],
        )
    return {
        "changed": bool(closed or new),
        "said": said,
        "record": record,
        "audit": audit,
        "revocations": _revocations.waiting(setting.catalog, journal),
    }
