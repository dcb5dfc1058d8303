# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By owner and mode, only root and the deploying account can replace .env."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    path, services = result["file"]["path"], [unit["user"] for unit in result["units"]]
    # The account that writes the file may replace it, unless the services run as that account.
    deploying = {result["account"], *([result["wanted_owner"]] if services else [])} - set(services)
    problems = []
    for directory in result["replaceable"]:
        if not directory["owner"]:
            problems.append(f"{directory['path']} has mode {directory['mode']}, so other accounts can replace {path}")
        elif directory["owner"] not in deploying:
            problems.append(f"{directory['path']} belongs to {directory['owner']}, which can replace {path}")
    for message in problems:
        yield bad(message, host)
    if not problems:
        yield good(f"only root and the deploying account can replace {path}", host)


CHECK = Check(
    id="WPS206",
    name="env-directory",
    area="hosts",
    severity="high",
    title="By owner and mode, only root and the deploying account can replace .env",
    reason="systemd reads an EnvironmentFile as root. An account that can replace .env by a link can read any file.",
    fix="Run watchparty.secrets.host, which sets owner and mode of the directory. Or keep .env in its own directory.",
    command="ansible-playbook watchparty.secrets.host --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
