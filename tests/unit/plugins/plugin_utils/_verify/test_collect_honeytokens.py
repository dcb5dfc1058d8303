# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A honeytoken that was used is a finding that names what leaked, and our own runs do not use it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius, catalog_parser, honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys, UnusedKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions, close, plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_states import AccessKeyStage
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.aws_access_key import AwsAccessKey
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_honeytokens
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import Principal
from tests import planted
from tests.unit.plugins.plugin_utils._provision.test_alert_resources import DECOY
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts

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

    def __init__(self, used: dict[str, Any] | None = None, status: str = "Active", keys: int = 1) -> None:
        self.used, self.status, self.keys = used or {}, status, keys

    def get_access_key_last_used(self, AccessKeyId: str) -> Any:  # noqa: N803 AWS's own name
        return {"UserName": USER, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A", **self.used}}

    def get_paginator(self, _name: str) -> Any:
        keys = [{"AccessKeyId": KEY, "Status": self.status, "CreateDate": AT}] * self.keys
        return SimpleNamespace(paginate=lambda **_asked: [{"AccessKeyMetadata": keys}])


def rows(iam: Iam, *principals: Principal) -> list[tuple[str, str, str]]:
    found = collect_honeytokens.rows(CATALOG, iam, lambda: principals or (DENIED,), Journal)
    assert pasted_commands.of_rows("WPS409", found) == []
    verify_facts.judged("WPS409", honeytokens={"rows": found})
    return [(row["state"], row["message"], row.get("target", "")) for row in found]


def test_one_that_was_never_used() -> None:
    assert rows(Iam()) == [("pass", f"1 key of IAM user {USER}, never used", "")]


def test_one_that_cannot_be_used() -> None:
    message = f"IAM user {USER} has no active key. Create one, and store it: ansible-playbook watchparty.secrets.set"
    for iam in (Iam(keys=0), Iam(status="Inactive")):
        assert rows(iam) == [("fail", message, "")]


def test_one_that_was_used_names_what_leaked() -> None:
    used = Iam({"LastUsedDate": AT, "ServiceName": "sts", "Region": "us-east-1"})
    message = f"key {KEY} of IAM user {USER} was used, last on 2026-11-25T10:00:00Z at sts in us-east-1"
    assert rows(used) == [("fail", f"{message}: somebody has read a place where it is stored", "secret:shop/test/core")]


@planted.mistakes("Honeytokens in AWS", planted.PROGRAM, checks="WPS409", number=11)
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
    ids=["no user", "a role of its name", "no deny", "a deny on a condition", "a deny of some actions"],
)
def test_one_that_is_not_denied_everything(principal: Principal, message: str) -> None:
    assert rows(Iam(), principal)[0][0] == "fail"
    assert message in rows(Iam(), principal)[0][1]


def test_a_catalog_without_one_asks_nothing() -> None:
    catalog = catalog_parser.parse({"application": "shop", "settings": {"A": {"value": 1}}}, "test")
    assert collect_honeytokens.rows(catalog, None, lambda: pytest.fail("asked"), lambda: pytest.fail("read")) == []


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


USED = {"LastUsedDate": AT, "ServiceName": "sts", "Region": "us-east-1"}
NOTE = {"last": f"key {OLD}, last on 2026-11-25T10:00:00Z at sts in us-east-1"}


def test_a_rotation_keeps_the_last_use_of_a_key_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM forgets it with the key, which a killed run may have deleted already."""
    iam = Iam(USED)
    keys = UnusedKeys(iam, user=USER, acting=None, sts=lambda _login: pytest.fail("logged in"))
    pair = SimpleNamespace(old=Login(OLD, "canary"))
    monkeypatch.setattr(access_key_preconditions, "concerned", lambda *_: (SimpleNamespace(keys=keys), pair))
    for stage in ("usable", "revoked"):
        monkeypatch.setattr(AccessKeyStage, stage, lambda _self: {"changed": True})
    part: Any = SimpleNamespace(setting=SimpleNamespace(catalog=CATALOG), name="decoy")
    assert AwsAccessKey().test(part) == {"changed": True, "notes": {"used": NOTE}}
    assert AwsAccessKey().revoke(part) == {"changed": True, "notes": {"used_at_end": NOTE}}
    monkeypatch.setattr(UnusedKeys, "last_use", lambda *_: (_ for _ in ()).throw(Denied("no such key")))
    assert AwsAccessKey().revoke(part) == {"changed": True, "notes": {}}
    part = SimpleNamespace(setting=SimpleNamespace(catalog=CATALOG), name="token")
    assert AwsAccessKey().test(part) == {"changed": True, "notes": {}}, "no honeytoken"


def after(before: Rotated | None, notes: dict[str, Any], kind: str = "aws_access_key") -> Any:
    rotation = OpenRotation("r2", "record", "ops", "2026-11-25", notes={"decoy": notes})
    journal = replace(Journal(), rotated={"decoy": before} if before else {})
    return close._used(plan.Item("decoy", kind), journal, rotation)


def test_the_journal_hands_a_use_on_until_a_leak_response_answers_it() -> None:
    routine, leak = (Rotated("2026", "ops", "r1", incident, used=NOTE) for incident in ("", "leak-1"))
    assert after(None, {"used": NOTE}) == NOTE
    assert after(routine, {}) == NOTE
    assert after(leak, {}) == {}
    assert after(routine, {"used": {"last": "a"}, "used_at_end": {"last": "b"}}) == {"last": "b"}
    assert after(None, {"used": NOTE}, kind="own") == {}


@pytest.mark.parametrize(("incident", "state"), [("", "fail"), ("leak-1", "pass")])
def test_a_use_before_the_rotation_is_a_finding(incident: str, state: str) -> None:
    journal = replace(Journal(), rotated={"decoy": Rotated("2026", "ops", "r1", incident, used=NOTE)})
    (row,) = collect_honeytokens.rows(CATALOG, Iam(), lambda: [DENIED], lambda: journal)
    assert (row["state"], row.get("target", "")) == (state, "" if incident else "secret:shop/test/core")
    assert (NOTE["last"] in row["message"]) is (state == "fail")


def test_without_a_journal_the_present_key_is_checked() -> None:
    def unreadable() -> Journal:
        raise Denied("no read")

    for iam, states in ((Iam(USED), ["not checked", "fail"]), (Iam(), ["not checked"])):
        results = collect_honeytokens.rows(CATALOG, iam, lambda: [DENIED], unreadable)
        assert [row["state"] for row in results] == states
        assert "previous keys, cannot be read: no read" in results[0]["message"]
