# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GitHub has the secrets and variables that the catalog names, and no others."""

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
    found = facts.of("github")
    rows = found["rows"]
    for one in rows:
        yield {"bad": bad, "good": good, "unknown": unknown}[one["state"]](one["words"], one["place"])
    if not rows:
        yield good(f"{found['listed']} at {found['repository']}, each named")


CHECK = Check(
    id="WPS506",
    name="github-values",
    area="ci",
    severity="medium",
    title="GitHub has the secrets and variables that the catalog names, and no others",
    reason="What the catalog does not name is not rotated, and a workflow that misses a value fails.",
    fix=(
        "watchparty.secrets.github_sync sends what is missing; name the others in the catalog, or delete them "
        "at GitHub."
    ),
    look=look,
    needs=("github",),
)
