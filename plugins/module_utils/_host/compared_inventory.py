# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a MySQL or RabbitMQ inventory that a leak response compares with the baseline. Errors stop no revocation."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Set

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

SECONDS, MESSAGE = 10.0, 300
"""Time limit for the whole inventory, and characters of a problem."""
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""Errors that a malformed answer causes."""


def read(act: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """The inventory that ``act`` reads, or the problem that prevented it."""
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


def comparable_kinds(inventory: Mapping[str, Any], request: Mapping[str, Any]) -> Set[str]:
    """Requested kinds that can be compared with the baseline."""
    return set() if inventory["problems"] else {*inventory["kinds"]} & {*request["kinds"]}
