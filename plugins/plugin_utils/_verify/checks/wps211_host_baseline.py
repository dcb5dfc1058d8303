# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.baseline_rows import LIST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host, outcomes


def _host(_host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    yield from outcomes(result["baseline"])


CHECK = Check(
    id="WPS211",
    name="host-baseline",
    area="hosts",
    severity="high",
    title="Hosts have the accounts, keys, start files and listeners of their baseline",
    reason="An account, an authorized key, a unit or a cron job of an attacker still works after every rotation.",
    fix=(
        "The host's administrator finds out who made the change. If your team did not make it, undo it with the "
        "command in the finding, and start a leak response. If your team did, accept it: ansible-playbook "
        "watchparty.secrets.baseline -e baseline_accept=ID -e baseline_reason=TEXT."
    ),
    scope=(
        "Not containers, kernel modules, and the contents of programs that units, cron jobs and listeners run.",
        "Not files that are as their package installed them (dpkg, rpm).",
        "Not listeners and at jobs that are gone.",
    ),
    look=by_host(_host, "host_baseline"),
    command=LIST,
    needs=("hosts", "host_baseline"),
)
