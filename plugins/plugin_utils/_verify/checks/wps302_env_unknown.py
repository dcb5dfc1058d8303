# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    drift = result.get("drift")
    if drift is None:
        yield unknown(result.get("drift_problem") or "not compared", host)
    elif drift["unknown"]:
        yield bad(f"holds {', '.join(drift['unknown'])}", host)
    else:
        yield good("no undeclared settings", host)


CHECK = Check(
    id="WPS302",
    name="env-unknown",
    area="drift",
    severity="medium",
    title="Every host's .env contains only settings of the catalog",
    reason="An undeclared setting is not rotated, not checked and not revoked after a leak.",
    fix="Add the setting to the catalog and its value to a store, or deploy again, which removes it.",
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host, "stores"),
    needs=("hosts", "stores"),
)
