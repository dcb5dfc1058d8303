# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restarts what reads a .env file on this host, and waits until it is healthy. Standard library only; Python 3.8.

Nothing that a command or an application prints is reported: it may show settings.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check, systemd_show

RUNNING = ("active", "reloading", "refreshing")
SHOWN = ("Id", "Type", "ActiveState", "SubState", "Result")


class Health(NamedTuple):
    """Where health is asked, and how patiently."""

    urls: Sequence[str]
    retries: int
    delay: float
    timeout: float


def restarted_and_healthy(services: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The last answer of each health address, once everything was restarted and stayed up. Raises HostError.

    ``services`` are the option of that name of the module env_file.
    """
    units = services["units"] if services["command"] is None else []
    health = Health(*(services["health_" + name] for name in Health._fields))
    try:
        restart(services["command"], units)
        answers = wait_healthy(health)
        require_running(units)
    except HostError:
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught  # whoever called must know how far it came
        raise HostError("restart or health check: defect in this module: %s" % type(error).__name__) from error
    return answers


def restart(command: Optional[str], units: Sequence[str]) -> None:
    """Restarts by the command or, without one, unit after unit. Raises HostError."""
    if command is not None:
        _by_command(command)
        return
    for unit in units:
        answer = _systemctl("restart", "--", unit)
        if answer.returncode:
            raise HostError("%s could not be restarted: %s" % (unit, _reason(answer)))


def wait_healthy(health: Health) -> List[Dict[str, Any]]:
    """The last answer of each address. Raises HostError where one does not come to 200."""
    return [_wait(url, health) for url in health.urls]


def require_running(units: Sequence[str]) -> None:
    """Raises HostError with the units that did not stay up; a job that ran to its end is up."""
    if not units:
        return
    answer = _systemctl("show", "--property", ",".join(SHOWN), "--", *units)
    results = systemd_show.shown(answer.stdout)
    if answer.returncode or len(results) != len(units):
        raise HostError("systemd does not report whether the units stayed up: %s" % _reason(answer))
    down = [
        "%s is %s (%s)" % (entry["Id"], entry["ActiveState"], entry["SubState"])
        for entry in results
        if not is_up(entry)
    ]
    if down:
        raise HostError("; ".join(down))


def _by_command(command: str) -> None:
    try:
        arguments = [os.path.expanduser(os.path.expandvars(word)) for word in shlex.split(command)]
    except ValueError as error:
        raise HostError("the restart command cannot be read: %s" % error) from None
    if not arguments:
        raise HostError("the restart command is empty")
    try:
        # Into nowhere: a service that it starts may keep its output open.
        code = subprocess.call(  # pylint: disable=ansible-bad-function
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise HostError("the restart command cannot be run: %s" % (error.strerror or error)) from None
    if code:
        raise HostError("the restart command's exit code was %d; its output is not shown" % code)


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # pylint: disable=ansible-bad-function
            ["systemctl", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise HostError("systemctl cannot be run: %s" % (error.strerror or error)) from None


def _reason(answer: subprocess.CompletedProcess[str]) -> str:
    return (answer.stderr.strip().splitlines() or ["the exit code of systemctl was %d" % answer.returncode])[0]


def is_up(unit: Mapping[str, str]) -> bool:
    """Whether it runs, or is a job that ran to its end."""
    if unit.get("ActiveState") in RUNNING:
        return True
    return unit.get("ActiveState") == "inactive" and unit.get("Type") == "oneshot" and unit.get("Result") == "success"


def _wait(url: str, health: Health) -> Dict[str, Any]:
    began, tries = time.monotonic(), max(health.retries, 0) + 1
    answer = health_check.repeated(
        lambda: health_check.asked(url, health.timeout),
        lambda answer: bool(answer["status"] == 200),
        retries=health.retries,
        delay=health.delay,
    )
    if answer["status"] == 200:
        return answer
    problem = answer.get("problem") or "answered %d" % answer["status"]
    raise HostError("%s: %s, asked %d times in %.0f s" % (url, problem, tries, time.monotonic() - began))
