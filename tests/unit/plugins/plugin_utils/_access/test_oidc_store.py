# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenID Connect providers, on moto in this process and, for errors, over a client that answers what was queued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_provider import (
    Provider,
    ProviderSpec,
    changes,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_store import OidcProviders

URL = "token.actions.githubusercontent.com"
ARN = f"arn:aws:iam::123456789012:oidc-provider/{URL}"
WANTED = ProviderSpec(URL, ("sts.amazonaws.com",), tags={"ManagedBy": "watchparty.secrets"})
Moto = Callable[[str], tuple[Any, list[str]]]
Stubbed = Callable[[str], tuple[Any, Stubber]]


def test_from_nothing_to_gone_again(moto: Moto) -> None:
    client, _asked = moto("iam")
    providers = OidcProviders(client)
    assert providers.find(URL) is None
    made = providers.apply(None, WANTED, changes(None, WANTED))
    assert made is not None
    assert (made.arn, made.url, made.clients, made.tags) == (ARN, URL, WANTED.clients, WANTED.tags)
    assert not changes(made, WANTED)

    client.tag_open_id_connect_provider(OpenIDConnectProviderArn=ARN, Tags=[{"Key": "Team", "Value": "other"}])
    provider_spec = replace(WANTED, thumbprints=("a" * 40,), tags={"ManagedBy": "x"})
    provider = providers.find(URL)
    changed = providers.apply(provider, provider_spec, changes(provider, provider_spec))
    assert changed is not None
    assert changed.thumbprints == ("a" * 40,)
    assert changed.tags == {"ManagedBy": "x", "Team": "other"}

    only = replace(provider_spec, purge_tags=True)
    purged = providers.apply(changed, only, changes(changed, only))
    assert purged is not None
    assert purged.tags == {"ManagedBy": "x"}
    providers.delete(purged)
    assert providers.find(URL) is None
    providers.delete(purged)


def test_one_that_was_just_made_is_not_listed_at_once(moto: Moto, pauses: list[float]) -> None:
    client, _asked = moto("iam")
    providers, lists = OidcProviders(client), client.list_open_id_connect_providers
    client.list_open_id_connect_providers = lambda: lists() if len(pauses) > 2 else {"OpenIDConnectProviderList": []}
    made = providers.apply(None, WANTED, changes(None, WANTED))
    assert made is not None
    assert made.arn == ARN
    pauses.clear()
    assert providers.apply(None, WANTED, changes(None, WANTED)) == made, "somebody else made it meanwhile"


def test_client_ids_come_and_go_one_by_one(stubbed: Stubbed) -> None:
    """moto cannot change them, so that IAM's part is what it documents."""
    client, answers = stubbed("iam")
    which = {"OpenIDConnectProviderArn": ARN}
    answers.add_response("add_client_id_to_open_id_connect_provider", {}, {**which, "ClientID": "sts.amazonaws.com"})
    answers.add_response("remove_client_id_from_open_id_connect_provider", {}, {**which, "ClientID": "old"})
    answers.add_response("list_open_id_connect_providers", {"OpenIDConnectProviderList": [{"Arn": ARN}]})
    answers.add_response(
        "get_open_id_connect_provider", {"Url": URL, "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": []}, which
    )
    standing = Provider(ARN, URL, ("old",), (), WANTED.tags or {})
    wanted = replace(WANTED, purge_clients=True)
    provider = OidcProviders(client).apply(standing, wanted, changes(standing, wanted))
    assert provider == Provider(ARN, URL, WANTED.clients)


def test_another_provider_is_not_taken_for_it(moto: Moto) -> None:
    client, _asked = moto("iam")
    client.create_open_id_connect_provider(Url=f"https://{URL}/enterprise", ClientIDList=["a"])
    assert OidcProviders(client).find(URL) is None


def test_one_that_somebody_made_meanwhile_is_completed(moto: Moto) -> None:
    client, _asked = moto("iam")
    client.create_open_id_connect_provider(Url=f"https://{URL}", ClientIDList=list(WANTED.clients))
    made = OidcProviders(client).apply(None, WANTED, changes(None, WANTED))
    assert made is not None
    assert made.tags == WANTED.tags


def test_one_that_is_there_and_cannot_be_seen_is_named(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    """After IAM had the time to list it."""
    monkeypatch.setattr(OidcProviders, "settling", Settling(patience=0))
    client, answers = stubbed("iam")
    answers.add_client_error("create_open_id_connect_provider", "EntityAlreadyExists")
    answers.add_response("list_open_id_connect_providers", {"OpenIDConnectProviderList": []})
    with pytest.raises(AlreadyExists, match=f"provider {URL} already exists"):
        OidcProviders(client).apply(None, WANTED, changes(None, WANTED))


def test_one_that_goes_while_it_is_read_is_gone(stubbed: Stubbed) -> None:
    client, answers = stubbed("iam")
    answers.add_response("list_open_id_connect_providers", {"OpenIDConnectProviderList": [{"Arn": ARN}]})
    answers.add_client_error("get_open_id_connect_provider", "NoSuchEntity")
    assert OidcProviders(client).find(URL) is None


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("AccessDenied", Denied, "AWS denies iam:CreateOpenIDConnectProvider on provider token"),
        ("LimitExceeded", Conflict, "IAM refuses CreateOpenIDConnectProvider on provider token"),
        ("OpenIdIdpCommunicationError", StoreError, "OpenIdIdpCommunicationError"),
    ],
)
def test_errors_name_the_operation_and_the_provider(
    stubbed: Stubbed, code: str, error: type[Exception], message: str
) -> None:
    client, answers = stubbed("iam")
    answers.add_client_error("create_open_id_connect_provider", code)
    with pytest.raises(error, match=message):
        OidcProviders(client).apply(None, WANTED, changes(None, WANTED))
