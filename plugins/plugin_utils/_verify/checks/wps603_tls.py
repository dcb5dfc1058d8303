# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
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

LEAST_DAYS = 14
ON_HOST = "ansible %s -m ansible.builtin.command -a 'curl --verbose --insecure --output /dev/null {target}'"


def look(facts: Facts) -> Iterator[Outcome]:
    seen = [(url, url, "", item) for url, item in sorted(facts.of("outside").items())]
    hosts = facts.of("hosts")
    for host in sorted(hosts):
        if hosts[host].get("problem"):
            yield unknown(hosts[host]["problem"], host)
        seen += [(f"{host} {item['url']}", item["url"], host, item) for item in hosts[host].get("health", ())]
    https = [row for row in seen if row[1].startswith("https:")]
    for place, url, host, item in https:
        tls, command = item.get("tls"), ON_HOST % host if re.fullmatch(r"\w[\w.-]*", host) else ""
        if not tls:
            yield unknown(f"no certificate was seen: {item.get('problem') or 'it has no end date'}", place)
        elif tls.get("problem"):
            message = f"the certificate is invalid: {tls['problem']}"
            yield bad(message, place, target=url, command=command)
        elif tls["days"] < LEAST_DAYS:
            message = f"the certificate ends in {tls['days']} days, at {tls['until']}"
            yield bad(message, place, target=url, command=command)
        else:
            yield good(f"the certificate lasts {tls['days']} days, until {tls['until']}", place)
    if not https and not any(item.get("problem") for item in hosts.values()):
        yield not_applicable("no health address is https")


CHECK = Check(
    id="WPS603",
    name="tls",
    area="health",
    severity="high",
    title="Certificates of health addresses are trusted and last 14 days or longer",
    reason="An expired certificate makes the application unreachable for every user.",
    fix=(
        "The administrator of the host or load balancer renews the certificate, and finds out why the automatic "
        "renewal failed."
    ),
    command="curl --verbose --output /dev/null {target}",
    look=look,
    needs=("hosts", "outside"),
)
