# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import restart


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("outside")
    host, command = _mend(facts.parts.get("hosts", {}))
    for url in sorted(result):
        answer = result[url]
        if answer.get("tls") and answer["tls"].get("problem"):
            yield unknown("not connected, because the certificate is invalid", url)
        elif answer.get("problem"):
            yield bad(answer["problem"], url, target=host, command=command)
        elif answer["status"] == 200:
            yield good(f"200 in {answer['seconds']:.2f} s", url)
        else:
            yield bad(f"status {answer['status']}", url, target=host, command=command)
    if not result:
        yield not_applicable("no external address is known: set env_deploy_external_health_url")


def _mend(results: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """A host that fails its health checks, and the command that restarts its units. Empty if the hosts are healthy."""
    for host, result in sorted(results.items()):
        answers = [*result.get("health", ()), *result.get("health_commands", ())]
        if any(answer.get("problem") or answer.get("status", 200) != 200 for answer in answers):
            return host, restart(result["units"], "{target}")
    return "", ""


CHECK = Check(
    id="WPS602",
    name="health-outside",
    area="health",
    severity="high",
    title="The external health check answers with status 200",
    reason="A healthy service can be unreachable for users because of load balancer, DNS, firewall or certificate.",
    fix=(
        "Restart the services of an unhealthy host (WPS601). If every host is healthy, the command shows the step that "
        "fails: DNS, firewall or load balancer. The catalog does not name these, so their administrator corrects them."
    ),
    command="curl --verbose --output /dev/null {place}",
    look=look,
    needs=("outside",),
)
