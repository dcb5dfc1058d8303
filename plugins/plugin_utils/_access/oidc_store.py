# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenID Connect providers in IAM. The caller passes the boto3 client. Not run on AWS."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import PROPAGATION_SECONDS, Settling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import translated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_provider import (
    Changes,
    Provider,
    ProviderSpec,
    changes,
)


class OidcProviders:
    """The providers of an account. All its applications share one provider for a URL."""

    settling = Settling(patience=PROPAGATION_SECONDS)

    def __init__(self, client: Any) -> None:
        self._client = client

    def find(self, url: str) -> Provider | None:
        """The provider for this URL (without https://), or None."""
        with translated("ListOpenIDConnectProviders", "this account"):
            arns = [item["Arn"] for item in self._client.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
        for arn in arns:
            if arn.partition(":oidc-provider/")[2] == url:
                with suppress(NotFound):
                    return self._get(arn)
        return None

    def _get(self, arn: str) -> Provider:
        with translated("GetOpenIDConnectProvider", f"provider {arn}"):
            provider = self._client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return Provider(
            arn=arn,
            url=str(provider.get("Url", "")).partition("://")[2] or str(provider.get("Url", "")),
            clients=tuple(provider.get("ClientIDList", ())),
            tags={tag["Key"]: tag["Value"] for tag in provider.get("Tags", ())},
        )

    def apply(self, standing: Provider | None, wanted: ProviderSpec, plan: Changes) -> Provider | None:
        """Makes the changes, which can be repeated. If the provider was created meanwhile, changes that one."""
        if plan.create:
            try:
                self._create(wanted, plan)
            except AlreadyExists:
                standing = self._listed(wanted.url)
                plan = changes(standing, wanted)
                if standing is None or plan.create:
                    raise
        if standing is not None:
            self._change(standing.arn, plan)
        return self._listed(wanted.url)

    def _listed(self, url: str) -> Provider | None:
        """The provider, after a wait until IAM lists it."""
        return self.settling.until(lambda: self.find(url), lambda provider: provider is not None)

    def _create(self, wanted: ProviderSpec, plan: Changes) -> None:
        tags = {"Tags": _tags(plan)} if plan.add_tags else {}
        with translated("CreateOpenIDConnectProvider", f"provider {wanted.url}"):
            self._client.create_open_id_connect_provider(
                Url=f"https://{wanted.url}", ClientIDList=list(plan.add_clients), **tags
            )

    def _change(self, arn: str, plan: Changes) -> None:
        which = {"OpenIDConnectProviderArn": arn}
        subject = f"provider {arn}"
        for client in plan.add_clients:
            with translated("AddClientIDToOpenIDConnectProvider", subject):
                self._client.add_client_id_to_open_id_connect_provider(**which, ClientID=client)
        if plan.add_tags:
            with translated("TagOpenIDConnectProvider", subject):
                self._client.tag_open_id_connect_provider(**which, Tags=_tags(plan))


def _tags(plan: Changes) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in sorted(plan.add_tags.items())]
