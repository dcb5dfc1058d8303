# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about services of managers other than systemd, in the form of a unit's row.

A container's row has no process: its creation time shows which file it has.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import unit_facts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    Configured,
    State,
)

COMMAND_SECONDS = 30


def units(
    declared: Sequence[Mapping[str, Any]], known: unit_facts.Known, since: Optional[float]
) -> Tuple[List[Dict[str, Any]], List[str]]:
    """Rows of units, and problems."""
    rows, problems = [], []
    for manager in registry.managers([], [entry for entry in declared if entry["manager"] != "systemd"]):
        try:
            states, account = manager.states(), manager.account.name
        except HostError as error:
            problems.append(str(error))
            continue
        for state in states:
            try:
                configured = manager.configured(state.unit) if state.exists else Configured()
            except HostError as error:
                problems.append(str(error))
                configured = Configured()
            row = _row(state, manager.declared["manager"], configured, known, since)
            rows.append({**row, "service": manager.name, "account": account})
    return rows, list(dict.fromkeys(problems))


def health(declared: Sequence[Mapping[str, Any]], folder: str) -> List[Dict[str, str]]:
    """Result of each service's health command."""
    results = []
    for manager in registry.managers([], [entry for entry in declared if entry.get("health_command")]):
        try:
            problem = manager.health_problem(folder, COMMAND_SECONDS)
        except HostError as error:
            problem = str(error)
        results.append({"service": manager.name, "problem": problem})
    return results


def _row(
    state: State, manager: str, configured: Configured, known: unit_facts.Known, since: Optional[float]
) -> Dict[str, Any]:
    pids = [state.pid] if state.began is not None and state.pid else []
    process_values, silent = unit_facts.find_values(pids, known)
    for environment in configured.environments:
        for name, mac in known.fingerprints(environment).items():
            process_values[name] = sorted({*process_values.get(name, ()), mac})
    files = [
        {"path": path, "problem": "", "values": known.fingerprints(values)}
        for path, values in configured.settings.items()
    ]
    return {
        "unit": state.unit,
        "manager": manager,
        "load": "loaded" if state.exists else "not-found",
        "active": state.text,
        "is_up": state.is_up,
        "user": processes.account(state.pid) if pids else "",
        "container": manager == "compose",
        "began": timestamps.stamp_of(state.began) if state.began is not None else None,
        "old": unit_facts.is_old(state.began, since),
        "held": process_values,
        "silent": silent,
        "pids": pids,
        "sub": "",
        "starts": bool(configured.starts),
        "enabled": configured.reason if configured.starts is False else "",
        "stale": False,
        "environment": {},
        "files": files,
    }
