# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits for a grant that IAM does not apply yet: AWS may deny a granted call for up to a minute."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.aws_errors import DENIED_CODES

T = TypeVar("T")
VARIABLE = "WATCHPARTY_SECRETS_ACCESS_WAIT"
"""Seconds, in the environment of ansible-playbook; 0 fails at once."""
SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE, BETWEEN_SERVERS = 2.0, 10.0, 5.0


def _seconds() -> float:
    text = os.environ.get(VARIABLE, "")
    try:
        return float(text) if text else SECONDS
    except ValueError:
        raise NoAccess(f"{VARIABLE} is {text!r}, which is not a number of seconds; give 60, or 0") from None


@dataclass
class AccessWait:
    """A waiting time for all calls, which begins with the first denial."""

    show: Callable[[str], object]
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _until: float | None = field(default=None, init=False)
    _pause: float = field(default=FIRST_PAUSE, init=False)

    def watch(self, client: Any) -> Any:
        """Makes the client repeat denied calls, also writes, because AWS denies before it acts."""
        client.meta.events.register_first("needs-retry.*.*", self._tried)
        return client

    def _tried(self, response: Any, operation: Any, **_more: Any) -> float | None:
        """Called by botocore after each attempt. Returns the seconds before the next one, or None for no other one."""
        error = response[1].get("Error", {}) if response else {}
        if error.get("Code") not in DENIED_CODES or self._left() <= 0:
            return None
        name = f"{operation.service_model.service_name}:{operation.name}"
        return self._next_pause(f"AWS denies {name} ({error.get('Message', '')})")

    def _left(self) -> float:
        """Seconds until a denial is final."""
        if self._until is None:
            self._until = self.clock() + _seconds()
        return self._until - self.clock()

    def _next_pause(self, denial: str) -> float:
        seconds = self._left()
        self.show(
            f"waiting for access: {denial}. IAM applies a new grant within about a minute; trying again for "
            f"{seconds:.0f} s ({VARIABLE}=0 fails immediately)"
        )
        pause = max(0.1, min(self._pause, seconds))
        self._pause = min(1.5 * self._pause, LONGEST_PAUSE)
        return pause

    def until_granted(self, look: Callable[[], T], denials: Callable[[T], Sequence[str]]) -> T:
        """The result of ``look``, once AWS denies no part of it or the time is up.

        ``look`` only reads, because it is repeated. Raises :class:`Denied` as it does. A grant reaches AWS's servers
        one after another, so after a denial it must be there twice, some seconds apart.
        """
        seconds = _seconds()
        was_denied = False
        while True:
            try:
                answer = look()
                denied = [*denials(answer)]
                if (not denied and not was_denied) or self._left() <= 0:
                    return answer
                if not denied:
                    was_denied = False
                    self.sleep(BETWEEN_SERVERS)
                    continue
            except Denied as error:
                if self._left() <= 0:
                    waited = f"; still denied after {seconds:.0f} s, so the cause is not a new grant"
                    raise Denied(f"{error}{waited if seconds else ''}", error.detail) from None
                denied = [str(error)]
            was_denied = True
            self.sleep(self._next_pause(denied[0]))


def access_wait() -> AccessWait:
    return AccessWait(Display().display)
