# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Functions that make the ``look`` of several checks. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import Row
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.systemd import SystemdManager
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import LEAK, ROTATE, SCAN, SET

CheckFunction = Callable[[Facts], Iterable[Outcome]]


def by_host(look: Callable[[str, Mapping[str, Any]], Iterable[Outcome]], *needs: str) -> CheckFunction:
    """Judges each host, once the parts in ``needs`` are there. Reports a host without an answer."""

    def every(facts: Facts) -> Iterator[Outcome]:
        for part in needs:
            facts.of(part)
        hosts = facts.of("hosts")
        if not hosts:
            yield unknown("the inventory has no application hosts")
        for host in sorted(hosts):
            result = hosts[host]
            problem = result.get("problem")
            if problem:
                yield unknown(str(problem), host)
            else:
                yield from look(host, result)

    return every


def by_unit(
    look: Callable[[str, Mapping[str, Any], Mapping[str, Any]], Iterable[Outcome]], *needs: str
) -> CheckFunction:
    """Judges each unit of each host. ``look`` gets the host's name, the unit and the host's answer."""

    def host(name: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
        if result["units_problem"]:
            yield unknown(result["units_problem"], name)
        elif not result["units"]:
            yield not_applicable("the catalog names no units", name)
        for unit in result["units"]:
            yield from look(name, unit, result)

    return by_host(host, *needs)


def restart(units: Sequence[Mapping[str, Any]], hosts: str = "{place}", verb: str = "restart") -> str:
    """Command that restarts units, or of another ``verb`` of their managers. Empty if no command is known."""
    names = [unit["unit"] for unit in units if unit["load"] == "loaded" and not unit.get("manager")]
    commands = [shlex.join(SystemdManager({"units": names}).restart_command)] if names else []
    commands += [unit[verb] for unit in units if unit.get(verb)]
    return finding_command.on_host(" && ".join(dict.fromkeys(commands)), hosts) if commands else ""


def renewed(finding: Outcome, catalog: Catalog, setting: str, command: str = ROTATE) -> Outcome:
    """Adds the command that replaces a setting's value: by hand if no credential has the setting."""
    for credential in catalog.credentials.values():
        if setting in (*credential.settings, f"{credential.name} (credential)"):
            return replace(finding, target=credential.name, command=command)
    return replace(finding, target=setting, command=SET)


def outcomes(rows: Iterable[Row]) -> Iterator[Outcome]:
    for row in rows:
        target, command = row.get("target", ""), row.get("command", "")
        yield Outcome(row["state"], row["message"], row["place"], target=target, command=command)


def rows_of(part: str, rows: str, nothing: str) -> CheckFunction:
    """``nothing`` says why there may be no rows."""

    def look(facts: Facts) -> Iterator[Outcome]:
        yield from outcomes(facts.of(part)[rows])
        if not facts.of(part)[rows]:
            yield not_applicable(nothing)

    return look


def no_workflow(kind: str) -> CheckFunction:
    """Findings of one kind in the repository's workflows."""

    def look(facts: Facts) -> Iterator[Outcome]:
        result = facts.of("workflows")
        wrong = [finding for finding in result["findings"] if finding["kind"] == kind]
        for item in wrong:
            yield bad(item["message"], f"{item['file']}:{item['line']}", file=item["file"], line=item["line"])
        unread = {**(result.get("not_followed", {}) if kind == "echo" else {}), **result["unread"]}
        for file, problem in sorted(unread.items()):
            yield unknown(problem, file)
        if not result["files"]:
            yield not_applicable("the repository has no workflows")
        elif not wrong and not unread:
            yield good(f"none in {len(result['files'])} files")

    return look


def zizmor_finds(audits: Collection[str] = (), *, but: Collection[str] = ()) -> CheckFunction:
    """Findings of zizmor's ``audits``, or of all audits ``but`` these."""

    def clean(result: Mapping[str, Any]) -> str:
        config = f", with the repository's {result['config']}" if result.get("config") else ""
        return f"no findings in {result['files']} files{config}"

    def is_wanted(finding: Mapping[str, Any]) -> bool:
        return finding["audit"] in audits if audits else finding["audit"] not in but

    return nothing_scanned("zizmor", clean, is_wanted)


def nothing_scanned(
    part: str,
    clean: Callable[[Mapping[str, Any]], str],
    is_wanted: Callable[[Mapping[str, Any]], bool] = lambda _finding: True,
) -> CheckFunction:
    """Findings of a scan. ``clean`` returns the message if there are none."""

    def look(facts: Facts) -> Iterator[Outcome]:
        result = facts.of(part)
        result = {**result, "findings": [finding for finding in result["findings"] if is_wanted(finding)]}
        for finding in result["findings"]:
            place = f"{finding['path']}:{finding['line']}" if finding["line"] else finding["path"]
            file = finding["path"] if finding["opens"] else ""
            command = "" if file else SCAN
            outcome = bad(finding["message"], place, file=file, line=max(finding["line"], 1), command=command)
            setting = finding.get("setting")
            yield renewed(outcome, facts.catalog, setting, LEAK) if setting else outcome
        for message in result["not_checked"]:
            yield unknown(message)
        if not result["findings"] and not result["not_checked"]:
            accepted = f"; {result['accepted']} accepted in the baseline" if result["accepted"] else ""
            yield good(f"{clean(result)}{accepted}")

    return look
