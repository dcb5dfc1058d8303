# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password of SES's mail server, and where it is tried."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import ses_smtp
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_preconditions import store
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ses_smtp import (
    SmtpKeys,
    SmtpServer,
    smtp_password,
    smtp_server,
)
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import Shop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

STORED = {"MAIL_USER": "AKIAOLD", "MAIL_PASSWORD": "canary"}


def credential(**options: str) -> Credential:
    return Credential("email", "ses_smtp_password", options=options)


@pytest.mark.parametrize(
    ("secret", "region", "expected"),
    [
        # Of the AWS provider of Terraform, which has its own implementation.
        ("some+secret+key", "eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
        ("another+secret+key", "eu-central-1", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"),
        ("some+secret+key", "us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
        # By five calls of "openssl dgst -sha256 -mac HMAC -macopt hexkey:…".
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-west-3", "BDDdpSTzbzUY3SJq/n4Oq7heDuCWbOtogMi5S3AR673+"),
    ],
)
def test_the_password(secret: str, region: str, expected: str) -> None:
    assert smtp_password(secret, region) == expected


def test_the_server() -> None:
    assert smtp_server(credential(region="eu-west-1")) == SmtpServer("eu-west-1", "email-smtp.eu-west-1.amazonaws.com")
    other = credential(region="eu-west-1", server="mail.example:587", ca="/etc/ca.pem")
    assert smtp_server(other) == SmtpServer("eu-west-1", "mail.example", 587, "/etc/ca.pem")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"credentials\.email\.options\.region is not a region"),
        ({"region": "eu.evil.example/"}, r"options\.region is not a region"),
        ({"region": "eu-west-1", "server": "mail.example"}, r"options\.server is not host:port"),
        ({"region": "eu-west-1", "server": "u@mail.example:465"}, r"options\.server is not host:port"),
    ],
)
def test_a_wrong_option(options: dict[str, str], message: str) -> None:
    with pytest.raises(RotationError, match=message):
        smtp_server(credential(**options))


def test_the_kind_decides_where_a_key_is_tried() -> None:
    connection: Any = SimpleNamespace(store_client=lambda _name: None, acting_client=lambda _name: None)
    assert isinstance(store(connection, credential(region="eu-west-1")), SmtpKeys)
    assert not isinstance(store(connection, Credential("storage", "aws_access_key")), SmtpKeys)


def test_nobody_listens() -> None:
    with pytest.raises(HostError, match=r"^mail server 127\.0\.0\.1:1: Connection refused$"):
        SmtpServer("eu-west-1", "127.0.0.1", 1).accepts(ses_smtp.Login("AKIA", "canary"))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setitem(KINDS, "ses_smtp_password", BUILT_IN["ses_smtp_password"].kind)
    return Shop("ses_smtp_password", {"options": {"region": "eu-west-1", "user": "shop-mail"}}, STORED)


def test_a_store_cannot_choose_the_iam_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the id of another user's key: the mail server does not tell whose key it is."""
    monkeypatch.setitem(KINDS, "ses_smtp_password", BUILT_IN["ses_smtp_password"].kind)
    with pytest.raises(AssertionError, match=r"kind ses_smtp_password needs options\.user"):
        Shop("ses_smtp_password", {"options": {"region": "eu-west-1"}}, STORED)


@pytest.mark.parametrize("accepted", [True, False])
def test_check_tries_the_login_in_use(shop: Shop, monkeypatch: pytest.MonkeyPatch, *, accepted: bool) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(SmtpServer, "accepts", lambda _server, login: tried.append(login) or accepted)
    if accepted:
        assert shop.act("check") == {}
    else:
        with pytest.raises(RotationError, match="does not accept the login in use") as caught:
            shop.act("check")
        assert "canary" not in str(caught.value)
    assert [login.username for login in tried] == ["AKIAOLD"]
