# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, PolicyError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_scope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_reader import Access
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_store import OidcProviders
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.trust_policies import Workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit

WORKFLOW = {
    "environment": {"type": "str"},
    "branch": {"type": "str"},
    "tag": {"type": "str"},
    "pull_request": {"type": "bool", "default": False},
}
OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "workflow": {"type": "dict", "options": WORKFLOW},
    "wildcards": {"type": "bool", "default": False},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "key_arn": {"type": "str"},
}


class ActionModule(AwsAction):
    name = "watchparty.secrets.aws_access_info"
    extra_options = OPTIONS
    waits_for_grants = True

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        return {"changed": False, **self._answer(connection, args)}

    def _answer(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        policy_scope.require_narrow(args["catalog"], catalog)
        options = access_resources.AccessOptions(
            Workflow(**(args["workflow"] or {})), wildcards=args["wildcards"], adopt=tuple(args["adopt"])
        )
        suit(connection, catalog, check_account=False)
        account, partition = aws_errors.identity(connection.store_client("sts"))
        if catalog.expected_account_id:
            aws_errors.require_account(account, catalog.expected_account_id)
        region = connection.region
        if not region:
            raise NoAccess(aws_errors.NO_REGION)
        look = Access(connection.store_client("iam"), connection.store_client("kms"))
        key = look.key(catalog.aws.kms_key) if catalog.aws else None
        key_arn = args["key_arn"] or (key.arn if key else None)
        scope = AwsScope(account, region, access_resources.key_arn(account, region, partition, key_arn), partition)
        plan = access_resources.plan(catalog, scope, options)
        standing = (*([key.standing] if key else []), *look.standing(plan["roles"], plan["policies"]))
        problems = [
            *access_resources.conflicts(catalog, standing, options.adopt),
            *(
                f"{name}: does not exist, so it cannot be adopted; correct -e aws_access_adopt"
                for name in access_resources.unknown(options.adopt, standing)
            ),
        ]
        if problems:
            raise PolicyError("nothing was changed:\n" + "\n".join(f"  - {line}" for line in problems))
        if plan["provider"]:
            provider = OidcProviders(connection.store_client("iam")).find(plan["provider"]["url"].partition("://")[2])
            plan["provider"]["made"] = provider is not None
        attached = {role["name"]: look.attached(role["name"]) for role in plan["roles"]}
        policies = {role["name"]: role["policies"] for role in plan["roles"]}
        ours = {name: plan["tags"][name] for name in access_resources.OURS}
        stale = [name for role in attached for name in look.earlier(attached[role], role, policies[role], ours)]
        foreign = [
            f"role {role} also has the policy {arn}, which is not in the catalog and was kept"
            for role, entries in attached.items()
            for name, arn in entries
            if arn not in policies[role] and name not in stale
        ]
        return {
            **plan,
            "key": {**plan["key"], "arn": scope.key, "made": key_arn is not None},
            "stale_policies": stale,
            "notes": [*plan["notes"], *foreign],
            "account_id": account,
            "partition": partition,
            "region": region,
        }
