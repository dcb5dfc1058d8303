# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every host answers its health check with status 200."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)


def _host(host: str, found: Mapping[str, Any]) -> Iterator[Outcome]:
    for one in found["health"]:
        if one.get("problem"):
            yield bad(f"{one['url']}: {one['problem']}", host)
        elif one["status"] == 200:
            yield good(f"{one['url']}: 200 in {one['seconds']:.2f} s", host)
        else:
            yield bad(f"{one['url']}: status {one['status']}", host)
    if not found["health"]:
        yield unknown("no health address is known: services.*.health in the catalog, or env_deploy_health_url", host)


CHECK = Check(
    id="WPS601",
    name="health-host",
    area="health",
    severity="high",
    title="Every host answers its health check with status 200",
    reason="An unhealthy host serves errors, and stops a rotation.",
    fix="Read the log of the unit (journalctl -u UNIT), then deploy again.",
    look=by_host(_host),
    needs=("hosts",),
)
