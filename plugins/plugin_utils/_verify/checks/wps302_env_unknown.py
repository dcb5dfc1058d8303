# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No host's .env holds settings that the catalog does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)


def _host(host: str, found: Mapping[str, Any]) -> Iterator[Outcome]:
    drift = found.get("drift")
    if drift is None:
        yield unknown(found.get("drift_problem") or "it was not compared", host)
    elif drift["unknown"]:
        yield bad(f"holds {', '.join(drift['unknown'])}", host)
    else:
        yield good("none", host)


CHECK = Check(
    id="WPS302",
    name="env-unknown",
    area="drift",
    severity="medium",
    title="No host's .env holds settings that the catalog does not know",
    reason="What the catalog does not know is not rotated, not checked and not revoked after a leak.",
    fix="Add the setting to the catalog and its value to a store, or deploy again, which takes it out.",
    look=by_host(_host, "stores"),
    needs=("hosts", "stores"),
)
