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
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host, restart


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    command = restart(result["units"])
    for answer in result["health"]:
        if answer.get("problem"):
            yield bad(f"{answer['url']}: {answer['problem']}", host, command=command)
        elif answer["status"] == 200:
            yield good(f"{answer['url']}: 200 in {answer['seconds']:.2f} s", host)
        else:
            yield bad(f"{answer['url']}: status {answer['status']}", host, command=command)
    for answer in result["health_commands"]:
        if answer["problem"]:
            yield bad(answer["problem"], host, command=command)
        else:
            yield good(f"services.{answer['service']}.health_command: exit code 0", host)
    if not result["health"] and not result["health_commands"]:
        message = "services.*.health or health_command in the catalog, or env_deploy_health_url"
        yield not_applicable(f"no health check is known: {message}", host)


CHECK = Check(
    id="WPS601",
    name="health-host",
    area="health",
    severity="high",
    title="Every host passes its health checks",
    reason="An unhealthy host serves errors, and stops a rotation.",
    fix=(
        "Restart the services. If this does not help, read their logs (journalctl -u UNIT, docker compose logs UNIT), "
        "then deploy again."
    ),
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
