# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("outside")
    for url in sorted(result):
        answer = result[url]
        if answer.get("tls") and answer["tls"].get("problem"):
            yield unknown("not connected, because the certificate is invalid", url)
        elif answer.get("problem"):
            yield bad(answer["problem"], url)
        elif answer["status"] == 200:
            yield good(f"200 in {answer['seconds']:.2f} s", url)
        else:
            yield bad(f"status {answer['status']}", url)
    if not result:
        yield not_applicable("no external address is known: set env_deploy_external_health_url")


CHECK = Check(
    id="WPS602",
    name="health-outside",
    area="health",
    severity="high",
    title="The external health check answers with status 200",
    reason="A healthy service can be unreachable for users because of load balancer, DNS, firewall or certificate.",
    fix="Compare with WPS601. If every host is healthy, check load balancer, DNS, firewall and certificate.",
    command="curl --verbose --output /dev/null {place}",
    look=look,
    needs=("outside",),
)
