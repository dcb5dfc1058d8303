# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loops that run beside a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def running(*loops: Callable[[threading.Event], object]) -> Iterator[None]:
    """Runs each loop in a thread. At the end of the block, sets the event that the loops get, and waits for them."""
    over = threading.Event()
    threads = [threading.Thread(target=loop, args=(over,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
