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
    unknown,
)

UNSTAGE = (
    "aws secretsmanager update-secret-version-stage --secret-id {name} --version-stage AWSPENDING "
    "--remove-from-version-id {target}"
)
DELETE = "aws secretsmanager delete-secret --secret-id {name} --recovery-window-in-days 7"


def look(facts: Facts) -> Iterator[Outcome]:
    if facts.of("journal")["rotation"]:
        yield unknown("a rotation is open and uses pending versions")
        return
    count = 0
    for name, secret in sorted(facts.of("secrets").items()):
        stages = secret.get("stages", {})
        if stages.get("AWSPENDING") and stages["AWSPENDING"] != stages.get("AWSCURRENT"):
            count += 1
            pending = stages["AWSPENDING"]
            yield bad(f"version {pending} is AWSPENDING", f"secret {name}", target=pending, command=UNSTAGE)
        if secret.get("rotation_enabled"):
            count += 1
            yield bad(
                "automatic rotation by AWS is enabled, which changes the value without the hosts",
                f"secret {name}",
                command="aws secretsmanager cancel-rotate-secret --secret-id {name}",
            )
    for name in facts.of("leftovers"):
        count += 1
        is_aws = name.startswith((facts.catalog.rotation_secret, facts.catalog.rotation_logins))
        yield bad("left by a closed rotation", f"secret {name}", command=DELETE if is_aws else "")
    if not count:
        yield good(f"none in {len(facts.of('secrets'))} secrets")


CHECK = Check(
    id="WPS803",
    name="leftovers",
    area="ages",
    severity="medium",
    title="No rotation left an AWSPENDING version or secret, and AWS rotates no secret",
    reason="A leftover holds a value that no rotation revokes. If AWS rotates a secret, the hosts keep the old value.",
    fix=(
        "Remove what a rotation left: ansible-playbook watchparty.secrets.rotate. If another tool made the "
        "AWSPENDING version, finish it there, or remove the label: aws secretsmanager update-secret-version-stage "
        "--secret-id NAME --version-stage AWSPENDING --remove-from-version-id ID. Stop AWS's rotation: aws "
        "secretsmanager cancel-rotate-secret --secret-id NAME."
    ),
    command="ansible-playbook watchparty.secrets.rotate {run}",
    look=look,
    needs=("journal", "secrets", "leftovers"),
)
