# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action.aws_access_info import WORKFLOW
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import managed_services
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, WrongAccount
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import trust_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment_summary, seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import previous_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.budget import Budget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_facts import Gatherer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.server_logins import Servers

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "only": {"type": "list", "elements": "str", "default": []},
    "skip": {"type": "list", "elements": "str", "default": []},
    "repository": {"type": "path"},
    "baseline": {"type": "path"},
    "workflow": {"type": "str", "default": "deploy.yml"},
    "jobs": {"type": "dict", "options": WORKFLOW},
    "wildcards": {"type": "bool", "default": False},
    "budget": {"type": "int", "default": 600},
    "record_baseline": {"type": "bool", "default": False},
}


class ActionModule(AwsAction):
    name = "watchparty.secrets.verify_info"
    extra_options = OPTIONS

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        budget = Budget(args["budget"])
        checks = verify_check.chosen(args["only"], args["skip"])
        wanted = verify_check.needed(checks)
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        try:
            budget.spend(lambda: suit(connection, catalog))
        except WrongAccount:
            raise
        except SecretsError:  # no access at all: checks that need AWS report it, and hosts are still checked
            Display().warning("AWS cannot be used, so checks that need AWS are not made; log in by 'aws sso login'")
        gatherer = Gatherer(
            document=args["catalog"],
            catalog=catalog,
            connection=connection,
            now=datetime.now(UTC),
            repository_path=args["repository"] or None,
            baseline=scan_request.baseline(args["baseline"] or None),
            asked=access_resources.AccessOptions(
                trust_policies.Workflow(**(args["jobs"] or {})), wildcards=args["wildcards"]
            ),
            workflow=args["workflow"],
            budget=budget,
            for_baseline=args["record_baseline"],
        )
        hosts = "hosts" in wanted
        compares = hosts and "stores" in wanted
        services = gatherer.catalog.services.values()
        gathered = gatherer.gather(wanted)
        former = gathered["parts"].get("former", {})
        by = {name: item["by"] for name, item in former.items() if "by" in item}
        servers = gatherer.asked_servers if "servers" in gathered["parts"] else Servers({}, [])
        host_baseline = gathered["parts"].get("host_baseline", {})
        return {
            "changed": False,
            "_ansible_no_log": True,
            "host_baseline": host_baseline.pop("request", {}),
            **gathered,
            **seal.sealed(
                tries=[former_try.data for former_try in gatherer.former_tries if former_try.credential in by]
                if by
                else [],
                inspections=servers.inspections,
                expected=gatherer.expected() if compares else {},
                baseline_key=servers.baseline_key,
            ),
            "former_on_each": previous_values.BY_HOSTS in by.values(),
            "servers_needed": bool(servers.inspections) or previous_values.BY_SERVERS in by.values(),
            "signing": sorted(name for name, how in by.items() if how == previous_values.BY_SESSIONS),
            "checks": [check.id for check in checks],
            "ends": budget.ends,
            "hosts_needed": hosts,
            "outside_needed": "outside" in wanted,
            "units": sorted({unit for service in services for unit in service.systemd_units}),
            "managed": managed_services(environment_summary.services(gatherer.catalog)),
            "health": sorted({service.health for service in services if service.health}),
        }
