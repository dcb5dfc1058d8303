# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import oidc_provider
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_store import OidcProviders
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection

OPTIONS: dict[str, Any] = {
    "url": {"type": "str", "default": "https://token.actions.githubusercontent.com"},
    "client_ids": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
}


class ActionModule(AwsAction):
    name = "watchparty.secrets.iam_oidc_provider"
    extra_options = OPTIONS

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        spec = oidc_provider.checked(
            oidc_provider.ProviderSpec(
                url=oidc_provider.plain_url(args["url"]),
                clients=tuple(dict.fromkeys(args["client_ids"])),
                tags={str(name): str(value) for name, value in (args["tags"] or {}).items()},
            )
        )
        providers = OidcProviders(connection.store_client("iam"))
        standing = providers.find(spec.url)
        changes = oidc_provider.changes(standing, spec)
        planned = oidc_provider.after(standing, spec, changes)
        if changes and not self._task.check_mode:
            planned = providers.apply(standing, spec, changes) or planned
        diff = {"before": _shown(standing), "after": _shown(planned)}
        return {"changed": bool(changes), **_as_data(planned), "diff": diff}


def _as_data(provider: oidc_provider.Provider) -> dict[str, Any]:
    return {
        "arn": provider.arn,
        "url": provider.url,
        "client_ids": sorted(provider.clients),
        "tags": dict(provider.tags),
    }


def _shown(provider: oidc_provider.Provider | None) -> dict[str, Any]:
    return {name: value for name, value in _as_data(provider).items() if name != "arn"} if provider else {}
