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
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import renewed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ROTATE


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("isolation")
    if not result["signing"]:
        yield not_applicable("the catalog names no SECRET_KEY and no credential of the kind django_secret_key")
        return
    for environment, why in sorted(result["unread"].items()):
        yield unknown(why, environment)
    for environment, shared in sorted(result["others"].items()):
        own = sorted({pair["own"] for pair in shared if pair["own"] in result["signing"]})
        if own:
            yield renewed(bad(f"{', '.join(own)} is the same", environment), facts.catalog, own[0])
        else:
            yield good("differs", environment)
    if not result["others"] and not result["unread"]:
        yield not_applicable("the catalog names no other environment")


CHECK = Check(
    id="WPS902",
    name="signing-keys",
    area="isolation",
    severity="high",
    title="No other environment of the catalog has a signing key of this one",
    reason="Production would accept a session or password reset link that staging signed.",
    fix=(
        "Rotate the signing key in one of the environments: "
        "ansible-playbook watchparty.secrets.rotate -e rotation_credentials=NAME -e rotation_force=true."
    ),
    scope=("SECRET_KEY, and settings and fallbacks of credentials of the kind django_secret_key.",),
    command=ROTATE,
    look=look,
    needs=("isolation",),
)
