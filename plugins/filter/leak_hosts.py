# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

LOOKED_AT = 3
"""Limit of hosts that are tried: a drill asks them, a real response gathers their records."""


def leak_candidates(
    hosts: Sequence[str],
    targeted: Sequence[str],
    others: Sequence[str] = (),
    compromised: Sequence[str] = (),
    leaked: Sequence[str] = (),
) -> list[str]:
    """Candidates for the rotation host, the best first: targeted hosts, then others. Hosts that leaked by name come
    last."""
    usable = dict.fromkeys([*(host for host in hosts if host in targeted), *others])
    named = {entry.removeprefix("host:") for entry in leaked if entry.startswith("host:")}
    return sorted((host for host in usable if host not in compromised), key=named.__contains__)


def leak_host(candidates: Sequence[str], variables: Mapping[str, Any], reached: Mapping[str, Any]) -> str:
    """The first host that answered, else the first that was not silent. ``variables`` are hostvars."""
    if not candidates:
        raise AnsibleFilterError(
            "every host is compromised, and only a clean host may connect to databases and caches. Set rotation_host "
            "to a clean host"
        )
    answering = [tried["item"] for tried in reached.get("results", ()) if "reachable" in tried]
    seen = {host: variables[host].get("leak_respond__seen", {}) for host in candidates[:LOOKED_AT]}
    silent = {host for host, result in seen.items() if result.get("unreachable") or result.get("failed")}
    return str([*answering, *(host for host in candidates if host not in silent), *candidates][0])


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"leak_candidates": leak_candidates, "leak_host": leak_host}
