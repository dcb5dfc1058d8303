# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The KMS keys of the secrets are enabled and rotate."""

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
    keys = facts.of("keys")
    for key, result in sorted(keys.items()):
        place = f"key {key}"
        if result.get("problem"):
            yield unknown(result["problem"], place)
            continue
        if result["state"] != "Enabled":
            yield bad(f"is {result['state']}", place)
        elif result["manager"] == "AWS":
            yield good("AWS's own, which AWS rotates", place)
        elif result["rotating"] is None:
            yield unknown(result.get("why") or "its rotation was not checked", place)
        elif not result["rotating"]:
            yield bad("does not rotate", place)
        else:
            yield good("enabled, rotates every year", place)
    if not keys:
        yield not_applicable("no secret names its KMS key")


CHECK = Check(
    id="WPS1003",
    name="kms",
    area="recovery",
    severity="high",
    title="The KMS keys of the secrets are enabled and rotate",
    reason="A key that is disabled or deleted makes every version unreadable at once.",
    fix="aws kms enable-key, cancel-key-deletion, enable-key-rotation.",
    command="aws kms enable-key-rotation --key-id {name}",
    look=look,
    needs=("keys",),
)
