# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deploy that is killed at any task, and run again, ends as if it had never been killed.

Tasks that only decide something leave the hosts as they are, so a run kills at the first and the last task, and at each
that acts. What is ended between the file and the restart, on the host, is in test_deploy. KILL_AT_EVERY_TASK=1 in the
environment kills at every task there is.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.counts import Record, tried
from tests.integration.harness import Host, Lab, Run, layout

CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
ACTS = ("Deliver the .env and verify", "Restore the last healthy file, restart and verify")
pytestmark = pytest.mark.slow


class Killer:
    """Runs deploys that are killed at one of their tasks."""

    def __init__(self, lab: Lab, *arguments: str) -> None:
        self.lab = lab
        self.arguments = arguments
        self.generation = 0
        self._log = lab.directory / "tasks"

    def next_generation(self) -> str:
        self.generation += 1
        self.lab.seed(layout(str(self.generation)))
        return str(self.generation)

    def points(self, code: int = 0) -> list[str]:
        """The names of a whole run's tasks, in order."""
        run, names = self._run(0)
        assert run.code == code, run.output
        return names

    def kill(self, at: int) -> str:
        """Kills a run at the start of a task, by number from 1; the task's name."""
        run, names = self._run(at)
        assert run.code == -signal.SIGKILL, run.output
        assert len(names) == at
        return names[-1]

    def _run(self, at: int) -> tuple[Run, list[str]]:
        self._log.write_text("")
        run = self.lab.run(
            *self.arguments,
            environment={
                "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
                "ANSIBLE_CALLBACKS_ENABLED": "kill_at",
                "KILL_AT": str(at),
                "KILL_LOG": str(self._log),
            },
        )
        return run, self._log.read_text().splitlines()


def chosen(points: Sequence[str], *, first: int = 1) -> list[int]:
    """The numbers of the tasks to kill at, from *first* on."""
    numbers = range(first, len(points) + 1)
    if os.environ.get("KILL_AT_EVERY_TASK") == "1":
        return list(numbers)
    acting = {number for number in numbers if points[number - 1].startswith(ACTS)}
    return sorted({first, len(points), *acting})


def runs_on(host: Host) -> str:
    return str(host.service["generation"])


def test_killed_during_a_deploy(lab: Lab, record_property: Record) -> None:
    (host,) = lab.add_hosts()
    killer = Killer(lab)
    killer.next_generation()
    lab.deploy()
    killer.next_generation()
    points = killer.points()
    host.assert_healthy(str(killer.generation))
    numbers = chosen(points)
    for at in numbers:
        old, new = str(killer.generation), killer.next_generation()
        restarts = host.restarts
        name = killer.kill(at)
        assert name == points[at - 1]
        assert host.healthy(), f"killed at {name}: the application is down"
        assert runs_on(host) in (old, new)
        lab.deploy()
        host.assert_healthy(new)
        assert restarts + 1 <= host.restarts <= restarts + 2
    tried(record_property, "deploy", [f"{at} {points[at - 1]}" for at in numbers])
    assert lab.deploy().result("web1")["changed"] == 0


def test_killed_while_it_goes_back(lab: Lab, record_property: Record) -> None:
    """The killed run was putting the former file back; the next deploy brings a good one."""
    (host,) = lab.add_hosts()
    killer = Killer(lab)
    good = killer.next_generation()
    lab.deploy()
    bad = killer.next_generation()
    host.behaves(**{f"g{bad}": "500"})
    points = killer.points(code=2)
    host.assert_healthy(good)
    first = points.index(ACTS[1]) + 1
    numbers = chosen(points, first=first)
    for at in numbers:
        name = killer.kill(at)
        assert host.generation in (good, bad), f"killed at {name}: the file is neither the former nor the new one"
        lab.seed(layout(good))
        lab.deploy()
        host.assert_healthy(good)
        lab.seed(layout(bad))
    tried(record_property, "deploy that goes back", [f"{at} {points[at - 1]}" for at in numbers])
    host.behaves()
    lab.deploy()
    host.assert_healthy(bad)


def test_killed_between_two_batches(lab: Lab) -> None:
    """The first host is healthy, the second not reached yet: the next run restarts only the second."""
    first, second = lab.add_hosts(2)
    killer = Killer(lab, "-e", "env_deploy_serial=1")
    killer.next_generation()
    points = killer.points()
    writes = [number for number, name in enumerate(points, 1) if name == "Deliver the .env and verify"]
    assert len(writes) == 2, points
    new = killer.next_generation()
    killer.kill(writes[1])
    first.assert_healthy(new)
    second.assert_healthy("1")
    lab.deploy()
    first.assert_healthy(new)
    second.assert_healthy(new)
    assert (first.restarts, second.restarts) == (2, 2)
