# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two tasks: one that answers at once, one that is still running when the worker is reported to stop."""

from __future__ import annotations

import time

from celery import shared_task


@shared_task
def add(left: int, right: int) -> int:
    return left + right


@shared_task
def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
