# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.loader import module_loader

from ansible_collections.watchparty.secrets.plugins.filter.names import names
from ansible_collections.watchparty.secrets.plugins.module_utils import _authorized_keys, _evidence, _graph
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _impact, _impact_drawing, _leaked
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _known_values, _report, _session_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._extra_variables import extra_variable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import RotationAction, Setting

CLOUDFRONT = "community.aws.cloudfront_invalidation"
"""Ansible cannot even load a task whose module is not installed, so whoever includes it must know before."""


class ActionModule(RotationAction):
    """Reads values only to compare them with what was found, and returns names."""

    name = "watchparty.secrets.impact_info"
    extra_options = {
        "leaked": {"type": "list", "elements": "str", "default": []},
        "found_in": {"type": "path"},
        "found_by": {"type": "str"},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "host": {"type": "str", "default": ""},
        "joins": {"type": "bool", "default": False},
        "rotation_host": {"type": "str"},
        "trusted_by": {"type": "str"},
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        text = _found(args, task_vars)
        if text is None and not args["leaked"]:
            raise RotationError("nothing was declared; name what leaked, or give the string that was found")
        matches, not_sought = _known_values.identified(setting, text) if text is not None else ([], [])
        declared = list(dict.fromkeys([*args["leaked"], *(match.credential for match in matches)]))
        incident = setting.rotator.look().incident if args["joins"] and declared else None
        before = [name for name in incident.declared if name not in declared] if incident else []
        declared = [*before, *declared]
        answer: dict[str, Any] = {
            "changed": False,
            "matches": [vars(match) for match in matches],
            "declared": declared,
            "words": [f"{match.credential}: its {match.stage} value, {match.form}" for match in matches],
            "not_sought": not_sought,
        }
        if text is not None and not matches:
            answer["words"].append("what was found is no current, pending or previous value of a credential here")
        if not declared:
            return {
                **answer,
                "impact": None,
                "reached_host": "",
                "purge": {},
                "sessions": {},
                "known_keys": [],
                "units": [],
                "services": {},
                "text": [],
                "mermaid": "",
                "graphviz": "",
            }
        # A host that was declared before may have left the inventory since.
        gone = [name.partition(":")[2] for name in before if name.startswith(_impact.HOST)]
        impact = _impact.impact(setting.catalog, declared, [*args["hosts"], *gone])
        goes_on = [f"{incident.id} is open and goes on; {', '.join(before)} leaked too"] if incident and before else []
        return {
            **answer,
            "impact": _impact_drawing.data(impact),
            "reached_host": self._reached_host(setting.catalog, impact, args),
            "purge": _purged(setting.catalog),
            "sessions": _session_plan.planned(setting.catalog, _variables(args["hosts"], task_vars), args["host"]),
            "known_keys": _keys(setting, {one.name for one in impact.reached}),
            "services": _report.services(setting.catalog),
            "units": sorted({unit for one in setting.catalog.services.values() for unit in one.units}),
            "text": goes_on + _impact_drawing.text(impact),
            "mermaid": _impact_drawing.mermaid(impact),
            "graphviz": _impact_drawing.graphviz(impact),
        }

    def _reached_host(self, catalog: Catalog, impact: _impact.Impact, args: Mapping[str, Any]) -> str:
        """Why administrators' passwords are not sent to the host that talks to the servers; empty where they may be."""
        host, admins = args["rotation_host"], _impact.administrators(catalog, impact)
        if not admins or host not in _impact.reached_hosts(catalog, impact, args["hosts"]):
            return ""
        variable = args["trusted_by"]
        if variable and host in names(extra_variable(variable, loader=self._loader, templar=self._templar)):
            return ""
        return (
            f"{host} would receive the passwords of {', '.join(admins)}, and whoever has what leaked may be on it. "
            "Nothing was touched. Name a clean host, best outside the application's group, by -e rotation_host=HOST"
            + (f"; or, if you trust {host}, confirm it on the command line by -e {variable}={host}" if variable else "")
        )


def _keys(setting: Setting, reached: Collection[str]) -> list[dict[str, Any]]:
    """The keys that the stores hold, and where each belongs on a host, by which all others stand out."""
    found = []
    for credential in setting.catalog.credentials.values():
        if credential.kind in _impact.READS_HOSTS and _graph.secrets_of(setting.catalog, credential):
            blob = _evidence.public_part(setting.held(credential).login.password or "")
            told = {
                "fingerprint": _authorized_keys.fingerprint(blob) if blob else "",
                "credential": credential.name,
                "account": credential.options.get("user") or "",
                "file": credential.options.get("authorized_keys") or "",
                "leaked": credential.name in reached,
            }
            found += [told] if blob else []
    return found


def _variables(hosts: Sequence[str], task_vars: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    every = task_vars.get("hostvars") or {}
    return {name: every[name] for name in hosts if name in every}


def _purged(catalog: Catalog) -> dict[str, Any]:
    """What a leak response empties in this environment."""
    told = [
        {"name": one.name, "distribution": one.distribution, "paths": list(one.paths)}
        for one in catalog.invalidations.values()
    ]
    return {"valkey": list(catalog.purge), "invalidations": told, "cloudfront": module_loader.has_plugin(CLOUDFRONT)}


def _found(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str | None:
    """What somebody found, from a file or as it was asked for."""
    asked = task_vars.get(args["found_by"]) if args.get("found_by") else None
    if isinstance(asked, Mapping) and asked.get("answers"):
        return "\n".join(asked["answers"].values())
    if not args.get("found_in"):
        return None
    path = Path(args["found_in"]).expanduser()
    try:
        text = _leaked.text_of(path.read_bytes())
    except OSError as error:
        raise RotationError(f"{path}: cannot be read: {error.strerror}") from None
    if not text.strip():
        raise RotationError(f"{path}: is empty; write what was found into it")
    return text
