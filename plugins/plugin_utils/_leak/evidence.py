# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evidence from servers and CloudTrail within a time limit, so that it cannot delay the containment."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import kinds, server_comparison
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import ServerPrograms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

HOSTS_SHARE = 2 / 3
LOOK = 6
"""Seconds that each host has to look for footholds, independent of the number of hosts. Only hosts that hang use them
up."""


class BackgroundCall:
    """A call in its own thread. The caller waits for its answer only for a limited time."""

    def __init__(self, act: Callable[[], Mapping[str, Any]]) -> None:
        self._act, self._answer = act, dict[str, Any]()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = dict(self._act())
        except SecretsError as error:
            self._answer = {"failed": True, "msg": str(error)}
        except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught # evidence stops nothing
            self._answer = {"failed": True, "msg": f"unexpected error: {type(error).__name__}"}

    def answer(self, seconds: float) -> dict[str, Any]:
        self._thread.join(max(seconds, 0))
        return {"failed": True, "msg": "no answer in time"} if self._thread.is_alive() else self._answer


def sessions(
    server: ServerPrograms, connection: Any, credentials: Sequence[Mapping[str, Any]], until: float
) -> list[dict[str, Any]]:
    """Logins at each server, one server after the other. Each server but the last may use half of the remaining time,
    so that one that hangs leaves time for the others. ``until`` is in seconds since 1970."""
    at_servers = [credential for credential in credentials if kinds.sessions_module(credential["kind"])]
    results = []
    for credential in at_servers:
        remaining = until - time.time()
        seconds = remaining if credential is at_servers[-1] else remaining / 2
        module, name = kinds.sessions_module(credential["kind"]), credential["name"]
        results.append({"name": name, **_sessions(server, connection, module, name, seconds)})
    return results


def _sessions(server: ServerPrograms, connection: Any, module: str, name: str, seconds: float) -> dict[str, Any]:
    if seconds < server_comparison.LEAST:
        return {"skipped": True}
    began = time.monotonic()
    try:
        # Without the run that a rotation has: it is asked outside one.
        answer = deadline.within(
            seconds, lambda: server.run(module, state="sessions", credential=name, run=""), connection
        )
    except AnsibleConnectionFailure as error:
        late = time.monotonic() - began >= seconds
        return {"failed": True, "msg": f"no answer within {seconds:.0f} s" if late else str(error)}
    except SecretsError as error:
        return {"failed": True, "msg": str(error)}
    return {key: answer[key] for key in ("sessions", "short") if key in answer}


def trail(
    setting: RotationSetup, credentials: Sequence[str], *, seconds: float, since: str, access_keys: Sequence[str] = ()
) -> BackgroundCall:
    """Asks CloudTrail in a thread; options as of :func:`readers.question`."""
    try:
        return BackgroundCall(
            cloudtrail_readers.question(setting, credentials, seconds=seconds, since=since, access_keys=access_keys)
        )
    except SecretsError as error:
        failure = {"failed": True, "msg": str(error)}
        return BackgroundCall(lambda: failure)


@dataclass(frozen=True)
class Times:
    """Time limits of the evidence: hosts first, then servers."""

    evidence_until: float
    """End of all evidence, in seconds since 1970."""
    hosts_until: float
    """Last start of a host's turn, in seconds since 1970."""
    host_seconds: int
    """Seconds for one host: hosts that hang leave time for hosts that wait for their turn."""
    look_seconds: int = 0
    """Additional seconds of a host's search for footholds; 0 without a search."""


def times(now: float, seconds: float, *, hosts: int, forks: int, has_key: bool = False) -> Times:
    """``has_key`` is whether an SSH key leaked: then a host that was not searched in time gets no new value."""
    for_hosts = seconds * HOSTS_SHARE
    turns = math.ceil(hosts / max(forks, 1)) or 1
    each = max(int(for_hosts / turns), 1)
    look = max(each, LOOK) if has_key else 0
    return Times(now + seconds, now + max(for_hosts, turns * look), each, look)


def servers_until(now: float, seconds: float, until: float) -> float:
    """End of the questions to servers, in seconds since 1970. The search on hosts and the plan may have used the time
    until ``until``."""
    return max(until, now + seconds * (1 - HOSTS_SHARE))
