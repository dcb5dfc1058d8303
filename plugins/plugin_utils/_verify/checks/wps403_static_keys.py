# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every active access key of the account's users is younger than 90 days."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good

LIMIT_DAYS = 90


def look(facts: Facts) -> Iterator[Outcome]:
    users = facts.of("users")
    for name, keys in sorted(users.items()):
        for key in keys:
            used = f"last used {key['used']}" if key["used"] else "never used"
            message = f"key {key['id']} is {key['days']} days old, {used}"
            place = f"user {name}"
            if not key["active"]:
                yield good(f"{message}, inactive", place)
            elif key["days"] >= LIMIT_DAYS:
                yield bad(message, place)
            else:
                yield good(message, place)
    if not any(users.values()):
        yield good(f"no keys in {len(users)} users")


CHECK = Check(
    id="WPS403",
    name="static-keys",
    area="iam",
    severity="high",
    title="Every active access key of the account's users is younger than 90 days",
    reason="A static key works from anywhere until it is removed. Most leaked keys are static keys.",
    fix=(
        "Replace static keys by roles: OIDC for GitHub, instance profiles on hosts. If a key must stay, rotate it (a "
        "credential of the kind aws_access_key). Delete the other keys."
    ),
    scope=("Not access keys of the account's root user.",),
    command="aws iam list-access-keys --user-name {name}",
    look=look,
    needs=("users",),
)
