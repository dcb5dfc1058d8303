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

SHOW = "aws secretsmanager describe-secret --secret-id {name} --query ReplicationStatus"


def look(facts: Facts) -> Iterator[Outcome]:
    wanted = facts.catalog.aws.replicas if facts.catalog.aws else ()
    if not wanted:
        yield not_applicable("the catalog declares no replicas (aws.replicas)")
        return
    for name, secret in sorted(facts.of("secrets").items()):
        if secret.get("problem"):
            yield unknown(secret["problem"], f"secret {name}")
            continue
        missing = [region for region in wanted if region not in secret["replicas"]]
        sick = [
            f"{region} ({secret['replicas'][region]})"
            for region in wanted
            if secret["replicas"].get(region) not in (None, "InSync")
        ]
        if missing:
            yield bad(f"no replica in {', '.join(missing)}", f"secret {name}")
        if sick:
            yield bad(f"not in sync in {', '.join(sick)}", f"secret {name}", command=SHOW)
        if not missing and not sick:
            yield good(f"in sync in {', '.join(wanted)}", f"secret {name}")


CHECK = Check(
    id="WPS1001",
    name="replicas",
    area="recovery",
    severity="medium",
    title="Every secret has the replicas that the catalog declares",
    reason="During an outage of a region, hosts elsewhere read their settings from a replica.",
    fix=(
        "Create missing replicas: ansible-playbook watchparty.secrets.provision --tags values. If a replica exists "
        "but is not in sync, Secrets Manager's console shows the reason."
    ),
    command="ansible-playbook watchparty.secrets.provision {run} --tags values",
    look=look,
    needs=("secrets",),
)
