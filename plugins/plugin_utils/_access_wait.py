# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits for a grant that IAM does not apply yet: AWS denies for up to a minute what was just allowed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import Denied, NoAccess

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
        raise NoAccess(f"{VARIABLE} is {text!r}, which is no number of seconds; give 60, or 0") from None


@dataclass(frozen=True)
class AccessWait:
    """How long, and how the operator sees it."""

    show: Callable[[str], object]
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def until_granted(self, look: Callable[[], T], denials: Callable[[T], Sequence[str]]) -> T:
        """What ``look`` returns, once AWS denies nothing of it any more, or when the time is up.

        ``look`` only reads, since it is repeated. Raises :class:`Denied` as it does. A grant reaches AWS's servers one
        after another, so after a denial it has to be there twice, some seconds apart.
        """
        seconds = _seconds()
        until, pause = self.clock() + seconds, FIRST_PAUSE
        was_denied = False
        while True:
            try:
                answer = look()
                denied = [*denials(answer)]
                if (not denied and not was_denied) or self.clock() >= until:
                    return answer
                if not denied:
                    was_denied = False
                    self.sleep(BETWEEN_SERVERS)
                    continue
            except Denied as error:
                if self.clock() >= until:
                    waited = f"; still so after {seconds:.0f} s, so it is not a grant that was only just made"
                    raise Denied(f"{error}{waited if seconds else ''}", error.detail) from None
                denied = [str(error)]
            was_denied = True
            left = until - self.clock()
            self.show(
                f"waiting for access: {denied[0]}. IAM applies a new grant within about a minute; trying again for "
                f"{left:.0f} s ({VARIABLE}=0 fails at once)"
            )
            self.sleep(max(0.1, min(pause, left)))
            pause = min(1.5 * pause, LONGEST_PAUSE)


def access_wait() -> AccessWait:
    """The one of a task: its lines reach the terminal while it waits."""
    return AccessWait(Display().display)
