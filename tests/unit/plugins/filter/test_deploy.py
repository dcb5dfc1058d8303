# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.deploy import FilterModule

deploy_outcome = FilterModule().filters()["deploy_outcome"]
deploy_services = FilterModule().filters()["deploy_services"]
WRITTEN = {"path": "/srv/.env", "mode": "0600", "changed": True, "restart_needed": True, "healthy": True}
FAILED = {"env_deploy_failure": {"reason": "no space", "recovery": "the rollback to the last healthy .env FAILED"}}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "skipped: the rollout stopped before this host"),
        (
            {"env_deploy_delivery": {"failed": True, "lost": True}},
            "not reached, or the connection broke during the deploy",
        ),
        ({"env_deploy_delivery": {"failed": True}, **FAILED}, "failed; the rollback to the last healthy .env FAILED"),
        (
            {
                "env_deploy_delivery": {"failed": True, "unusable": True},
                "env_deploy_failure": {"reason": "no space", "recovery": ""},
            },
            "NOT delivered, its .env was not changed; no space",
        ),
        ({"env_deploy_delivery": {"failed": True}}, "failed"),
        ({"env_deploy_delivery": {**WRITTEN, "changed": False, "restart_needed": False}}, "unchanged, healthy before"),
        ({"env_deploy_delivery": {**WRITTEN, "health": []}}, "/srv/.env has mode 0600, services restarted and healthy"),
        ({"env_deploy_delivery": WRITTEN}, "/srv/.env has mode 0600, delivered"),
        (
            {"env_deploy_delivery": {**WRITTEN, "restart_needed": False}},
            "/srv/.env has mode 0600, owner or mode corrected",
        ),
        ({"env_deploy_delivery": {**WRITTEN, "healthy": False}}, "/srv/.env has mode 0600, NOT health-checked"),
        (
            {"env_deploy_delivery": {**WRITTEN, "healthy": False}, "env_deploy_restart": "no"},
            "/srv/.env has mode 0600, delivered; its services were not restarted; the next deploy restarts them",
        ),
    ],
)
def test_a_host(variables: dict[str, Any], expected: str) -> None:
    assert deploy_outcome(["web1"], {"web1": variables}) == [f"web1: {expected}"]


@pytest.mark.parametrize(
    ("restart", "expected"),
    [(True, "would be changed, then restarted and health-checked"), (False, "would be changed")],
)
def test_in_check_mode(restart: bool, expected: str) -> None:
    variables = {"env_deploy_delivery": {**WRITTEN, "restart_needed": restart}}
    assert deploy_outcome(["web1"], {"web1": variables}, check=True) == [f"web1: {expected}"]


@pytest.mark.parametrize(("hosts", "variables"), [("web1", {}), (None, {}), (["web1"], None)])
def test_what_is_no_list_of_hosts(hosts: Any, variables: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="needs a list of hosts"):
        deploy_outcome(hosts, variables)


SERVICES = {
    "web": {"units": ["web.service", "cache.service"], "health": "http://127.0.0.1:8000/health/"},
    "worker": {"units": ["worker.service", "cache.service"], "health": None},
}


class TestServices:
    def test_all_of_them(self) -> None:
        result = deploy_services(SERVICES, restart_timeout=5.0)
        units = ["web.service", "cache.service", "worker.service"]
        assert result == {
            "can_restart": True,
            "units": units,
            "web": {"units": ["web.service", "cache.service"], "managed": []},
            "services": {
                "command": None,
                "units": units,
                "managed": [],
                "health_urls": ["http://127.0.0.1:8000/health/"],
                "restart_timeout": 5.0,
            },
        }

    def test_those_of_the_host(self) -> None:
        result = deploy_services(SERVICES, names=["worker"])
        assert (result["units"], result["services"]["health_urls"]) == (["worker.service", "cache.service"], [])
        assert result["web"] == {"units": result["units"], "managed": []}

    def test_those_of_other_managers(self) -> None:
        compose = {"manager": "compose", "units": ["web"], "file": "/srv/compose.yaml"}
        worker = {"units": ["worker.service"], "health_command": ["true"], "user": "shop"}
        result = deploy_services({"web": {**compose, "health": "http://h/"}, "worker": {**worker, "health": None}})
        managed = [{**compose, "service": "web"}, {**worker, "service": "worker", "manager": "systemd", "units": []}]
        assert (result["can_restart"], result["services"]["managed"]) == (True, managed)
        assert result["web"] == {"units": [], "managed": managed[:1]}
        assert result["services"]["units"] == result["units"] == ["worker.service"]

    def test_an_empty_address_of_the_host_is_kept_for_the_refusal(self) -> None:
        assert deploy_services(SERVICES, health_url="")["services"]["health_urls"] == [""]

    @pytest.mark.parametrize(
        ("options", "can_restart"),
        [({"names": []}, False), ({"restart": False}, True), ({"names": [], "restart": False, "command": "x"}, True)],
    )
    def test_nothing_to_restart(self, options: dict[str, Any], can_restart: bool) -> None:
        result = deploy_services(SERVICES, **options)
        assert (result["can_restart"], "services" in result) == (can_restart, False)

    def test_a_command_alone(self) -> None:
        assert deploy_services({}, command="restart-all")["services"]["command"] == "restart-all"

    def test_a_service_that_the_catalog_has_not(self) -> None:
        with pytest.raises(
            AnsibleFilterError, match=r"^env_deploy_services: webb: no such service; the catalog has web, "
        ):
            deploy_services(SERVICES, names=["webb", "web"])

    def test_what_are_no_services(self) -> None:
        with pytest.raises(AnsibleFilterError, match="needs the services of a snapshot"):
            deploy_services(None)
