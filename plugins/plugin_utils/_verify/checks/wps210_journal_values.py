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
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    for entry in result["journal"]:
        yield bad(f"the journal of {entry['unit']} {entry['why']}", host)
    for message in result["journal_unread"]:
        yield unknown(message, host)
    if all(unit.get("manager") for unit in result["units"]):
        yield not_applicable("the catalog names no units of systemd", host)
    elif not result.get("drift"):
        yield unknown(result.get("drift_problem") or "no values are known to search for", host)
    elif not result["journal"] and not result["journal_unread"]:
        yield good(f"none in the newest entries that {result['account']} can read", host)


CHECK = Check(
    id="WPS210",
    name="journal-values",
    area="hosts",
    severity="high",
    title="The systemd journal of the application's units holds no value",
    reason="Administrators and log collectors read the journal, and it keeps what was logged for months.",
    fix=(
        "Stop the unit from logging the value, and rotate the value. Then delete the host's whole journal "
        "(journalctl --rotate --vacuum-time=1s), and the entries at a log collector."
    ),
    scope=(
        "The newest 20000 entries of the units, at most 4 MiB.",
        "Of each entry the message and the command line of the process that wrote it.",
        "Only values of high sensitivity and 12 characters or more that .env or the catalog's other files hold now.",
    ),
    command="ansible {place} --become -m ansible.builtin.command -a 'journalctl --rotate --vacuum-time=1s'",
    look=by_host(_host, "stores"),
    needs=("hosts", "stores"),
)
