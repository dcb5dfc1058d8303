# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``services``: services that read ``.env``, their managers and health checks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    described,
    schema_object,
    with_tuples,
)

SYSTEMD, COMPOSE, SUPERVISOR, RUNIT, COMMAND = "systemd", "compose", "supervisor", "runit", "command"
RUNIT_DIRECTORY = "/etc/service"
_NEEDED: Mapping[str, Tuple[str, ...]] = {
    SYSTEMD: ("units",),
    COMPOSE: ("units", "file"),
    SUPERVISOR: ("units", "file"),
    RUNIT: ("units",),
    COMMAND: ("restart",),
}
_OPTIONAL: Mapping[str, Tuple[str, ...]] = {
    SYSTEMD: (),
    COMPOSE: ("program",),
    SUPERVISOR: ("program",),
    RUNIT: ("directory", "program"),
    COMMAND: ("stop", "status", "pid_file", "user"),
}
MANAGERS = tuple(_NEEDED)
_OF_EACH = ("manager", "health", "health_command")
_UNIT = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.:@*-]*")
"""A name that no program mistakes for an option or a path."""


@dataclass(frozen=True)
class Service:
    """Units of one manager that read ``.env`` and restart together."""

    name: str
    units: Tuple[str, ...] = ()
    health: Optional[str] = None
    manager: str = SYSTEMD
    health_command: Tuple[str, ...] = ()
    user: Optional[str] = None
    """Account that runs ``health_command`` and the commands of the manager ``command``."""
    file: Optional[str] = None
    directory: Optional[str] = None
    program: Optional[str] = None
    restart: Tuple[str, ...] = ()
    stop: Tuple[str, ...] = ()
    status: Tuple[str, ...] = ()
    pid_file: Optional[str] = None

    @property
    def systemd_units(self) -> Tuple[str, ...]:
        return self.units if self.manager == SYSTEMD else ()

    @property
    def described(self) -> str:
        """The units, and their manager if it is not systemd, for messages."""
        units = ", ".join(self.units) or self.name
        return units if self.manager == SYSTEMD else f"{units} ({self.manager})"

    @property
    def data(self) -> Dict[str, Any]:
        """The form for a deploy. Empty values are left out, except ``units`` and ``health``."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        filled = {name: value for name, value in values.items() if value and name != "name"}
        if self.manager == SYSTEMD:
            del filled["manager"]
        return {"units": list(self.units), "health": self.health, **filled}


def parsed_services(raw: Mapping[str, Mapping[str, Any]]) -> Dict[str, Service]:
    return {name: Service(name, **with_tuples(entry)) for name, entry in raw.items()}


def restart_commands(services: Sequence[Service]) -> List[str]:
    """Commands, for a person, that restart these services on a host."""
    units = [unit for service in services for unit in service.systemd_units]
    others = [f"restart {service.described}" for service in services if service.manager != SYSTEMD]
    return [*([f"systemctl restart {' '.join(units)}"] if units else []), *others]


def managed_services(services: Mapping[str, Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Services of other managers than systemd, and services of systemd with a health command."""
    return [
        _managed(name, service)
        for name, service in services.items()
        if "manager" in service or "health_command" in service
    ]


def of_services(managed: Sequence[Mapping[str, Any]], names: Optional[Sequence[str]]) -> List[Mapping[str, Any]]:
    """The entries of these services. Of all, if ``names`` is None."""
    return [entry for entry in managed if names is None or entry["service"] in names]


def _managed(name: str, service: Mapping[str, Any]) -> Dict[str, Any]:
    own = {key: value for key, value in service.items() if key != "health"}
    return {**own, "service": name} if "manager" in own else {**own, "service": name, "manager": SYSTEMD, "units": []}


def service_problems(services: Mapping[str, Service]) -> Iterator[str]:
    for service in services.values():
        where = f"services.{service.name}"
        yield from _key_problems(where, service)
        if service.user in ("root", "0"):
            yield f"{where}.user: must not be root; name the application's account, such as user: app"
        if service.manager != SYSTEMD:
            wrong = [unit for unit in service.units if not _UNIT.fullmatch(unit)]
            yield from (
                f"{where}.units: {unit!r} is not a name that {service.manager} knows; correct it" for unit in wrong
            )


def _key_problems(where: str, service: Service) -> Iterator[str]:
    keys = {name for name, value in service.data.items() if value}
    needed, optional = _NEEDED[service.manager], _OPTIONAL[service.manager]
    if service.health_command and service.manager != COMPOSE:
        needed += ("user",)
    yield from (
        f"{where}: manager {service.manager} needs {name}; add {where}.{name}" for name in needed if name not in keys
    )
    for name in sorted(keys - {*needed, *optional, *_OF_EACH}):
        users = [manager for manager in MANAGERS if name in _NEEDED[manager] + _OPTIONAL[manager]]
        message = f"is for {' and '.join(users)}, not for manager {service.manager}"
        yield f"{where}.{name}: {message}" + (", unless it has a health_command" if name == "user" else "; remove it")


def _words(text: str) -> Dict[str, Any]:
    return described(text, {"type": "array", "items": NAME, "minItems": 1})


def _path(text: str) -> Dict[str, Any]:
    return described(text, {"type": "string", "pattern": r"^/[^\x00-\x1f\x7f]*$"})


SERVICE = schema_object(
    {
        "manager": described(
            "The program that starts and restarts the units, systemd by default.", {"enum": list(MANAGERS)}
        ),
        "units": _words(
            "What the manager restarts: systemd units, services of the compose file, programs of supervisor, or "
            "services of runit."
        ),
        "health": described(
            "URL that answers with status 200 if the service is healthy. The host itself asks it.",
            {"type": "string", "pattern": r"^https?://\S+$"},
        ),
        "health_command": _words(
            "A command, as a list, that ends with exit code 0 when the service is healthy. The account in user runs "
            "it, in the directory of .env. With the manager compose, it runs in the container of the first unit."
        ),
        "user": described("Account that runs health_command, restart, stop and status. Never root.", NAME),
        "file": _path(
            "Path of the compose file for the manager compose. Path of the configuration for the manager supervisor."
        ),
        "directory": _path(f"Directory of the services for the manager runit. The default is {RUNIT_DIRECTORY}."),
        "program": _path("Path of docker, supervisorctl or sv. Needed only if the program is in no system directory."),
        "restart": _words("Command that restarts the service, as a list. Only for the manager command."),
        "stop": _words(
            "Command that stops the service, as a list. Only for the manager command. A run stops the service if a "
            "signing key leaked."
        ),
        "status": _words(
            "Command that ends with exit code 0 while the service runs, as a list. Only for the manager command."
        ),
        "pid_file": _path("Path of the file with the process id of the main process. Only for the manager command."),
    }
)
