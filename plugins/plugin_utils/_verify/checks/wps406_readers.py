# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nobody reads the secrets whom the catalog does not name."""

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
    found = facts.of("readers")
    rows = found["rows"]
    for one in rows:
        yield {"bad": bad, "good": good, "unknown": unknown}[one["state"]](one["words"], one["place"])
    for words in found["unread"]:
        yield unknown(words)
    if not found["things"]:
        yield unknown("nothing is there that could be read")
    elif not rows:
        yield good(f"none of {found['principals']} users and roles, of {found['things']} secrets and parameters")


CHECK = Check(
    id="WPS406",
    name="readers",
    area="iam",
    severity="high",
    title="Nobody reads the secrets whom the catalog does not name",
    reason="Every user and role that can read production is one more way in, and one more to look at after a leak.",
    fix="Take the permission away, or name the user or role in aws.readers of the catalog.",
    look=look,
    needs=("readers",),
)
