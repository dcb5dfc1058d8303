# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to hosts for their part of the baseline.

A host answers only for itself: its place in the baseline is its name in the inventory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal

_PLACE = "host "


def place(host: str) -> str:
    return f"{_PLACE}{host}"


def host_of(place: str) -> str:
    """Empty if the place is not a host."""
    return place[len(_PLACE) :] if place.startswith(_PLACE) else ""


def recorded_hosts(baseline: ServerBaseline | None) -> list[str]:
    return sorted(filter(None, map(host_of, baseline.sources))) if baseline else []


def request(key: str, hosts: Sequence[str] | None, known_keys: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Encrypted input of the tasks on hosts. ``hosts`` is None for all."""
    return seal.sealed(key=key, hosts=hosts, known_keys=list(known_keys))


def options(request: Mapping[str, Any], host: str, user: str | None) -> dict[str, Any]:
    """Options of the program on a host. ``user`` is Ansible's login."""
    values = seal.opened(request)
    if not values.get("key") or (values["hosts"] is not None and host not in values["hosts"]):
        return {"inventory_key": "", "inventory_known": []}
    keys = [{**key, "account": key["account"] or user or ""} for key in values["known_keys"]]
    return {"inventory_key": values["key"], "inventory_known": keys}
