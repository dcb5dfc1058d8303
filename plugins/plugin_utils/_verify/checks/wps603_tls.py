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

LEAST_DAYS = 14
RENEW = "ansible {target} --become -m ansible.builtin.command -a 'certbot renew'"
SHOW = "ansible {target} -m ansible.builtin.command -a 'curl --verbose --insecure --output /dev/null {name}'"
EXPIRED = "certificate has expired"


def look(facts: Facts) -> Iterator[Outcome]:
    hosts = facts.of("hosts")
    seen = [(url, ",".join(sorted(hosts)), "", item) for url, item in sorted(facts.of("outside").items())]
    for host in sorted(hosts):
        if hosts[host].get("problem"):
            yield unknown(hosts[host]["problem"], host)
        seen += [(f"{host} {item['url']}", host, SHOW, item) for item in hosts[host].get("health", ())]
    https = [row for row in seen if row[0].rpartition(" ")[2].startswith("https:")]
    for place, target, show, item in https:
        tls = item.get("tls")
        if not tls:
            yield unknown(f"no certificate was seen: {item.get('problem') or 'it has no end date'}", place)
        elif tls.get("problem"):
            message = f"the certificate is invalid: {tls['problem']}"
            yield bad(message, place, target=target, command=RENEW if tls["problem"] == EXPIRED and target else show)
        elif tls["days"] < LEAST_DAYS:
            message = f"the certificate ends in {tls['days']} days, at {tls['until']}"
            yield bad(message, place, target=target, command=RENEW if target else show)
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
        "Renew the certificate (the command is for certbot on hosts; at a load balancer, renew it there), and find out "
        "why the automatic renewal failed. A person decides about another name or issuer: the command shows both."
    ),
    command="curl --verbose --output /dev/null {name}",
    look=look,
    needs=("hosts", "outside"),
)
