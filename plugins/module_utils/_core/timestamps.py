# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times as text, such as 2026-11-25T15:00:00Z: UTC, whole seconds. Standard library only; Python 3.8."""

from __future__ import annotations

import time
from datetime import datetime, timezone

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def stamp(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime(_FORMAT)


def moment(text: str) -> datetime:
    """Raises ValueError for another format."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=timezone.utc)


def stamp_of(seconds: float) -> str:
    """Formats seconds since 1970."""
    # Files may have any time, but datetime ends with the year 9999.
    return time.strftime(_FORMAT, time.gmtime(seconds))


def seconds_of(text: str) -> float:
    """Seconds since 1970, also for a log's leap second (:60). Raises ValueError for another format."""
    import calendar  # a slow import, which few runs need

    return float(calendar.timegm(time.strptime(text, _FORMAT)))
