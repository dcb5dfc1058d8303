# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_unit

SHOW = "ansible {place} --become -m ansible.builtin.command -a 'ls -l {target}'"
ENVIRONMENT = "Environment="
UNREAD = ("compose", "command")
"""Managers whose settings may come from anywhere. WPS303 compares what a container or process has."""


def _unit(host: str, unit: Mapping[str, Any], _result: Mapping[str, Any]) -> Iterator[Outcome]:
    if unit.get("manager") in UNREAD:
        yield not_applicable(f"{unit['unit']}: the files of {unit['manager']} are not read", host)
        return
    problems = list(_problems(unit))
    for place, problem, names in problems:
        target, command = (place, SHOW) if unit.get("manager") else (unit["unit"], _command(unit["unit"], place, names))
        yield bad(f"{unit['unit']} {problem}", host, target=target, command=command)
    if unit["stale"]:
        yield unknown(
            f"{unit['unit']} has changed on disk: run systemctl daemon-reload on the host, then verify again", host
        )
    if unit["load"] != "loaded":
        yield not_applicable(f"{unit['unit']} does not run on this host", host)
    elif not problems and not unit["stale"]:
        yield good(f"{unit['unit']} sets nothing that .env sets", host)


def _command(unit: str, place: str, settings: Sequence[str]) -> str:
    """Command that removes the settings, except from lines with several assignments and unreadable files."""
    if not settings or not all(re.fullmatch(r"\w+", name) for name in settings):
        return ""
    names, name = "|".join(settings), shlex.quote(unit)
    if place != ENVIRONMENT:
        return finding_command.on_host(f"sed -i -E '/^ *(export +)?({names})=/d' {shlex.quote(place)}")
    files = f"$(systemctl show --value -p FragmentPath -p DropInPaths -- {name})"
    lines = f"/^Environment=[^A-Za-z_]?({names})=/d"
    return finding_command.on_host(
        f"sed -i -E '{lines}' {files} && systemctl daemon-reload && systemctl restart -- {name}"
    )


def _problems(unit: Mapping[str, Any]) -> Iterator[tuple[str, str, Sequence[str]]]:
    sources = [(ENVIRONMENT, unit["environment"]), *((file["path"], file) for file in unit["files"])]
    for place, names in sources:
        if names.get("problem"):
            yield place, f"reads {place}, which {names['problem']}", ()
        if names["differs"]:
            yield place, f"has other values of {', '.join(names['differs'])} in {place}", names["differs"]
        if names["copied"]:
            yield place, f"has {', '.join(names['copied'])} in {place} too, which no deploy replaces", names["copied"]


CHECK = Check(
    id="WPS307",
    name="unit-environment",
    area="drift",
    severity="high",
    title="No unit sets a setting of .env itself, or reads one from another file",
    reason="A value in a unit or in another file is not rotated, and may override the value in .env.",
    fix=(
        "Remove the setting from the unit, its drop-ins and its other files. Then run systemctl daemon-reload and "
        "restart the unit."
    ),
    scope=("Units of systemd, environment= in the configuration of supervisor, and run and env of a runit service.",),
    command="ansible {place} --become -m ansible.builtin.command -a 'systemctl cat {target}'",
    look=by_unit(_unit, "stores"),
    needs=("hosts", "stores"),
)
