# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No unit of the catalog runs as root outside a container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    not_applicable,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_unit


def _unit(host: str, unit: Mapping[str, Any], _result: Mapping[str, Any]) -> Iterator[Outcome]:
    if unit["load"] != "loaded":
        yield not_applicable(f"{unit['unit']} does not run on this host", host)
    elif unit["container"]:
        yield not_applicable(f"{unit['unit']} runs a container", host)
    elif unit.get("manager") and not unit["user"]:
        yield not_applicable(f"{unit['unit']}: no process of it is known", host)
    elif unit["user"] == "root":
        yield bad(f"{unit['unit']} runs as root, or will from its next start", host, target=unit["unit"])
    else:
        yield good(f"{unit['unit']} runs as {unit['user'] or 'an account of its own'}", host)


CHECK = Check(
    id="WPS207",
    name="service-user",
    area="hosts",
    severity="medium",
    title="No unit of the catalog runs as root outside a container",
    reason="An attacker who takes over a service of root has the whole host, and the values of all its applications.",
    fix="Set User= in the unit (supervisor: user=), give .env to that user by env_deploy_owner, and deploy again.",
    command="ansible {place} --become -m ansible.builtin.command -a 'systemctl cat {target}'",
    look=by_unit(_unit),
    needs=("hosts",),
)
