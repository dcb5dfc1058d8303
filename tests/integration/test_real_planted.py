# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes on a systemd host that runs the worked example: the host's program finds each, and its check names it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.hosts import Fleet, Plan, why_not
from tests.integration.planted_lab import PlantedHost
from tests.unit.plugins.modules.planted_mistakes import (
    BELOW,
    CONTAINERS,
    ELSEWHERE,
    FILE,
    FILE_MISTAKES,
    NAMES,
    OLD,
    Plant,
    is_found,
)

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no mistake was planted on a real host"),
]
RESTARTED = ("WPS303",)
"""Who changes the file by hand does not restart its services."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantedHost]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=1, services=True)) as fleet:
        yield PlantedHost(fleet)


def test_a_deployed_host_passes(host: PlantedHost) -> None:
    assert host.found() == {}


@pytest.mark.parametrize("how", CONTAINERS)
def test_a_copy_below_the_file(host: PlantedHost, how: str) -> None:
    place = BELOW[list(CONTAINERS).index(how) % len(BELOW)]
    with host.undone():
        host.write(host.env.parent / place, CONTAINERS[how])
        assert list(host.found()) == ["WPS205"]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_copy_where_copies_usually_are(host: PlantedHost, place: str) -> None:
    with host.undone():
        host.write(place, CONTAINERS["tar.gz"] if place.endswith(".gz") else FILE)
        assert list(host.found()) == ["WPS208"]


@pytest.mark.parametrize("name", [*NAMES, "sub/.env", "sub/.env.old"])
def test_an_older_file(host: PlantedHost, name: str) -> None:
    with host.undone():
        host.write(host.env.parent / name, OLD)
        assert list(host.found()) == ["WPS205"]


@pytest.mark.parametrize(("checks", "plant"), [row[1:] for row in FILE_MISTAKES], ids=[row[0] for row in FILE_MISTAKES])
def test_a_mistake_in_files(host: PlantedHost, checks: str, plant: Plant) -> None:
    with host.undone():
        plant(host)
        found = host.found()
    assert is_found(checks, found, *RESTARTED), found
