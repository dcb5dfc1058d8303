# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes on a systemd host that runs the worked example: the host's program finds each, and its check names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.hosts import Fleet, Plan, why_not
from tests import planted
from tests.integration.planted_lab import MAIL, PlantedHost
from tests.integration.planted_units import ENVIRONMENT, FILE, LOGGED, RUNNING, SHOWN, START, STATE, replaced
from tests.integration.planted_variations import ONLY_MAIL, USER_UNIT, VARIATIONS
from tests.unit.plugins.modules.host_world import CHECKS
from tests.unit.plugins.modules.planted_mistakes import (
    BELOW,
    CONTAINERS,
    COPY,
    COPY_ELSEWHERE,
    ELSEWHERE,
    FILE_MISTAKES,
    FILES,
    NAMES,
    OLD,
    OLDER,
    UNITS,
    Plant,
    is_found,
)

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no mistake was planted on a real host"),
]
REAL = (planted.HOST, planted.PLAYBOOK)
RESTARTED = ("WPS303",)
"""Who changes the file by hand does not restart its services."""
UNIT_MISTAKES = [*STATE, *ENVIRONMENT, *RUNNING, *SHOWN, *LOGGED]
NAMED = [row[0] for row in UNIT_MISTAKES]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantedHost]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=1, services=True)) as fleet:
        yield PlantedHost(fleet)


@planted.mistakes(COPY, *REAL, checks="WPS205")
@pytest.mark.parametrize("how", CONTAINERS)
def test_a_copy_below_the_file(host: PlantedHost, how: str) -> None:
    place = BELOW[list(CONTAINERS).index(how) % len(BELOW)]
    with host.undone():
        host.write(host.env.parent / place, CONTAINERS[how])
        assert host.verified() == ["WPS205"]


@planted.mistakes(COPY_ELSEWHERE, *REAL, checks="WPS208")
@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_copy_where_copies_usually_are(host: PlantedHost, place: str) -> None:
    with host.undone():
        host.write(place, CONTAINERS["tar.gz"] if place.endswith(".gz") else CONTAINERS["as it is"])
        assert host.verified() == ["WPS208"]


@planted.mistakes(OLDER, *REAL, checks="WPS205")
@pytest.mark.parametrize("name", [*NAMES, "sub/.env", "sub/.env.old"])
def test_an_older_file(host: PlantedHost, name: str) -> None:
    with host.undone():
        host.write(host.env.parent / name, OLD)
        assert host.verified() == ["WPS205"]


@planted.mistakes(FILES, *REAL)
@pytest.mark.parametrize(("checks", "plant"), [row[1:] for row in FILE_MISTAKES], ids=[row[0] for row in FILE_MISTAKES])
def test_a_mistake_in_files(host: PlantedHost, checks: str, plant: Plant) -> None:
    with host.undone():
        plant(host)
        found = host.verified()
    assert is_found(checks, found, *RESTARTED), found


@planted.mistakes(UNITS, *REAL)
@pytest.mark.parametrize(("checks", "script"), [row[1:] for row in UNIT_MISTAKES], ids=NAMED)
def test_a_mistake_in_units_and_processes(host: PlantedHost, checks: str, script: str) -> None:
    with host.units_undone():
        host.shell(START + script)
        found = host.verified()
    assert is_found(checks, found), found


@planted.mistakes("A host that gives no answer", *REAL, rows={"a stopped sshd": CHECKS}, number=1)
def test_a_host_without_sshd(host: PlantedHost) -> None:
    host.shell("systemctl stop ssh; pkill sshd || true")  # also the connection that ssh keeps
    try:
        assert host.verified() == CHECKS
    finally:
        host.shell("systemctl start ssh")


@planted.variations("Hosts", planted.HOST)
@pytest.mark.parametrize(("script", "over"), [row[1:] for row in VARIATIONS], ids=[row[0] for row in VARIATIONS])
def test_no_false_alarm(host: PlantedHost, script: str, over: dict[str, Any]) -> None:
    with host.units_undone():
        host.shell(START + script)
        assert host.found(**over) == {}


@planted.variations("Hosts", *REAL, rows=["as deployed"])
def test_a_run_without_a_mistake(host: PlantedHost) -> None:
    assert host.verified() == []


def test_a_rootless_unit_without_lingering(host: PlantedHost) -> None:
    with host.units_undone():
        host.shell(START + USER_UNIT + "rm /var/lib/systemd/linger/watchparty")
        found = host.found(**ONLY_MAIL)
    assert found == {
        "WPS306": [f"{MAIL} does not start with the host (it is enabled, but its account does not linger)"]
    }


def test_a_health_address_of_ipv6(host: PlantedHost) -> None:
    serve = "ExecStart=/usr/bin/python3 -m http.server --bind ::1 8600"
    with host.units_undone():
        host.shell(START + replaced("User=watchparty", FILE, "WorkingDirectory=/usr/share", serve) + "; sleep 1")
        (health,) = host.answer(health=["http://[::1]:8600/"])["health"]
    assert health["status"] == 200, health
