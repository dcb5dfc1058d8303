# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The application answers 200 from outside."""

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
    found = facts.of("outside")
    for url in sorted(found):
        one = found[url]
        if one.get("tls") and one["tls"].get("problem"):
            yield unknown("the connection cannot be made before its certificate is mended", url)
        elif one.get("problem"):
            yield bad(one["problem"], url)
        elif one["status"] == 200:
            yield good(f"200 in {one['seconds']:.2f} s", url)
        else:
            yield bad(f"status {one['status']}", url)
    if not found:
        yield unknown("no address is known from outside: set env_deploy_external_health_url")


CHECK = Check(
    id="WPS602",
    name="health-outside",
    area="health",
    severity="high",
    title="The application answers 200 from outside",
    reason="What is healthy on its host can still be unreachable for users: balancer, DNS, firewall, certificate.",
    fix="Compare with the hosts' own answers: if they are healthy, look at what stands between.",
    look=look,
    needs=("outside",),
)
