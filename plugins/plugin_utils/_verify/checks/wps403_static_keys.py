# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import IAM_KEYS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ROTATE

LIMIT_DAYS = 90


def look(facts: Facts) -> Iterator[Outcome]:
    users, credentials = facts.of("users"), facts.catalog.credentials.values()
    rotated = {str(item.options.get("user")): item.name for item in credentials if item.kind in IAM_KEYS}
    for name, keys in sorted(users.items()):
        for key in keys:
            used = f"last used {key['used']}" if key["used"] else "never used"
            message = f"key …{key['id'][-4:]} is {key['days']} days old, {used}"
            place = f"user {name}"
            if not key["active"]:
                yield good(f"{message}, inactive", place)
            elif key["days"] >= LIMIT_DAYS and name in rotated:
                yield bad(message, place, target=rotated[name], command=ROTATE)
            elif key["days"] >= LIMIT_DAYS:
                yield bad(message, place, target=key["id"])
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
        "credential of the kind aws_access_key). The command deactivates the key, which can be undone: with the status "
        "Active. Delete the key when nothing misses it."
    ),
    scope=("Not access keys of the account's root user.",),
    command="aws iam update-access-key --user-name {name} --access-key-id {target} --status Inactive",
    look=look,
    needs=("users",),
)
