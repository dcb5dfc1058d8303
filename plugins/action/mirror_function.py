# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.account_region import AccountRegion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.former_mirror_function import (
    FormerMirrorFunction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.mirror_function import MirrorDeployment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.values_action import require_region

LOOK_SECONDS = 8.0
"""Seconds of the search for a remaining function, which most accounts never had."""


class ActionModule(AwsAction):
    name = "watchparty.secrets.mirror_function"
    extra_options = {
        "catalog": {"type": "dict", "required": True},
        "environment": {"type": "str", "required": True},
        "delete": {"type": "bool", "default": False},
    }
    waits_for_grants = True

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        if catalog.mirror is None or catalog.mirror.function is None:
            return self._deleted(connection, catalog) if args["delete"] else self._left(connection, catalog)
        if args["delete"]:
            raise ProvisionError(
                ["the catalog still has mirror.function; remove it there before you delete its function"]
            )
        suit(connection, catalog)
        require_region(connection.region, catalog)
        account, partition = aws_errors.identity(connection.store_client("sts"))
        place = AccountRegion(account, str(connection.region), partition)
        steps = MirrorDeployment(catalog, args["catalog"], place, connection.store_client).missing()
        for step in () if self._task.check_mode else steps:
            step.act()
        return {"changed": bool(steps), "plan": [step.message for step in steps]}

    def _left(self, connection: AwsConnection, catalog: Catalog) -> dict[str, Any]:
        """Warns of a function that is no longer in the catalog."""
        suit(connection, catalog, check_account=False)
        former = FormerMirrorFunction(catalog, partial(connection.bounded_client, seconds=LOOK_SECONDS))
        with suppress(StoreError):  # an account without a function needs no right to look
            if former.is_there():
                Display().warning(former.left)
        return {"changed": False, "plan": []}

    def _deleted(self, connection: AwsConnection, catalog: Catalog) -> dict[str, Any]:
        suit(connection, catalog)
        require_region(connection.region, catalog)
        former = FormerMirrorFunction(catalog, connection.store_client)
        is_there = former.is_there()
        if is_there and not self._task.check_mode:
            former.delete()
        return {"changed": is_there, "plan": [former.deleted] if is_there else []}
