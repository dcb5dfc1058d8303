# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A time limit for a whole request. A socket's own timeout restarts with each byte. Standard library; Python 3.8."""

from __future__ import annotations

import threading
from typing import Callable, List, TypeVar

T = TypeVar("T")


def within(seconds: float, act: Callable[[], T], late: T) -> T:
    """The result or exception of ``act``. After ``seconds``, returns ``late`` and leaves ``act`` running."""
    results: List[T] = []
    problems: List[Exception] = []

    def run() -> None:
        try:
            results.append(act())
        except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught
            problems.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if problems:
        raise problems[0]
    return results[0] if results else late
