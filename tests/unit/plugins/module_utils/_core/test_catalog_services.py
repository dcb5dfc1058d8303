# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which keys a service of each manager has."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, catalog_services
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError

UNITS = {"units": ["web"]}
COMPOSE = {**UNITS, "manager": "compose", "file": "/srv/shop/compose.yaml"}


def service(raw: dict[str, Any]) -> Any:
    document = {"application": "shop", "settings": {"A": {"value": "x"}}, "services": {"web": raw}}
    return catalog_parser.parse(document, "test").services["web"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, "services.web: manager systemd needs units"),
        ({**UNITS, "manager": "compose"}, "services.web: manager compose needs file"),
        (
            {**COMPOSE, "manager": "supervisor", "units": ["-c"]},
            "services.web.units: '-c' is not a name that supervisor",
        ),
        ({"manager": "runit", "units": ["/etc/sv/web"]}, "services.web.units: '/etc/sv/web' is not a name that runit"),
        ({**UNITS, "manager": "command"}, "services.web: manager command needs restart"),
        ({**UNITS, "file": "/x"}, "services.web.file: is for compose and supervisor, not for manager systemd"),
        ({**UNITS, "health_command": ["x"]}, "services.web: manager systemd needs user"),
        ({**UNITS, "health_command": ["x"], "user": "root"}, "services.web.user: must not be root"),
        (
            {**UNITS, "user": "shop"},
            "services.web.user: is for command, not for manager systemd, unless it has a health",
        ),
        ({**COMPOSE, "user": "shop"}, "services.web.user: is for command, not for manager compose"),
        ({**COMPOSE, "file": "compose.yaml"}, "services.web.file: "),
        ({**UNITS, "manager": "systmd"}, "services.web.manager: must be one of systemd, compose, supervisor, runit"),
        ({**UNITS, "health_command": "celery inspect"}, "services.web.health_command: must be a list"),
    ],
)
def test_a_wrong_service_is_named(raw: dict[str, Any], expected: str) -> None:
    with pytest.raises(CatalogError) as raised:
        service(raw)
    assert expected in str(raised.value)


def test_as_a_deploy_takes_it() -> None:
    assert service(UNITS).data == {"units": ["web"], "health": None}
    assert service({**COMPOSE, "health_command": ["true"]}).data == {
        **COMPOSE,
        "health": None,
        "health_command": ["true"],
    }
    assert service({"manager": "command", "restart": ["x"]}).data == {
        "manager": "command",
        "units": [],
        "health": None,
        "restart": ["x"],
    }


def test_in_messages() -> None:
    assert service(UNITS).described == "web"
    assert service(COMPOSE).described == "web (compose)"
    assert (service(UNITS).systemd_units, service(COMPOSE).systemd_units) == (("web",), ())


def test_a_host_is_asked_about_its_own_services() -> None:
    web, worker = {"service": "web"}, {"service": "worker"}
    assert catalog_services.of_services([web, worker], ["worker", "other"]) == [worker]
    assert catalog_services.of_services([web, worker], []) == []
    assert catalog_services.of_services([web, worker], None) == [web, worker]
