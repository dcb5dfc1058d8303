# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A honeytoken that was used is a finding that names what leaked, and our own runs do not use it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius, catalog_parser, honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys, UnusedKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_honeytokens
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import Principal
from tests.unit.plugins.plugin_utils._provision.test_alert_resources import DECOY

NAMES = ("BACKUP_KEY_ID", "BACKUP_KEY", "TOKEN")
CATALOG = catalog_parser.parse(
    {
        "application": "shop",
        "alerts": {},
        "settings": {name: {"group": "core"} for name in NAMES},
        "credentials": {"decoy": DECOY, "token": {"kind": "external", "appears_in": [{"setting": "TOKEN"}]}},
    },
    "test",
)
USER, KEY, OLD = "shop-decoy", "AKIADECOY", "AKIAFORMER"
DENY = honeytokens.DENIED["Statement"][0]
AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
DENIED = Principal("user", USER, f"arn:aws:iam::1:user/{USER}", (honeytokens.DENIED,))


class Iam:
    """One user with one key, which was last used as ``used`` says."""

    def __init__(self, used: dict[str, Any] | None = None, status: str = "Active") -> None:
        self.used, self.status = used or {}, status

    def get_access_key_last_used(self, AccessKeyId: str) -> Any:  # noqa: N803 AWS's own name
        return {"UserName": USER, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A", **self.used}}

    def get_paginator(self, _name: str) -> Any:
        keys = [{"AccessKeyId": KEY, "Status": self.status, "CreateDate": AT}]
        return SimpleNamespace(paginate=lambda **_asked: [{"AccessKeyMetadata": keys}])


def rows(iam: Iam, *principals: Principal) -> list[tuple[str, str, str]]:
    found = collect_honeytokens.rows(CATALOG, iam, lambda: principals or (DENIED,))
    return [(row["state"], row["message"], row.get("target", "")) for row in found]


def test_one_that_was_never_used() -> None:
    assert rows(Iam()) == [("pass", f"1 key of IAM user {USER}, never used", "")]


def test_one_that_was_used_names_what_leaked() -> None:
    used = Iam({"LastUsedDate": AT, "ServiceName": "sts", "Region": "us-east-1"})
    message = f"key {KEY} of IAM user {USER} was used, last on 2026-11-25T10:00:00Z at sts in us-east-1"
    assert rows(used) == [("fail", f"{message}: somebody has read where it is stored", "secret:shop/test/core")]


@pytest.mark.parametrize(
    ("principal", "message"),
    [
        (Principal("user", "other", "arn"), f"IAM user {USER} does not exist"),
        (Principal("role", USER, "arn", (honeytokens.DENIED,)), f"IAM user {USER} does not exist"),
        (Principal("user", USER, "arn"), f"no policy denies IAM user {USER} everything"),
        (
            Principal(
                "user", USER, "arn", ({"Statement": {**honeytokens.DENIED["Statement"][0], "Condition": {"x": {}}}},)
            ),
            "no policy denies",
        ),
        (
            Principal("user", USER, "arn", ({"Statement": {"Effect": "Deny", "NotAction": "sts:*", "Resource": "*"}},)),
            "no policy",
        ),
    ],
)
def test_one_that_is_not_denied_everything(principal: Principal, message: str) -> None:
    assert rows(Iam(), principal)[0][0] == "fail"
    assert message in rows(Iam(), principal)[0][1]


def test_a_catalog_without_one_asks_nothing() -> None:
    catalog = catalog_parser.parse({"application": "shop", "settings": {"A": {"value": 1}}}, "test")
    assert collect_honeytokens.rows(catalog, None, lambda: pytest.fail("asked")) == []


def test_it_reveals_nothing() -> None:
    """A leak of the key alone replaces the key alone."""
    impact = blast_radius.impact(CATALOG, ["decoy"], [])
    assert [reached.name for reached in impact.reached] == ["decoy"]
    assert {reached.name for reached in blast_radius.impact(CATALOG, ["secret:shop/test/core"], []).reached} == {
        "decoy",
        "token",
    }


@pytest.mark.parametrize(("status", "accepted"), [("Active", True), ("Inactive", False)])
def test_a_rotation_does_not_use_it(status: str, accepted: bool) -> None:
    """IAM's list says whether AWS accepts a key; a login with it would be an alert."""
    connection: Any = SimpleNamespace(store_client=lambda _name: Iam(status=status), acting_client=lambda _name: None)
    keys = access_key_preconditions.store(connection, CATALOG.credentials["decoy"])
    assert isinstance(keys, UnusedKeys)
    assert keys.accepts(Login(KEY, "canary"), USER) is accepted
    assert not keys.accepts(Login(OLD, "canary"), USER)
    assert (keys.identity(Login(KEY, "canary")) is not None) is accepted, "as verify tries previous keys"
    assert type(access_key_preconditions.store(connection, CATALOG.credentials["token"])) is AccessKeys
