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


def test_a_new_one_and_its_tags(moto: Moto) -> None:
    client, _asked = moto("iam")
    providers = OidcProviders(client)
    assert providers.find(URL) is None
    made = providers.apply(None, WANTED, changes(None, WANTED))
    assert made is not None
    assert (made.arn, made.url, made.clients, made.tags) == (ARN, URL, WANTED.clients, WANTED.tags)
    assert not changes(made, WANTED)

    client.tag_open_id_connect_provider(OpenIDConnectProviderArn=ARN, Tags=[{"Key": "Team", "Value": "other"}])
    provider_spec = replace(WANTED, tags={"ManagedBy": "x"})
    provider = providers.find(URL)
    changed = providers.apply(provider, provider_spec, changes(provider, provider_spec))
    assert changed is not None
    assert changed.tags == {"ManagedBy": "x", "Team": "other"}


def test_one_that_was_just_made_is_not_listed_at_once(moto: Moto, pauses: list[float]) -> None:
    client, _asked = moto("iam")
    providers, lists = OidcProviders(client), client.list_open_id_connect_providers
    client.list_open_id_connect_providers = lambda: lists() if len(pauses) > 2 else {"OpenIDConnectProviderList": []}
    made = providers.apply(None, WANTED, changes(None, WANTED))
    assert made is not None
    assert made.arn == ARN
    pauses.clear()
    assert providers.apply(None, WANTED, changes(None, WANTED)) == made, "somebody else made it meanwhile"


def test_a_missing_client_id_is_added(stubbed: Stubbed) -> None:
    """moto cannot change them, so that IAM's part is what it documents."""
    client, answers = stubbed("iam")
    which = {"OpenIDConnectProviderArn": ARN}
    answers.add_response("add_client_id_to_open_id_connect_provider", {}, {**which, "ClientID": "sts.amazonaws.com"})
    answers.add_response("list_open_id_connect_providers", {"OpenIDConnectProviderList": [{"Arn": ARN}]})
    answers.add_response(
        "get_open_id_connect_provider", {"Url": URL, "ClientIDList": ["old", "sts.amazonaws.com"]}, which
    )
    standing = Provider(ARN, URL, ("old",), WANTED.tags)
    provider = OidcProviders(client).apply(standing, WANTED, changes(standing, WANTED))
    assert provider == Provider(ARN, URL, ("old", *WANTED.clients))


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
