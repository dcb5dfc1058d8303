# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
)


def look(facts: Facts) -> Iterator[Outcome]:
    ages = facts.of("journal")["ages"]
    for age in ages:
        if age["last"] and age["last"] > timestamps.stamp(facts.now):
            yield bad(
                f"was rotated in the future, at {age['last']}; correct the record or the clock", age["credential"]
            )
        elif age["due"]:
            yield bad(age["message"], age["credential"])
        else:
            yield good(age["message"], age["credential"])
    if not ages:
        yield not_applicable("the catalog names no credentials")


CHECK = Check(
    id="WPS801",
    name="ages",
    area="ages",
    severity="high",
    title="No credential is older than its limit",
    reason="A copied credential can be used until it is rotated.",
    fix="Rotate every credential that is due: ansible-playbook watchparty.secrets.rotate.",
    command="ansible-playbook watchparty.secrets.rotate {run} -e rotation_credentials={place}",
    look=look,
    needs=("journal",),
)
