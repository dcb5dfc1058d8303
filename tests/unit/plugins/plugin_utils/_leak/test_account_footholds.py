# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a leaked access key leaves in AWS and at GitHub is named in the end. On moto, with events as CloudTrail's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import account_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import KnownKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import repository_inventory
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    account_footholds,
    made_with_keys,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import ReadCache
from tests.unit.plugins.plugin_utils._leak.trail_events import event, source_of

CATALOG = catalog_parser.parse(
    {
        "application": "shop",
        "journal": {"s3": "shop-secrets/journal"},
        "github": {"repository": "example/shop"},
        "settings": {"AWS_ACCESS_KEY_ID": {"group": "core"}, "AWS_SECRET_ACCESS_KEY": {"group": "core"}},
        "credentials": {
            "storage": {
                "kind": "aws_access_key",
                "options": {"user": "shop"},
                "appears_in": [{"setting": "AWS_ACCESS_KEY_ID"}, {"setting": "AWS_SECRET_ACCESS_KEY"}],
            }
        },
    },
    "test",
)
IMPACT = {"credentials": [{"name": "storage", "kind": "aws_access_key"}]}
LEAKED, NEXT, SESSION = "AKIALEAKED", "AKIATHIEF", "ASIATHIEF"
REGION, PLACE = "eu-west-3", "AWS account 123456789012"
SINCE = "2026-11-25T00:00:00Z"
INCIDENT = Incident("leak-1", "2026-11-26T00:00:00Z", "op", ("storage",), SINCE)
AT, BY = "2026-11-25T10:00:00+00:00", "by the leaked key at 2026-11-25T10:00:00Z from 10.0.3.7 (CreateUser)"


class Trail:
    """LookupEvents: events by the region and the key that made them."""

    def __init__(self, region: str, events: list[dict[str, Any]], fails: bool = False) -> None:
        self.meta = SimpleNamespace(region_name=region)
        self.events, self.fails, self.asked = events, fails, list[str]()

    def lookup_events(self, LookupAttributes: Any, **_more: Any) -> dict[str, Any]:  # noqa: N803 AWS's own name
        (attribute,) = LookupAttributes
        self.asked.append(attribute["AttributeValue"])
        if self.fails:
            raise Denied("AWS denies cloudtrail:LookupEvents")
        found = [
            item for item in self.events if attribute["AttributeValue"] in (item["AccessKeyId"], item["EventName"])
        ]
        return {"Events": found}


def called(
    act: str, answer: Any = None, *, key: str = LEAKED, error: str | None = None, source: str = "", **asked: Any
) -> dict[str, Any]:
    made = event(
        act, AT, identity=f"{act}-{key}-{asked}", who="arn:aws:iam::1:user/shop", key=key, error=error, **asked
    )
    detail = {**json.loads(made["CloudTrailEvent"]), "responseElements": answer}
    detail["eventSource"] = source or source_of(act)
    return {**made, "CloudTrailEvent": json.dumps(detail)}


def new_key(user: str, key: str = NEXT) -> dict[str, Any]:
    return {"accessKey": {"userName": user, "accessKeyId": key, "secretAccessKey": "canary-new-secret"}}


SOURCE = RecordedServer("2026-11-20T00:00:00Z", "op", frozenset({"deploy key"}), {})
RECORDED = ServerBaseline("shop", "test", "key")


class World:
    """An account, its baseline, and the events of its trail by region."""

    def __init__(self, client: Callable[[str], tuple[Any, list[str]]]) -> None:
        self.clients: dict[str, Any] = {}
        self._make = client
        self.global_trail, self.trail = Trail("us-east-1", []), Trail(REGION, [])
        self.known = ReadCache(baseline=[None])
        self.journal = Journal(incident=INCIDENT)
        self.iam = self.client("iam")
        self.iam.create_user(UserName="shop")
        self.client("secretsmanager").create_secret(Name="shop/test/core", SecretString="{}")

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self._make(service)[0]
        return self.clients[service]

    @property
    def setting(self) -> Any:
        def connection(region: str, trail: Trail) -> Any:
            return SimpleNamespace(
                region=region,
                ansible_name="test",
                store_client=self.client,
                acting_client=self.client,
                bounded_client=lambda service, _seconds: trail if service == "cloudtrail" else self.client(service),
                in_region=lambda other: connection(other, self.global_trail if other != REGION else self.trail),
            )

        stores = secret_stores(self.client)
        rotator = SimpleNamespace(current=lambda _places: stores.read(["shop/test/core"]), secrets=stores)
        connected = connection(REGION, self.trail)
        return SimpleNamespace(catalog=CATALOG, connection=connected, rotator=rotator, known=self.known)

    def record(self) -> None:
        inventory = account_reader.inventory(CATALOG, self.client, REGION, KnownKeys())
        reading = server_baseline.reading_of(inventory)
        source = RecordedServer("2026-11-20T00:00:00Z", "op", reading.kinds, reading.entries)
        self.known.baseline[:] = [ServerBaseline("shop", "test", "key", {PLACE: source})]

    def looked(self, *, incident: Incident = INCIDENT, **asked: bool) -> account_footholds.AccountResult:
        reach = account_footholds.reaching(IMPACT, incident)
        journal = replace(self.journal, incident=incident)
        asked = {"evicts": False, "denies_sessions": False, **asked}
        result = account_footholds.compare_accounts(self.setting, journal, reach, [LEAKED], **asked)
        assert "canary" not in repr(result)
        return result


@pytest.fixture
def world(moto: Callable[[str], tuple[Any, list[str]]], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail.PAUSE", 0.0)
    return World(moto)


def test_what_was_added_is_named_with_who_and_when(world: World) -> None:
    world.record()
    world.iam.create_user(UserName="thief")
    world.iam.create_role(RoleName="other", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    world.global_trail.events = [called("CreateUser", userName="thief"), called("CreateUser", userName="gone")]
    result = world.looked()
    events = [text for event, text in result.events.items() if event.startswith("foothold/storage/")]
    assert [text.partition(" (")[0] for text in events] == [
        "role other is not in the baseline",
        "user thief is not in the baseline",
    ], "a user that does not exist any more is not named"
    assert f", {BY}: aws iam delete-user" in events[1]
    assert result.lines[0] == f"checked: {PLACE} was compared with its baseline of 2026-11-20"
    assert len(result.messages) == 2


ACTS = [
    (called("CreateAccessKey", new_key("dba"), userName="dba"), "update-access-key --status Inactive"),
    (called("CreateAccessKey", new_key("shop")), f"access key {NEXT} of user shop"),
    (called("CreateLoginProfile", userName="dba"), "aws iam delete-login-profile --user-name dba"),
    (called("UpdateAssumeRolePolicy", roleName="ops", policyDocument="canary"), "role ops, by the leaked key"),
    (called("AttachRolePolicy", roleName="ops", policyArn="arn:aws:iam::aws:policy/X"), "detach-role-policy"),
    (called("PutUserPolicy", userName="a b", policyName="p", policyDocument="canary"), "--user-name 'a b'"),
    (called("AddUserToGroup", userName="dba", groupName="admins"), "remove-user-from-group"),
    (called("CreateGrant", {"grantId": "g1"}, keyId="k1"), "revoke-grant --key-id k1 --grant-id g1"),
    (called("PutResourcePolicy", secretId="shop/core", resourcePolicy="canary"), "delete-resource-policy"),
    (called("RotateSecret", secretId="shop/core", rotationLambdaARN="x"), "cancel-rotate-secret"),
    (called("UpdateFunctionCode20150331v2", functionName="f", zipFile="canary"), "Lambda function f"),
    (
        called("RunInstances", {"instancesSet": {"items": [{"instanceId": "i-1"}]}}, userData="canary"),
        "terminate-instances --instance-ids i-1",
    ),
    (called("CreateUser", userName="$(id)"), "--user-name '$(id)'"),
    (called("CreateUser"), "user ?, by the leaked key"),
]
"""What CloudTrail tells of the leaked key, and what the finding says."""


@pytest.mark.parametrize(
    ("made", "message"),
    ACTS,
    ids=lambda item: item["EventName"] if isinstance(item, dict) else "",
)
def test_without_a_baseline_cloudtrail_names_what_the_key_made(
    made: dict[str, Any], message: str, world: World
) -> None:
    world.global_trail.events = [made]
    result = world.looked()
    (text,) = result.events.values()
    assert message in text
    assert result.lines[0].startswith("not checked: the AWS account has no baseline")


@pytest.mark.parametrize(
    "made",
    [
        called("CreateUser", userName="thief", error="AccessDenied"),
        called("CreateUser", userName="shop", source="transfer.amazonaws.com"),
        called("ListUsers"),
        called("AssumeRole", {"credentials": {"accessKeyId": SESSION, "expiration": "Nov 25, 2026 11:00:00 AM"}}),
        {**called("CreateUser", userName="x"), "CloudTrailEvent": "[" * 100_000},
    ],
)
def test_what_leaves_nothing(made: dict[str, Any], world: World) -> None:
    world.global_trail.events = [made]
    assert world.looked().events == {}


def test_keys_and_sessions_are_followed(world: World) -> None:
    """A session that is valid still is named; of one whose end is not told, AWS's longest counts."""
    soon = datetime.now(UTC).strftime("Jan 01, 2099, 1:00:00\u202fAM")
    answer = {"credentials": {"accessKeyId": SESSION, "expiration": soon, "sessionToken": "canary-token"}}
    world.global_trail.events = [called("CreateAccessKey", new_key("dba"), userName="dba")]
    world.trail.events = [called("AssumeRole", answer, key=NEXT, roleArn="arn:aws:iam::1:role/ops")]
    world.global_trail.events.append(called("CreateUser", userName="thief", key=SESSION))
    world.global_trail.events.append(called("ConsoleLogin", key=""))
    result = world.looked()
    kinds = [text.partition(",")[0] for text in result.events.values()]
    assert kinds == [
        f"access key {NEXT} of user dba",
        f"session {SESSION} of arn:aws:iam::1:role/ops",
        "user thief",
    ]
    assert "seen: arn:aws:iam::1:user/shop signed in from 10.0.3.7 at 2026-11-25T10:00:00Z" in result.lines
    assert world.trail.asked == world.global_trail.asked == [LEAKED, "ConsoleLogin", NEXT, SESSION]


@pytest.mark.parametrize("asked", [True, False])
def test_a_session_of_the_applications_role_ends_on_request(asked: bool, world: World) -> None:
    """The trust policy let the leaked key assume the role, which the catalog does not tell."""
    world.iam.create_role(
        RoleName="shop-test-host", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}'
    )
    role = "arn:aws:iam::123456789012:role/shop-test-host"
    answer = {"credentials": {"accessKeyId": SESSION, "expiration": "Dec 25, 2126 11:00:00 AM"}}
    world.trail.events = [called("AssumeRole", answer, roleArn=role)]
    result = world.looked(denies_sessions=asked)
    line = f"{SESSION} of {role}, by the leaked key at 2026-11-25T10:00:00Z from 10.0.3.7 (AssumeRole)"
    policies = world.iam.list_role_policies(RoleName="shop-test-host")["PolicyNames"]
    if asked:
        assert [event.partition(",")[0] for event in result.events] == ["denied/role shop-test-host"]
        assert f"removed: session {line}: denied" in result.lines
        assert (result.messages, policies) == ([], ["AWSRevokeOlderSessions"])
    else:
        assert (result.messages, policies) == ([f"possible foothold: storage: session {line}"], [])


def test_somebody_who_makes_many_sessions(world: World) -> None:
    """What is not followed is not checked."""
    for number in range(made_with_keys.MOST_KEYS + 4):
        answer = {"credentials": {"accessKeyId": f"{SESSION}{number}"}}
        world.trail.events.append(called("GetSessionToken", answer, session=number))
    lines = world.looked().lines
    assert f"not checked: CloudTrail was not searched for 5 more keys and sessions, such as {SESSION}19" in lines
    assert len(world.trail.asked) == made_with_keys.MOST_KEYS + 1, "with the sign-ins"


def test_somebody_who_makes_thousands_is_counted(world: World) -> None:
    world.global_trail.events = [called("CreateUser", userName=f"u{number}") for number in range(60)]
    result = world.looked()
    assert (len(result.events), len(result.messages)) == (account_footholds.MOST, 60)
    assert list(result.events.values())[-1].startswith("the AWS account: 51 more findings (")


def test_a_trail_that_does_not_answer(world: World) -> None:
    world.global_trail.fails = True
    result = world.looked()
    assert result.events == {}
    assert [line for line in result.lines if "not checked: CloudTrail in us-east-1: AWS denies" in line]


def test_a_kind_that_could_not_be_recorded_is_left_to_cloudtrail(world: World) -> None:
    world.record()
    (baseline,) = world.known.baseline
    assert baseline is not None
    source = baseline.sources[PLACE]
    world.known.baseline[:] = [replace(baseline, sources={PLACE: replace(source, kinds=source.kinds - {"user"})})]
    world.iam.create_user(UserName="thief")
    world.global_trail.events = [called("CreateUser", userName="thief")]
    assert [*world.looked().events.values()] == [f"user thief, {BY}: aws iam delete-user --user-name thief"]


def test_an_account_that_cannot_be_read_is_a_possible_foothold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.record()

    def refused(*_args: Any) -> Any:
        raise Denied("AWS denies it")

    monkeypatch.setattr(account_reader, "inventory", refused)
    world.global_trail.events = [called("CreateUser", userName="thief")]
    assert [*world.looked().events.values()] == [
        f"{PLACE}: not compared with its baseline: AWS denies it",
        f"user thief, {BY}: aws iam delete-user --user-name thief",
    ]


class TestEviction:
    def status(self, world: World, user: str, key: str) -> str:
        keys = world.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
        return str(next(item["Status"] for item in keys if item["AccessKeyId"] == key))

    @pytest.mark.parametrize(
        ("evicts", "since", "status"), [(True, SINCE, "Inactive"), (False, SINCE, "Active"), (True, "", "Active")]
    )
    def test_the_leaked_user_s_second_key(self, evicts: bool, since: str, status: str, world: World) -> None:
        """Only if the operator asks for it, and only in a window that is known."""
        key = world.iam.create_access_key(UserName="shop")["AccessKey"]["AccessKeyId"]
        world.global_trail.events = [called("CreateAccessKey", new_key("shop", key))]
        result = world.looked(evicts=evicts, incident=replace(INCIDENT, since=since))
        assert self.status(world, "shop", key) == status
        (foothold, *gone) = result.events
        assert [name.partition("/")[2] for name in gone] == (
            [foothold.partition("/")[2]] if status == "Inactive" else []
        )

    def test_a_user_that_is_named_after_the_key_stays_a_foothold(self, world: World) -> None:
        key = world.iam.create_access_key(UserName="shop")["AccessKey"]["AccessKeyId"]
        world.global_trail.events = [
            called("CreateAccessKey", new_key("shop", key)),
            called("CreateUser", userName=f"x-{key}"),
        ]
        result = world.looked(evicts=True)
        incident = replace(INCIDENT, events=dict.fromkeys(result.events, AT))
        assert [result.events[event].partition(",")[0] for event in incident.footholds] == [f"user x-{key}"]

    def test_a_key_that_the_stores_hold_is_in_use(self, world: World) -> None:
        key = world.iam.create_access_key(UserName="shop")["AccessKey"]["AccessKeyId"]
        held = json.dumps({"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "canary-secret-key"})
        world.client("secretsmanager").put_secret_value(SecretId="shop/test/core", SecretString=held)
        world.global_trail.events = [called("CreateAccessKey", new_key("shop", key))]
        assert world.looked(evicts=True).events == {}
        assert self.status(world, "shop", key) == "Active"

    def test_another_user_s_key_is_only_named(self, world: World) -> None:
        world.iam.create_user(UserName="dba")
        key = world.iam.create_access_key(UserName="dba")["AccessKey"]["AccessKeyId"]
        world.global_trail.events = [called("CreateAccessKey", new_key("dba", key), userName="dba")]
        assert [name.partition("/")[0] for name in world.looked(evicts=True).events] == ["foothold"]
        assert self.status(world, "dba", key) == "Active"

    def test_a_key_that_cannot_be_deactivated_stays_a_foothold(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(*_args: Any, **_more: Any) -> Any:
            raise Denied("AWS denies iam:UpdateAccessKey")

        monkeypatch.setattr(AccessKeys, "deactivate", denied)
        world.global_trail.events = [called("CreateAccessKey", new_key("shop"))]
        result = world.looked(evicts=True)
        assert [name.partition("/")[0] for name in result.events] == ["foothold", "foothold"]
        assert "was not deactivated: AWS denies" in [*result.events.values()][-1]


def test_github_is_compared_if_it_leaked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "GitHub repository example/shop"
    world.known.baseline[:] = [replace(RECORDED, sources={place: SOURCE})]
    entries = [server_baseline.entry_of("deploy key", "9", "ci", "gh api -X DELETE repos/example/shop/keys/9")]
    told = {"place": place, "kinds": ["deploy key"], "entries": entries, "problems": [], "unread": {}}
    monkeypatch.setenv("GITHUB_TOKEN", "canary-token")
    monkeypatch.setattr(repository_inventory, "inventory", lambda *_: told)
    leaked = replace(INCIDENT, declared=("github",))
    result = world.looked(incident=leaked)
    found = {event: text for event, text in result.events.items() if event.startswith("foothold/github/")}
    assert [*found.values()] == ["deploy key 9 is not in the baseline (ci): gh api -X DELETE repos/example/shop/keys/9"]
    monkeypatch.delenv("GITHUB_TOKEN")
    lost = world.looked(incident=leaked).events.values()
    assert any("not compared with its baseline: there is no token for GitHub" in text for text in lost)
    assert world.looked().events == {}, "nothing of GitHub leaked"


@pytest.mark.parametrize(
    ("kind", "declared", "expected"),
    [
        ("aws_access_key", "storage", {"aws": "storage"}),
        ("ssh_key", "storage", {"aws": "storage"}),
        ("valkey_user", "host:web1", {"aws": "storage"}),
        ("valkey_user", "storage", {}),
        ("valkey_user", "github", {"github": "github"}),
        ("aws_access_key", "all", {"aws": "storage", "github": "github"}),
    ],
)
def test_what_a_leak_reaches(kind: str, declared: str, expected: dict[str, str]) -> None:
    impact = {"credentials": [{"name": "storage", "kind": kind}]}
    assert account_footholds.reaching(impact, replace(INCIDENT, declared=(declared,))) == expected
