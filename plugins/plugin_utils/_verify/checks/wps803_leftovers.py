# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No pending version and no rotation's own secret is left over."""

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
    if facts.of("journal")["rotation"]:
        yield unknown("a rotation is open, and what is pending may be its own")
        return
    found = 0
    for name, secret in sorted(facts.of("secrets").items()):
        stages = secret.get("stages", {})
        if stages.get("AWSPENDING") and stages["AWSPENDING"] != stages.get("AWSCURRENT"):
            found += 1
            yield bad(f"version {stages['AWSPENDING']} is AWSPENDING", f"secret {name}")
        if secret.get("rotation_enabled"):
            found += 1
            yield bad("AWS's own rotation is switched on, which rewrites it without the hosts", f"secret {name}")
    for name in facts.of("leftovers"):
        found += 1
        yield bad("a rotation that has ended left it", f"secret {name}")
    if not found:
        yield good(f"none in {len(facts.of('secrets'))} secrets")


CHECK = Check(
    id="WPS803",
    name="leftovers",
    area="ages",
    severity="medium",
    title="No pending version and no rotation's own secret is left over",
    reason="Somebody's half-made value waits there: it is live or will be made live by whoever goes on with it.",
    fix="Find out whose it is. Ours is taken back by watchparty.secrets.rotate; another's by whoever made it.",
    look=look,
    needs=("journal", "secrets", "leftovers"),
)
