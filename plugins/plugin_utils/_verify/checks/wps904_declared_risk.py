# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG

MOST_DAYS = 366


def look(facts: Facts) -> Iterator[Outcome]:
    names = facts.of("stores")["undervalued"]
    for name in names:
        yield bad("holds a secret, but its sensitivity is low", name)
    long = {item.name: item.max_age_days for item in facts.catalog.credentials.values() if item.max_age_days}
    for name, days in long.items():
        if days > MOST_DAYS:
            yield bad(f"max_age_days is {days}, so its age is never due", f"credential {name}")
    if not names and not any(days > MOST_DAYS for days in long.values()):
        settings, credentials = facts.catalog.settings, facts.catalog.credentials
        yield good(f"{counted(len(settings), 'setting')}, {counted(len(credentials), 'credential')}")


CHECK = Check(
    id="WPS904",
    name="declared-risk",
    area="isolation",
    severity="medium",
    title="No secret has low sensitivity, and no age limit is longer than a year",
    reason="A value of low sensitivity appears in output, does not rotate, and is not searched for after a leak.",
    fix=(
        "The operator removes sensitivity: low from the setting in the catalog (high is the default of secrets), or "
        "lowers max_age_days."
    ),
    scope=("Settings of credentials, URLs with passwords or tokens, and strong values under names such as API_TOKEN.",),
    command=CATALOG,
    look=look,
    needs=("stores",),
)
