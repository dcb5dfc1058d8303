# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_unit, restart


def _unit(host: str, unit: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Outcome]:
    if unit["began"] is None and unit["is_up"] and unit.get("manager"):
        yield unknown(f"{unit['unit']}: when it started is not known; set services.*.pid_file in the catalog", host)
        return
    if unit["began"] is None:
        yield not_applicable(f"{unit['unit']} does not run on this host", host)  # WPS306 tells whether it should
        return
    if unit["held"]["differs"]:
        names = ", ".join(unit["held"]["differs"])
        yield bad(f"{unit['unit']} runs with other values of {names}", host, command=restart([unit]))
    if unit["old"]:
        message = f"{unit['unit']} has run since {unit['began']}, but its .env is from {result['since']}"
        yield bad(message, host, command=restart([unit]))
    for pid in unit["silent"]:
        yield unknown(f"{unit['unit']}: the kernel did not show the environment of process {pid}", host)
    if not unit["old"] and not unit["silent"] and not unit["held"]["differs"]:
        count = len(unit["held"]["same"])
        same = f"; {counted(count, 'value')} in its environment as in the stores" if count else ""
        yield good(f"{unit['unit']} has run since {unit['began']}{same}", host)


CHECK = Check(
    id="WPS303",
    name="old-process",
    area="drift",
    severity="high",
    title="Every unit runs with the stores' values, and started after the newest .env",
    reason="A service uses the old values until it is restarted.",
    fix="Restart the unit. A deploy does not restart it while .env is unchanged.",
    scope=(
        "The start of each unit's main process, after the last healthy deploy or the last change of .env.",
        "Environments of 100 processes of a systemd unit. Of other managers' units, only of the main process.",
        "Not values that a process read from a file after its start.",
    ),
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_unit(_unit, "stores"),
    needs=("hosts", "stores"),
)
