# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The external health check answers with status 200."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("outside")
    for url in sorted(result):
        item = result[url]
        if item.get("tls") and item["tls"].get("problem"):
            yield unknown("not connected, because the certificate is invalid", url)
        elif item.get("problem"):
            yield bad(item["problem"], url)
        elif item["status"] == 200:
            yield good(f"200 in {item['seconds']:.2f} s", url)
        else:
            yield bad(f"status {item['status']}", url)
    if not result:
        yield unknown("no external address is known: set env_deploy_external_health_url")


CHECK = Check(
    id="WPS602",
    name="health-outside",
    area="health",
    severity="high",
    title="The external health check answers with status 200",
    reason="A healthy service can be unreachable for users because of load balancer, DNS, firewall or certificate.",
    fix="Compare with WPS601. If every host is healthy, check load balancer, DNS, firewall and certificate.",
    look=look,
    needs=("outside",),
)
