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
    "purge_client_ids": {"type": "bool", "default": False},
    "thumbprints": {"type": "list", "elements": "str"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class ActionModule(AwsAction):
    name = "watchparty.secrets.iam_oidc_provider"
    extra_options = OPTIONS

    def asked(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        url = oidc_provider.plain_url(args["url"])
        providers = OidcProviders(connection.store_client("iam"))
        act = self._absent if args["state"] == "absent" else self._present
        return act(providers, url, args)

    def _present(self, providers: OidcProviders, url: str, args: Mapping[str, Any]) -> dict[str, Any]:
        spec = oidc_provider.checked(_spec_of(url, args))
        standing = providers.find(url)
        changes = oidc_provider.changes(standing, spec)
        planned = oidc_provider.after(standing, spec, changes, "")
        if changes and not self._task.check_mode:
            planned = providers.apply(standing, spec, changes) or planned
        return {"changed": bool(changes), **_as_data(planned), "diff": _diff(standing, planned)}

    def _absent(self, providers: OidcProviders, url: str, args: Mapping[str, Any]) -> dict[str, Any]:
        standing = providers.find(url)
        if standing and not self._task.check_mode:
            providers.delete(standing)
        arn = standing.arn if standing else ""
        return {"changed": bool(standing), "arn": arn, "url": url, "diff": _diff(standing, None)}


def _spec_of(url: str, args: Mapping[str, Any]) -> oidc_provider.ProviderSpec:
    return oidc_provider.ProviderSpec(
        url=url,
        clients=tuple(dict.fromkeys(args["client_ids"])),
        purge_clients=args["purge_client_ids"],
        thumbprints=None
        if args["thumbprints"] is None
        else tuple(thumbprint.lower() for thumbprint in args["thumbprints"]),
        tags=None if args["tags"] is None else {str(name): str(value) for name, value in args["tags"].items()},
        purge_tags=args["purge_tags"],
    )


def _as_data(provider: oidc_provider.Provider) -> dict[str, Any]:
    return {
        "arn": provider.arn,
        "url": provider.url,
        "client_ids": sorted(provider.clients),
        "thumbprints": sorted(provider.thumbprints),
        "tags": dict(provider.tags),
    }


def _diff(before: oidc_provider.Provider | None, after: oidc_provider.Provider | None) -> dict[str, Any]:
    """Does not predict IAM's choice of thumbprints for a new provider."""
    return {"before": _shown(before), "after": _shown(after)}


def _shown(provider: oidc_provider.Provider | None) -> dict[str, Any]:
    return {name: value for name, value in _as_data(provider).items() if name != "arn"} if provider else {}
