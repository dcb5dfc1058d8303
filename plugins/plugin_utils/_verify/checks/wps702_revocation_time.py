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
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ROTATE


def look(facts: Facts) -> Iterator[Outcome]:
    measured = facts.of("journal")["measured"]
    rotated = {age["credential"] for age in facts.of("journal")["ages"] if age["last"]}
    limited = {
        name: credential
        for name, credential in facts.catalog.credentials.items()
        if credential.revocation_ttl is not None
    }
    for name, credential in sorted(limited.items()):
        item = measured.get(name)
        if item is None and name not in rotated:
            yield not_applicable("it has not been rotated yet", name)
        elif item is None:
            yield unknown("the journal has no rotation of it with both times", name)
        elif item["seconds"] > (credential.revocation_ttl or 0) and not item["exact"]:
            message = (
                f"the whole rotation {item['rotation']} took {item['seconds']} s; the journal has no more precise times"
            )
            yield unknown(message, name)
        elif item["seconds"] > (credential.revocation_ttl or 0):
            message = f"{item['seconds']} s from the promotion until the old value was rejected in {item['rotation']}"
            yield bad(f"{message}; revocation_ttl is {credential.revocation_ttl} s", name, target=name)
        else:
            most = "" if item["exact"] else "at most "
            yield good(f"{most}{item['seconds']} s of {credential.revocation_ttl} s, in {item['rotation']}", name)
    if not limited:
        yield not_applicable("no credential has a revocation_ttl")


CHECK = Check(
    id="WPS702",
    name="revocation-time",
    area="revocation",
    severity="medium",
    title="The last rotation revoked the old value within revocation_ttl",
    reason=(
        "A leaked value works until the server rejects it. The time counts from the promotion of the new value. A leak "
        "response takes longer in all, because it first deploys the new value."
    ),
    fix=(
        "Find the slow step: ansible-playbook watchparty.secrets.rotation_report. Then rotate again and measure, or "
        "raise revocation_ttl in the catalog and write the reason in a comment."
    ),
    command=ROTATE,
    look=look,
    needs=("journal",),
)
