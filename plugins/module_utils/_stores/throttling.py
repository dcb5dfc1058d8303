# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bound on the time that a process waits because AWS throttles its calls.

botocore repeats a throttled call with growing, random pauses. Each call alone may wait for a minute, so a run of many
calls needs a bound of its own.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess

CODES = (
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
)
BUDGET_SECONDS = 120.0
_MARK = "watchparty_throttled_at"


class ThrottlingBudget:
    """The waiting time that all clients of a process share."""

    def __init__(self, seconds: float = BUDGET_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._spent = 0.0
        self._lock = threading.Lock()

    def watch(self, client: Any) -> Any:
        """Counts the retries of a client from now on. Returns the client."""
        client.meta.events.register_first("needs-retry.*.*", self._tried)
        return client

    def _tried(
        self, response: Any, operation: Any, request_dict: Optional[Mapping[str, Any]] = None, **_more: Any
    ) -> None:
        """Counts an attempt; botocore calls this after each. Raises :class:`NoAccess` when the budget is spent."""
        context = (request_dict or {}).get("context", {})
        now, since = self._clock(), context.pop(_MARK, None)
        with self._lock:
            if since is not None:
                self._spent += now - since
            spent = self._spent
        error = response[1].get("Error", {}).get("Code", "") if response else ""
        if error not in CODES:
            return
        if spent >= self._seconds:
            name = f"{operation.service_model.service_name}:{operation.name}"
            raise NoAccess(f"AWS throttles {name}, and this run has waited {spent:.0f} s for it. {remedy(name)}")
        context[_MARK] = now


def remedy(operation: str) -> str:
    if operation.startswith("ssm:"):
        return (
            "Run the same command again when other programs use Parameter Store less in this account, or raise "
            "its throughput ('aws ssm update-service-setting --setting-id "
            "/ssm/parameter-store/high-throughput-enabled --setting-value true', which AWS charges for)"
        )
    return "Run the same command again when other programs use this service less in this account and region"
