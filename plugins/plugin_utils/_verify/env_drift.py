# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares a host's values with the stores', by fingerprints under one run's key. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files, fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.resolver import Resolution
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import registry


def nothing_expected(catalog: Catalog) -> dict[str, Any]:
    """Expectation for a host if the stores cannot be read."""
    files = [file.data for file in catalog.files.values()]
    empty: dict[str, Any] = {"key": None, "sensitive": [], "fingerprints": {}, "patterns": []}
    return {**empty, "readers": list(catalog.readers), "files": files}


def expected(catalog: Catalog, resolution: Resolution, key: str) -> dict[str, Any]:
    """Fingerprints that hosts must hold."""
    values = resolution.values
    return {
        **nothing_expected(catalog),
        "key": key,
        "sensitive": sorted(name for name in values if resolution.sensitivity.get(name) == "high"),
        "fingerprints": {name: fingerprints.of_value(key, value, name=name) for name, value in values.items()},
        "elsewhere": sorted(set(values) - set(catalog_files.in_env(catalog.files.values(), values))),
        "patterns": sorted(catalog.settings),
    }


def compare(expected: Mapping[str, str], host_fingerprints: Mapping[str, str], known: Sequence[str]) -> dict[str, Any]:
    """Names by problem; ``known`` are the catalog's names and patterns."""
    both, additions = set(expected) & set(host_fingerprints), sorted(set(host_fingerprints) - set(expected))
    known_additions = [name for name in additions if any(fnmatchcase(name, pattern) for pattern in known)]
    return {
        "missing": sorted(set(expected) - set(host_fingerprints)),
        "differs": sorted(name for name in both if expected[name] != host_fingerprints[name]),
        "unknown": [name for name in additions if name not in known_additions],
        "gone": known_additions,
        "same": sum(expected[name] == host_fingerprints[name] for name in both),
    }


def judge(
    known: Mapping[str, Any], answer: Mapping[str, Any], managed: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """A host's answer with names in place of fingerprints, and the commands of ``managed`` services. ``known`` is the
    expectation, if there is one.
    """
    result = {name: value for name, value in answer.items() if name not in ("fingerprints", "values_problem")}
    if result.get("failed"):
        return result
    expected, host_fingerprints = known.get("fingerprints", {}), answer.get("fingerprints")
    problem = answer.get("values_problem")
    result["other_files"] = [_file(known, answer, row) for row in answer.get("other_files", ())]
    result["undeclared_files"] = list(answer.get("undeclared_files", ())) if known else []
    services = {entry["service"]: entry for entry in managed}
    result["units"] = [
        {
            **_unit(expected, known.get("sensitive", ()), unit),
            **_commands(answer, unit, services.get(unit.get("service"))),
        }
        for unit in answer["units"]
    ]
    if known and host_fingerprints is not None:
        in_env = {name: mac for name, mac in expected.items() if name not in known.get("elsewhere", ())}
        return {**result, "drift": compare(in_env, host_fingerprints, known["patterns"])}
    reason = problem or known.get("problem") or "the stores were not read"
    return {**result, "unreadable": bool(problem and answer["file"]["exists"]), "drift_problem": reason}


def _commands(answer: Mapping[str, Any], unit: Mapping[str, Any], service: Mapping[str, Any] | None) -> dict[str, str]:
    """Commands that root runs on the host to restart the unit's service, and to start it at boot. Only the account
    comes from the host. Without root's rights, a host must not name another account than its own.
    """
    account: str = unit.get("account", "")
    if not service or answer["account"] not in ("root", account):
        return {}
    manager = registry.classes()[service["manager"]](service)
    commands = {"restart": manager.restart_command, "enable": manager.enable_command}
    lines = {name: shlex.join(command) for name, command in commands.items()}
    if account == "root":
        return lines
    login = ["runuser", "--login", "--shell", "/bin/sh", "--command"]
    return {name: shlex.join([*login, line, "--", account]) for name, line in lines.items()}


def _file(known: Mapping[str, Any], answer: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A file's row with names in place of fingerprints, and the catalog's mode and owner."""
    (file,) = (entry for entry in known["files"] if entry["name"] == row["name"])
    host_fingerprints = row["fingerprints"]
    expected = catalog_files.output_file(file).values(known.get("fingerprints", {}))
    return {
        **{name: value for name, value in row.items() if name != "fingerprints"},
        "wanted_mode": file["mode"],
        "wanted_owner": file["owner"] or answer.get("wanted_owner"),
        "is_expected": bool(expected),
        "differs": sorted(
            name for name in {*host_fingerprints, *expected} if host_fingerprints.get(name) != expected.get(name)
        ),
    }


def _unit(expected: Mapping[str, str], sensitive: Collection[str], row: Mapping[str, Any]) -> dict[str, Any]:
    """A unit's row with names in place of fingerprints, grouped by whether the stores hold the same."""

    def sorted_names(macs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        pairs = list(macs)
        differs = {name for name, mac in pairs if expected.get(name) != mac}
        same = {name for name, _mac in pairs} - differs
        return {"same": sorted(same), "differs": sorted(differs), "copied": sorted(same & set(sensitive))}

    return {
        **{name: value for name, value in row.items() if name != "pids"},
        "environment": sorted_names(row["environment"].items()),
        "files": [
            {"path": file["path"], "problem": file["problem"], **sorted_names(file["values"].items())}
            for file in row["files"]
        ],
        "held": sorted_names((name, mac) for name, macs in row["held"].items() for mac in macs),
    }
