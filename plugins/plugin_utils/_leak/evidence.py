# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers and CloudTrail show of a leak, within a time that is set: nothing of it may delay the containment."""

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
"""Seconds that each host has to look for footholds, however many wait. Those that hang alone take them."""


class BackgroundCall:
    """An act in a thread of its own, whose answer is waited for no longer than that."""

    def __init__(self, act: Callable[[], Mapping[str, Any]]) -> None:
        self._act, self._answer = act, dict[str, Any]()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = dict(self._act())
        except SecretsError as error:
            self._answer = {"failed": True, "msg": str(error)}

    def answer(self, seconds: float) -> dict[str, Any]:
        self._thread.join(max(seconds, 0))
        return {"failed": True, "msg": "no answer in time"} if self._thread.is_alive() else self._answer


def sessions(
    server: ServerPrograms, connection: Any, credentials: Sequence[Mapping[str, Any]], until: float
) -> list[dict[str, Any]]:
    """Who is logged in at each server, one after the other: each but the last may take half of what is left, so that
    one that hangs leaves something to those after it. ``until`` is in seconds since 1970."""
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
    """Asks CloudTrail, while something else goes on; options as of :func:`readers.question`."""
    try:
        return BackgroundCall(
            cloudtrail_readers.question(setting, credentials, seconds=seconds, since=since, access_keys=access_keys)
        )
    except SecretsError as error:
        failure = {"failed": True, "msg": str(error)}
        return BackgroundCall(lambda: failure)


@dataclass(frozen=True)
class Times:
    """How long evidence may take: that of hosts first, then that of servers."""

    evidence_until: float
    """When all of it ends, in seconds since 1970."""
    hosts_until: float
    """Until when a host's turn may begin."""
    host_seconds: int
    """How long one host may take: those that hang leave something to those that wait for their turn."""
    look_seconds: int = 0
    """How long its look for footholds may take, beside the rest; 0 without one."""


def times(now: float, seconds: float, *, hosts: int, forks: int, has_key: bool = False) -> Times:
    """``has_key`` is whether an SSH key leaked: a host that was not looked at in time gets nothing new."""
    for_hosts = seconds * HOSTS_SHARE
    turns = math.ceil(hosts / max(forks, 1)) or 1
    each = max(int(for_hosts / turns), 1)
    look = max(each, LOOK) if has_key else 0
    return Times(now + seconds, now + max(for_hosts, turns * look), each, look)


def servers_until(now: float, seconds: float, until: float) -> float:
    """When the question to servers ends: looking at hosts and planning may have taken the time ``until`` then."""
    return max(until, now + seconds * (1 - HOSTS_SHARE))
