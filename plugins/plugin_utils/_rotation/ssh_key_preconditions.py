# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blockers of replacing an SSH key that its hosts show before anything is changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def blockers(seen: Sequence[Mapping[str, Any]], *, leak: bool) -> list[str]:
    """``seen`` says of each host whether it is in the run, answered and has the key, or what is wrong there."""
    if not seen:
        return [
            (
                "no host was checked, so the hosts that authorize the key are unknown. Check the inventory's "
                "application group"
            )
        ]
    lost_hosts = [str(entry["host"]) for entry in seen if entry.get("lost")]
    outside = [str(entry["host"]) for entry in seen if entry.get("outside")]
    # A host's own account may have made its files so: that keeps no leak from being contained on the others.
    unusable_hosts = [entry for entry in seen if leak and entry.get("unusable")]
    is_waited_for = not leak or len(lost_hosts) + len(outside) + len(unusable_hosts) == len(seen)
    results = [
        f"{entry['host']}: {entry['problem']}"
        for entry in seen
        if entry.get("problem") and (is_waited_for or entry not in unusable_hosts)
    ]
    if lost_hosts and is_waited_for:
        results.append(
            f"{', '.join(lost_hosts)} cannot be reached, and would still authorize the old key; make them reachable, "
            f"or continue without them by -e rotation_skip_hosts={','.join(lost_hosts)}"
        )
    if outside and is_waited_for:
        results.append(
            f"{', '.join(outside)}: not in this run (--limit), so they would not authorize the new key; run it "
            f"for all hosts, or continue without them by -e rotation_skip_hosts={','.join(outside)}"
        )
    if not results and not any(entry.get("there") for entry in seen):
        places = sorted({f"{entry['file']} of {entry['account']}" for entry in seen if entry.get("file")})
        results.append(
            f"no host authorizes the key ({', '.join(places)}); correct options.user and "
            "options.authorized_keys, or the key in the stores"
        )
    return results
