# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_unit, restart

LOADED = "loaded"
DEPLOY = "ansible-playbook watchparty.secrets.deploy {run} --limit {place}"


def look(facts: Facts) -> Iterator[Outcome]:
    loaded = {
        unit["unit"]
        for result in facts.of("hosts").values()
        for unit in result.get("units", ())
        if unit["load"] == LOADED
    }

    def unit_of(host: str, unit: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Outcome]:
        has_others = any(other["load"] == LOADED for other in result["units"])
        if unit["load"] == "not-found" and unit["unit"] in loaded and has_others:
            yield not_applicable(f"{unit['unit']} is not installed on this host", host)
        else:
            yield from _unit(host, unit)

    yield from by_unit(unit_of)(facts)


def _unit(host: str, unit: Mapping[str, Any]) -> Iterator[Outcome]:
    name, problems = unit["unit"], []
    if unit.get("manager"):
        yield from _managed(host, unit)
        return
    if unit["load"] != LOADED:
        problems.append("is not installed" if unit["load"] == "not-found" else f"is {unit['load']}")
    elif not unit["is_up"]:
        problems.append(f"is {unit['active']} ({unit['sub']})")
    if unit["load"] == LOADED and not unit["starts"]:
        problems.append(f"does not start with the host (it is {unit['enabled'] or 'not enabled'})")
    for problem in problems:
        yield bad(f"{name} {problem}", host, target=name)
    if not problems:
        yield good(f"{name} runs, and starts with the host", host)


def _managed(host: str, unit: Mapping[str, Any]) -> Iterator[Outcome]:
    """Units of other managers: whether the manager starts them, not whether the host starts the manager."""
    name = f"{unit['unit']} ({unit['manager']})"
    if not unit["is_up"]:
        verb = "enable" if unit["manager"] == "supervisor" and unit["load"] != LOADED else "restart"
        yield bad(f"{name} is {unit['active']}", host, command=restart([unit], verb=verb) or DEPLOY)
    elif not unit["active"]:
        yield unknown(f"{name}: set services.*.status or services.*.pid_file in the catalog", host)
    elif unit["manager"] == "command":
        yield good(f"{name} runs", host)
        yield not_applicable(f"{name}: a manager by commands does not tell what starts with the host", host)
    elif unit["starts"]:
        yield good(f"{name} runs, and starts with {unit['manager']}", host)
    elif not unit["enabled"]:
        yield unknown(f"{name}: {unit['manager']} does not tell whether it starts with the host", host)
    if unit["enabled"] and not unit["starts"]:
        command = restart([unit], verb="enable") or DEPLOY
        yield bad(f"{name} does not start with the host: {unit['enabled']}", host, command=command)


CHECK = Check(
    id="WPS306",
    name="unit-state",
    area="drift",
    severity="high",
    title="Every unit is installed, runs, and starts at boot",
    reason="A unit that is masked, disabled or gone leaves the application down, now or after the host's next start.",
    fix=(
        "Unmask, enable or start the unit with systemctl, or restart it with its manager. To start it with the host: "
        "remove the file down (runit), or set autostart=true (supervisor) or restart: unless-stopped (compose), then "
        "run the command. A host need not have every unit of the catalog, if another host has it."
    ),
    scope=(
        "Not whether the host starts another manager than systemd.",
        "Not a missing unit, if another host has it and this host has another unit.",
    ),
    command=(
        "ansible {place} --become -m ansible.builtin.shell "
        "-a 'systemctl unmask -- {target} && systemctl enable --now -- {target}'"
    ),
    look=look,
    needs=("hosts",),
)
