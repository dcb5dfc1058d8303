# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restarts the services that read a .env on this host, and waits until they are healthy.

Output of commands and applications is not reported: it may show settings.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import ServiceManager


class Health(NamedTuple):
    """Health addresses, and limits for asking them."""

    urls: Sequence[str]
    retries: int
    delay: float
    timeout: float

    @property
    def seconds(self) -> float:
        """Seconds for all tries of an address, and as many for a command."""
        return (max(self.retries, 0) + 1) * (max(self.delay, 0) + self.timeout)


def restarted_and_healthy(services: Dict[str, Any], path: str) -> List[Dict[str, Any]]:
    """Restarts services until they are healthy and stay up. Returns the last answer of each health address. Raises
    HostError.

    ``services`` is the option of the module env_file, whose ``path`` they read.
    """
    managers, command = registry.managers(services["units"], services["managed"]), services["command"]
    health = Health(*(services["health_" + name] for name in Health._fields))
    try:
        restart(command, managers, services["restart_timeout"])
        answers = wait_healthy(health)
        for manager in managers:
            _wait_for_command(manager, os.path.dirname(path), health)
        require_running(managers if command is None else [])
    except HostError:
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught  # the caller must know how far it came
        message = "unexpected error in the restart or health check: %s (please report it)" % type(error).__name__
        raise HostError(message) from error
    return answers


def restart(command: Optional[str], managers: Sequence[ServiceManager], seconds: float) -> None:
    """Restarts by the command or, if None, by each manager. Raises HostError."""
    if command is not None:
        _by_command(command)
        return
    for manager in managers:
        manager.restart(seconds)


def require_restartable(services: Dict[str, Any]) -> None:
    """Raises HostError with the units that a restart would not find. Does not try a command."""
    if services["command"] is not None:
        return
    managers = registry.managers(services["units"], services["managed"])
    missing = ["%s is %s" % (state.unit, state.text) for manager in managers for state in manager.missing()]
    if missing:
        raise HostError(
            "a deploy would fail to restart: %s. Install what is missing, run systemctl unmask for what is masked, or "
            "correct services in the catalog" % "; ".join(missing)
        )


def stop(services: Dict[str, Any]) -> None:
    """Stops unit by unit, each in its share of the time. Raises HostError with all problems."""
    problems = []
    declared = registry.managers(services["units"], services["managed"])
    managers = [single for manager in declared for single in manager.by_unit()]
    for manager in managers:
        try:
            manager.stop(services["restart_timeout"] / len(managers))
        except HostError as error:
            problems.append(str(error))
    if problems:
        raise HostError("; ".join(problems))


def wait_healthy(health: Health) -> List[Dict[str, Any]]:
    """The last answer of each address. Raises HostError if an address does not answer 200."""
    return [_wait(url, health) for url in health.urls]


def require_running(managers: Sequence[ServiceManager]) -> None:
    """Raises HostError with the units that did not stay up; a completed job counts as up."""
    states = [state for manager in managers for state in manager.states()]
    down = ["%s is not running after the restart: %s" % (state.unit, state.text) for state in states if not state.is_up]
    if down:
        raise HostError("; ".join(down))


def _by_command(command: str) -> None:
    try:
        arguments = [os.path.expanduser(os.path.expandvars(word)) for word in shlex.split(command)]
    except ValueError as error:
        raise HostError(
            "the restart command cannot be parsed: %s; correct env_deploy_restart_command" % error
        ) from None
    if not arguments:
        raise HostError("the restart command is empty; correct env_deploy_restart_command")
    try:
        # No pipe: a service that the command starts may keep its output open.
        code = subprocess.call(  # pylint: disable=ansible-bad-function
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise HostError("the restart command cannot be run: %s" % (error.strerror or error)) from None
    if code:
        raise HostError("the restart command's exit code was %d; its output is not shown" % code)


def _wait(url: str, health: Health) -> Dict[str, Any]:
    began, tries = time.monotonic(), max(health.retries, 0) + 1
    answer = health_check.ask_until_healthy(
        lambda: health_check.ask_once(url, health.timeout),
        lambda answer: bool(answer["status"] == 200),
        retries=health.retries,
        delay=health.delay,
    )
    if answer["status"] == 200:
        return answer
    problem = answer.get("problem") or "HTTP %d" % answer["status"]
    seconds = time.monotonic() - began
    raise HostError("health check of %s failed: %s, asked %d times in %.0f s" % (url, problem, tries, seconds))


def _wait_for_command(manager: ServiceManager, folder: str, health: Health) -> None:
    """Raises HostError if the service's health command does not succeed."""
    until = time.monotonic() + health.seconds
    problem = health_check.ask_until_healthy(
        lambda: manager.health_problem(folder, max(until - time.monotonic(), 1)),
        lambda problem: not problem,
        retries=health.retries,
        delay=health.delay,
    )
    if problem:
        raise HostError(problem)
