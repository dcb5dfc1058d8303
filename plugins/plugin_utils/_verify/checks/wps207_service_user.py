# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    not_applicable,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_unit


def _unit(host: str, unit: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Outcome]:
    if unit["load"] != "loaded":
        yield not_applicable(f"{unit['unit']} does not run on this host", host)
    elif unit["container"]:
        yield not_applicable(f"{unit['unit']} runs a container", host)
    elif unit.get("manager") and not unit["user"]:
        yield not_applicable(f"{unit['unit']}: no process of it is known", host)
    elif unit["user"] == "root":
        message = f"{unit['unit']} runs as root, or will from its next start"
        yield bad(message, host, target=unit["unit"], command=_command(unit, result))
    else:
        yield good(f"{unit['unit']} runs as {unit['user'] or 'an account of its own'}", host)


def _command(unit: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Command to run the unit as the owner of .env. Empty if a person must choose."""
    owner, name = result["file"].get("owner", "root"), shlex.quote(unit["unit"])
    if owner == "root" or unit.get("manager"):
        return ""
    lines = shlex.join(["printf", "%s\\n", "[Service]", f"User={owner}"])
    drop_in = f"{lines} | install -D -m 644 /dev/stdin /etc/systemd/system/{name}.d/user.conf"
    return finding_command.on_host(f"{drop_in} && systemctl daemon-reload && systemctl restart -- {name}")


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
