# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import renewed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG, SET

GENERATED = ("jwt_key", "secret_key_length", "strength")
"""Rules for values that a rotation generates."""


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("stores")
    if not facts.catalog.production:
        yield not_applicable("the rules apply to production only")
        return
    for setting, rule, message in result["rules"]:
        entry = facts.catalog.settings.get(setting)
        # watchparty.secrets.set does not take settings that no store holds.
        is_stored = entry is None or (entry.literal is None and not entry.inventory and not entry.compose)
        command = "" if is_stored else CATALOG
        finding = bad(f"{message} (rule {rule})", setting, target=setting, command=command)
        yield renewed(finding, facts.catalog, setting) if rule in GENERATED else finding
    if not result["rules"]:
        yield good(counted(result["settings"], "setting"))


CHECK = Check(
    id="WPS903",
    name="placeholders",
    area="isolation",
    severity="high",
    title="Production values comply with the rules for production",
    reason="A development placeholder is public in the repository's .env.example.",
    fix=(
        "Write a real value into the store, then deploy. If the value is right, add it to exceptions in the catalog, "
        "with a reason."
    ),
    scope=(
        "Only an environment that the catalog declares as production.",
        "Not SMTP on port 25, URLs of Sentinel and NATS, and http:// outside lists of origins.",
    ),
    command=SET,
    look=look,
    needs=("stores",),
)
