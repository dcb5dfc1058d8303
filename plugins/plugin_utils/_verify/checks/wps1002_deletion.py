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

MAKE = "ansible-playbook watchparty.secrets.provision {run}"


def look(facts: Facts) -> Iterator[Outcome]:
    secrets = facts.of("secrets")
    for name, secret in sorted(secrets.items()):
        if secret.get("problem"):
            place = f"secret {name}"
            yield (
                bad(secret["problem"], place, command=MAKE)
                if secret.get("missing")
                else unknown(secret["problem"], place)
            )
        elif secret["deleted"]:
            yield bad(f"was deleted at {secret['deleted']}", f"secret {name}")
        else:
            yield good("exists", f"secret {name}")
    if not secrets:
        yield not_applicable("the catalog names no secrets")


CHECK = Check(
    id="WPS1002",
    name="deletion",
    area="recovery",
    severity="high",
    title="Every secret exists and is not scheduled for deletion",
    reason="A deleted secret is lost, with every version, when its recovery window ends.",
    fix=(
        "Restore the secret: aws secretsmanager restore-secret --secret-id NAME. Then find out who deleted it. Create "
        "missing secrets: ansible-playbook watchparty.secrets.provision."
    ),
    command="aws secretsmanager restore-secret --secret-id {name}",
    look=look,
    needs=("secrets",),
)
