# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import managed_services
from ansible_collections.watchparty.secrets.plugins.module_utils._core.health_addresses import health_urls


def deploy_outcome(hosts: Any, variables: Any, check: bool = False) -> list[str]:
    """Lines by host. ``variables`` are Ansible's hostvars."""
    if isinstance(hosts, str) or not isinstance(hosts, Sequence) or not isinstance(variables, Mapping):
        raise AnsibleFilterError("deploy_outcome needs a list of hosts, and hostvars")
    return [f"{name}: {_of(variables[name], check)}" for name in hosts]


def _of(variables: Mapping[str, Any], check: bool) -> str:
    file = variables.get("env_deploy_delivery")
    failure = variables.get("env_deploy_failure") or {}
    if file is None:
        return "skipped: the rollout stopped before this host"
    if file.get("lost") and "health" not in file:
        return "not reached, or the connection broke during the deploy"
    if failure.get("recovery"):
        return f"failed; {failure['recovery']}"
    if file.get("unusable"):
        return f"NOT delivered, its .env was not changed; {failure.get('reason')}"
    if "restart_needed" not in file:
        return "failed"
    if not file.get("changed") and not file["restart_needed"]:
        return "unchanged, healthy before"
    if check:
        return f"would be changed{', then restarted and health-checked' if file['restart_needed'] else ''}"
    others = f" (also written: {', '.join(file['files'])})" if file.get("files") else ""
    return f"{file['path']} has mode {file['mode']}{others}, {_services(file, variables)}"


def _services(file: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    if not file["restart_needed"]:
        return "owner or mode corrected"
    if file.get("healthy"):
        return "services restarted and healthy" if "health" in file else "delivered"
    if not boolean(variables.get("env_deploy_restart", True), strict=False):
        return "delivered; its services were not restarted; the next deploy restarts them"
    return "NOT health-checked"


def deploy_services(
    declared: Any,
    names: Any = None,
    command: str | None = None,
    health_url: str | None = None,
    restart: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Services that a host restarts and checks. ``declared`` are the catalog's services, ``options`` those of
    env_file."""
    if not isinstance(declared, Mapping):
        raise AnsibleFilterError("deploy_services needs the services of a snapshot")
    unknown = [str(name) for name in names or () if name not in declared]
    if unknown:
        known = ", ".join(declared) or "none"
        raise AnsibleFilterError(f"env_deploy_services: {', '.join(unknown)}: no such service; the catalog has {known}")
    own = {name: declared[name] for name in (declared if names is None else names)}
    units, managed = _units(own.values()), managed_services(own)
    result: dict[str, Any] = {"can_restart": command is not None or bool(units or managed), "units": units}
    # Services with a health address answer requests. If none has one, all count.
    web = {name: service for name, service in own.items() if service.get("health")} or own
    result["web"] = {"units": _units(web.values()), "managed": managed_services(web)}
    if restart and result["can_restart"]:
        urls = health_urls(declared, names, health_url)
        result["services"] = {"command": command, "units": units, "managed": managed, "health_urls": urls, **options}
    return result


def _units(services: Iterable[Mapping[str, Any]]) -> list[str]:
    return _unique(unit for service in services if "manager" not in service for unit in service["units"])


def _unique(entries: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(entry for entry in entries if entry))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"deploy_outcome": deploy_outcome, "deploy_services": deploy_services}
