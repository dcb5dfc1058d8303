# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles, policies, key and provider are as the catalog makes them."""

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
    found = facts.of("access")
    rows = found["rows"]
    for one in rows:
        yield {"bad": bad, "good": good, "unknown": unknown}[one["state"]](one["words"], one["place"])
    if not rows:
        yield unknown("the catalog's aws makes nothing")


CHECK = Check(
    id="WPS405",
    name="access-drift",
    area="iam",
    severity="high",
    title="Roles, policies, key and provider are as the catalog makes them",
    reason="What was changed by hand grants more than anybody reviewed, or fails at the next deploy.",
    fix=(
        "watchparty.secrets.provision (role aws_access) with --check --diff shows what differs, and without "
        "--check sets it right."
    ),
    look=look,
    needs=("access",),
)
