# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services were started after their .env last changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    if result.get("processes_problem"):
        yield unknown(result["processes_problem"], host)
    for process in result["processes"]:
        if process["began"] is None:
            yield bad(f"{process['unit']} is not running", host)
        elif process["old"]:
            yield bad(
                f"{process['unit']} has run since {process['began']}, but its .env changed at {result['file_changed']}",
                host,
            )
        elif process.get("mended"):
            yield good(
                f"{process['unit']} has run since {process['began']}; .env was written again with the same content",
                host,
            )
        else:
            yield good(f"{process['unit']} has run since {process['began']}", host)
    if not result["processes"] and not result.get("processes_problem"):
        yield unknown("the catalog names no units for this host", host)


CHECK = Check(
    id="WPS303",
    name="old-process",
    area="drift",
    severity="high",
    title="Services were started after their .env last changed",
    reason="A service uses the old values until it is restarted.",
    fix="Restart the unit, or deploy again, which restarts it and checks its health.",
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
