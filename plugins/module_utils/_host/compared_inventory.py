# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In a leak, what a server of MySQL or RabbitMQ is compared by with its baseline. Nothing here stops a revocation.
Python 3.8."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Set

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

SECONDS, MESSAGE = 10.0, 300
"""For all of it, and characters of a problem."""
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What an answer in another form than a server's leads to."""


def read(act: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """What ``act`` shows, or why it shows nothing."""
    late = {**server_baseline.no_inventory(), "problems": ["gave no complete answer within %d seconds" % SECONDS]}
    result = server_baseline.no_inventory()
    try:
        part = within(SECONDS, act, late)
        if part is late:
            return late
        server_baseline.add(result, part)
    except RotationError as error:
        result["problems"].append(str(error)[:MESSAGE])
    except UNREADABLE:
        result["problems"].append("its answer cannot be read")
    except (MemoryError, RuntimeError):  # RecursionError too
        result["problems"].append("its answer is too long")
    return result


def compared(inventory: Mapping[str, Any], request: Mapping[str, Any]) -> Set[str]:
    """The kinds of which a comparison with the baseline names what was added."""
    return set() if inventory["problems"] else {*inventory["kinds"]} & {*request["kinds"]}
