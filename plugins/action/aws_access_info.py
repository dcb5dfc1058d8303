# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NoAccess, PolicyError
from ansible_collections.watchparty.secrets.plugins.module_utils._iam import _access, _policy_limits
from ansible_collections.watchparty.secrets.plugins.module_utils._iam._policies import Ground
from ansible_collections.watchparty.secrets.plugins.module_utils._iam._trust import Workflow
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.access import Access
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.iam_oidc import OidcProviders
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws_action import AwsAction

WORKFLOW = {
    "environment": {"type": "str"},
    "branch": {"type": "str"},
    "tag": {"type": "str"},
    "pull_request": {"type": "bool", "default": False},
}
OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
}
EXTRA: dict[str, Any] = {
    "workflow": {"type": "dict", "options": WORKFLOW},
    "wildcards": {"type": "bool", "default": False},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "key_arn": {"type": "str"},
}


class ActionModule(AwsAction):
    """Runs on the controller, in process; names and documents, no values."""

    name = "watchparty.secrets.aws_access_info"
    options = OPTIONS
    extra_options = EXTRA
    waits_for_grants = True

    def asked(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        return {"changed": False, **self._answer(connection, args)}

    def _answer(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = _catalog.parse(args["catalog"], args["environment"])
        _policy_limits.require_narrow(args["catalog"], catalog)
        asked = _access.Asked(
            Workflow(**(args["workflow"] or {})), wildcards=args["wildcards"], adopt=tuple(args["adopt"])
        )
        suit(connection, catalog, check_account=False)
        account, partition = aws.identity(connection.store_client("sts"))
        if catalog.expected_account_id:
            aws.require_account(account, catalog.expected_account_id)
        region = connection.region
        if not region:
            raise NoAccess("No AWS region was found; set AWS_REGION, the region option, or the catalog's region")
        look = Access(connection.store_client("iam"), connection.store_client("kms"))
        key = look.key(catalog.aws.kms_key) if catalog.aws else None
        found = args["key_arn"] or (key.arn if key else None)
        ground = Ground(account, region, _access.key_arn(account, region, partition, found), partition)
        plan = _access.plan(catalog, ground, asked)
        standing = (*([key.standing] if key else []), *look.standing(plan["roles"], plan["policies"]))
        problems = [
            *_access.objections(catalog, standing, asked.adopt),
            *(f"{one}: nothing of that name is there to be adopted" for one in _access.unknown(asked.adopt, standing)),
        ]
        if problems:
            raise PolicyError("nothing was changed:\n" + "\n".join(f"  - {line}" for line in problems))
        if plan["provider"]:
            provider = OidcProviders(connection.store_client("iam")).find(plan["provider"]["url"].partition("://")[2])
            plan["provider"]["made"] = provider is not None
        attached = {one["name"]: look.attached(one["name"]) for one in plan["roles"]}
        wanted = {one["name"]: one["policies"] for one in plan["roles"]}
        ours = {name: plan["tags"][name] for name in _access.OURS}
        stale = [name for role in attached for name in look.earlier(attached[role], role, wanted[role], ours)]
        foreign = [
            f"role {role} has the policy {arn} too, which is not made here"
            for role, every in attached.items()
            for name, arn in every
            if arn not in wanted[role] and name not in stale
        ]
        return {
            **plan,
            "key": {**plan["key"], "arn": ground.key, "made": found is not None},
            "stale_policies": stale,
            "notes": [*plan["notes"], *foreign],
            "account_id": account,
            "partition": partition,
            "region": region,
        }
