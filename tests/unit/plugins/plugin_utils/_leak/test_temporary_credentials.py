# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Temporary credentials that an intruder may have got are denied, on what the catalog names and nothing else. On moto,
which keeps such policies and does not enforce them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.session_denial import (
    POLICY,
    Caller,
    role,
    user,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import steps as leak_steps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import temporary_credentials
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.acts_in_aws import Made
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.made_with_keys import MadeWithKey
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import (
    DenialResult,
    LeakedAccess,
)
from tests.unit.plugins.plugin_utils._leak.leak_world import IMPACT, Leak
from tests.unit.plugins.plugin_utils._leak.test_steps import ended, waves

ACCOUNT, AT = "123456789012", datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
HOST, DEPLOY, STORAGE = role("shop-test-host"), role("shop-test-deploy"), user("shop-storage")
DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "journal": {"s3": "shop-secrets/journal"},
    "github": {"repository": "example/shop"},
    "alerts": {},
    "aws": {"operators": [f"arn:aws:iam::{ACCOUNT}:user/apps/shop-ci", f"arn:aws:iam::{ACCOUNT}:root"]},
    "settings": {"KEY": {"group": "core"}},
    "credentials": {
        name: {"kind": kind, "options": options, "appears_in": [{"secret": f"shop/{{environment}}/{name}"}]}
        for name, kind, options in (
            ("storage", "aws_access_key", {"user": "shop-storage"}),
            ("ci", "aws_access_key", {"user": "shop-ci", "user_path": "/apps/"}),
            ("other", "aws_access_key", {}),
            ("decoy", "aws_access_key", {"user": "decoy", "honeytoken": True}),
            ("deploy_ssh", "ssh_key", {}),
        )
    },
}
CATALOG = catalog_parser.parse(DOCUMENT, "test")
INCIDENT = Incident("leak-1", "2026-11-25T14:00:00Z", "op")


def access(*names: str, declared: Sequence[str] = (), compromised: Sequence[str] = ()) -> LeakedAccess:
    credentials = [{"name": name, "kind": CATALOG.credentials[name].kind} for name in names]
    return LeakedAccess({"credentials": credentials}, declared or names, compromised)


def with_events(**events: str) -> Incident:
    return replace(INCIDENT, events={name.replace("__", "/"): at for name, at in events.items()})


@pytest.mark.parametrize(
    ("about", "exposed"),
    [
        (access("storage"), {STORAGE: ("storage",)}),
        (access("deploy_ssh"), {HOST: ("deploy_ssh",)}),
        (access("deploy_ssh", "storage"), {HOST: ("deploy_ssh",), STORAGE: ("storage",)}),
        (access(declared=["host:web1"]), {HOST: ()}),
        (access(compromised=["web1"]), {HOST: ()}),
        (access(declared=["github"]), {DEPLOY: ()}),
        (access(declared=["all"]), {HOST: (), DEPLOY: ()}),
        (access("decoy"), {}),
        (access("other"), {}),
        (
            access("ci"),
            {
                user("shop-ci"): ("ci",),
                **{role(f"shop-test-{kind}"): ("ci",) for kind in ("rotate", "respond", "verify")},
            },
        ),
    ],
)
def test_what_reveals_which_role_or_user(about: LeakedAccess, exposed: dict[Any, tuple[str, ...]]) -> None:
    assert temporary_credentials.exposed(CATALOG, about) == exposed


def test_an_application_that_no_workflow_deploys() -> None:
    bare = {name: part for name, part in DOCUMENT.items() if name not in ("aws", "github")}
    exposed = temporary_credentials.exposed(catalog_parser.parse(bare, "test"), access("ci", declared=["all"]))
    assert exposed == {HOST: (), user("shop-ci"): ("ci",)}


def test_access_keys_whose_user_is_not_known() -> None:
    assert temporary_credentials.unknown_users(CATALOG, access("storage", "other", "decoy").impact) == ["other"]


@pytest.mark.parametrize(
    ("events", "is_due"),
    [
        ({}, True),
        ({"denied__user shop-storage, issued before X": "2026-11-25T15:00:00Z"}, False),
        ({"denied__user shop, issued before X": "2026-11-25T15:00:00Z"}, True),
        (
            {
                "denied__user shop-storage, issued before X": "2026-11-25T15:00:00Z",
                "refused__storage": "2026-11-25T15:00:09Z",
            },
            True,
        ),
        (
            {
                "denied__user shop-storage, issued before X": "2026-11-25T15:00:10Z",
                "refused__storage": "2026-11-25T15:00:09Z",
            },
            False,
        ),
        ({"absent__user shop-storage": "2026-11-25T15:00:00Z"}, False),
    ],
)
def test_once_and_again_after_the_revocation(events: dict[str, str], is_due: bool) -> None:
    """Until then the leaked key gets new ones."""
    principals = temporary_credentials.exposed(CATALOG, access("storage"))
    assert bool(temporary_credentials.due(with_events(**events), principals)) is is_due


class World:
    """An account with the roles; ``own`` is who runs."""

    def __init__(self, client: Callable[[str], tuple[Any, list[str]]], monkeypatch: pytest.MonkeyPatch) -> None:
        self.iam, self.own = client("iam")[0], role("admin")
        for name in (HOST.name, DEPLOY.name):
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
        self.iam.create_user(UserName=STORAGE.name)
        clients = {"iam": self.iam, "sts": client("sts")[0]}
        connection = SimpleNamespace(
            bounded_client=lambda service, _seconds: clients[service], store_client=lambda service: clients[service]
        )
        self.setting: Any = SimpleNamespace(catalog=CATALOG, connection=connection)
        monkeypatch.setattr(temporary_credentials.session_denial, "caller", lambda _sts: Caller(self.own, ACCOUNT, AT))

    def denied(self) -> list[str]:
        """Roles with the policy, and the user."""
        roles = [
            item["RoleName"]
            for item in self.iam.list_roles()["Roles"]
            if POLICY in self.iam.list_role_policies(RoleName=item["RoleName"])["PolicyNames"]
        ]
        names = self.iam.list_user_policies(UserName=STORAGE.name)["PolicyNames"]
        return [*roles, *([STORAGE.name] if POLICY in names else [])]


@pytest.fixture
def world(moto: Callable[[str], tuple[Any, list[str]]], monkeypatch: pytest.MonkeyPatch) -> World:
    return World(moto, monkeypatch)


def test_they_are_denied_and_noted(world: World) -> None:
    result = temporary_credentials.deny(world.setting, [HOST, STORAGE])
    assert world.denied() == [HOST.name, STORAGE.name]
    before = ", issued before 2026-11-25T15:00:00Z"
    assert list(result.events) == [f"denied/{HOST}{before}", f"denied/{STORAGE}{before}"]
    assert temporary_credentials.denied_before(result.events, HOST) == "2026-11-25T15:00:00Z"
    assert not result.problems


def test_never_on_the_role_of_the_run(world: World) -> None:
    world.own = HOST
    result = temporary_credentials.deny(world.setting, [HOST, DEPLOY])
    assert world.denied() == [DEPLOY.name]
    assert not [event for event in result.events if HOST.name in event]


def test_a_refusal_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"Error": {"Code": "AccessDenied", "Message": "no"}}

    def refused(**_asked: Any) -> None:
        raise world.iam.exceptions.ClientError(error, "PutRolePolicy")

    monkeypatch.setattr(world.iam, "put_role_policy", refused)
    result = temporary_credentials.deny(world.setting, [HOST, role("gone"), STORAGE])
    assert world.denied() == [STORAGE.name]
    assert [text.partition(";")[0] for text in result.problems] == [
        f"temporary credentials of {item} were not denied: AWS denies iam:PutRolePolicy on {item}"
        for item in (HOST, "role gone")
    ]


def test_a_role_that_was_never_made_has_none(world: World) -> None:
    result = temporary_credentials.deny(world.setting, [role("gone")])
    assert (result.events, result.problems) == ({"absent/role gone": "it does not exist in IAM"}, [])


def plan(world: World, about: LeakedAccess, *, asked: bool, incident: Incident = INCIDENT) -> Any:
    args = {"compromised_hosts": list(about.compromised), "deny_sessions": asked}
    return temporary_credentials.plan_denials(
        world.setting, replace(incident, declared=tuple(about.declared)), about.impact, args
    )


def test_the_plan(world: World) -> None:
    about = access("deploy_ssh", "storage", "other")
    asked = plan(world, about, asked=True)
    unknown = {"other": "the catalog does not name the key's user (options.user)"}
    assert (asked.denied, asked.reasons) == ((str(HOST), str(STORAGE)), unknown)
    world.own = HOST
    asked = plan(world, about, asked=True)
    assert (asked.denied, asked.reasons) == ((str(STORAGE),), {str(HOST): "this run uses it", **unknown})
    not_asked = plan(world, about, asked=False)
    assert (not_asked.denied, not_asked.reasons) == ((), {str(HOST): "", str(STORAGE): "", **unknown})


def left(world: World, about: LeakedAccess, *, asked: bool, **events: str) -> tuple[list[str], list[str]]:
    return temporary_credentials.remaining(world.setting, with_events(**events), about, asked=asked)


def test_what_is_left_has_the_command(world: World) -> None:
    """Of a credential that works yet, nothing is said: it is open itself."""
    assert left(world, access("storage", "other"), asked=False) == ([], [])
    refused = {"refused__storage": "2026-11-25T15:00:00Z", "confirmed__other": "2026-11-25T15:00:00Z"}
    (line, other), failed = left(world, access("storage", "other"), asked=False, **refused)
    assert line.startswith("user shop-storage: if it is in use, an intruder may have temporary credentials ")
    assert ": aws iam put-user-policy --user-name shop-storage --policy-name AWSRevokeOlderSessions " in line
    assert other.startswith("other: temporary credentials that were issued with the leaked key before ")
    assert not failed


def test_what_the_run_was_asked_for_and_could_not_do_keeps_the_incident_open(world: World) -> None:
    about = access("other", declared=["host:web1", "github"])
    assert len(left(world, about, asked=False)[0]) == 2
    others, failed = left(world, about, asked=True)
    assert (others, len(failed)) == ([], 2)
    assert failed[0].endswith("}'. Then run the same command again without -e leak_deny_sessions=true")
    world.own = HOST
    others, failed = left(world, about, asked=True)
    assert (len(others), len(failed)) == (1, 1), "the run never denies its own role, so nobody waits for that"


def session(arn: str, at: datetime, who: str = f"arn:aws:iam::{ACCOUNT}:user/shop-storage") -> MadeWithKey:
    act = "AssumeRole" if arn.startswith("arn:") else arn
    return MadeWithKey(Made("session", f"ASIATHIEF of {arn}", "", key="ASIATHIEF"), at, "10.0.3.7", act, who)


EARLIER, LATER = AT.replace(hour=14), AT.replace(hour=16)
OF_HOST = f"arn:aws:iam::{ACCOUNT}:role/{HOST.name}"
ENDED = [session(OF_HOST, EARLIER), session("GetSessionToken", EARLIER)]
DENIED = {f"denied__{item}, issued before 2026-11-25T15:00:00Z": "2026-11-25T15:00:00Z" for item in (HOST, STORAGE)}


@pytest.mark.parametrize(
    ("item", "is_over"),
    [
        *((item, True) for item in ENDED),
        (session(OF_HOST, LATER), False),
        (session(OF_HOST.replace(ACCOUNT, "999999999999"), EARLIER), False),
        (session(f"arn:aws:iam::{ACCOUNT}:role/ops", EARLIER), False),
        (session("GetSessionToken", EARLIER, f"arn:aws:iam::{ACCOUNT}:user/dba"), False),
    ],
)
def test_a_session_in_cloudtrail_that_is_denied_is_no_foothold(
    item: MadeWithKey, is_over: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_credentials.aws_errors, "account_id", lambda _sts: ACCOUNT)
    key = MadeWithKey(Made("access key", "AKIA of user dba", ""), EARLIER, "10.0.3.7", "CreateAccessKey")
    result = temporary_credentials.separate_denied(world.setting, with_events(**DENIED), [key, item], asked=False)
    assert (result.made == [key], len(result.lines)) == (is_over, is_over)
    assert world.denied() == []


def test_a_session_of_a_role_that_the_catalog_did_not_explain_is_denied_then(world: World) -> None:
    """Such as of one that every user of the account may assume."""
    items = [session(f"arn:aws:iam::{ACCOUNT}:role/{DEPLOY.name}", EARLIER)]
    assert temporary_credentials.separate_denied(world.setting, INCIDENT, items, asked=False).made == items
    result = temporary_credentials.separate_denied(world.setting, INCIDENT, items, asked=True)
    assert (result.made, world.denied()) == ([], [DEPLOY.name])
    assert result.lines == [f"{items[0].made.name}, {items[0].when}: denied"]


def test_an_sts_that_does_not_answer_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_args: Any) -> None:
        raise NoAccess("AWS does not answer")

    monkeypatch.setattr(temporary_credentials.session_denial, "caller", silent)
    monkeypatch.setattr(temporary_credentials.aws_errors, "account_id", silent)
    about = access("storage", declared=["github"])
    assert plan(world, about, asked=True).denied == (str(DEPLOY), str(STORAGE))
    assert temporary_credentials.deny(world.setting, [DEPLOY]).problems
    assert world.denied() == []
    assert len(left(world, about, asked=True)[1]) == 1
    result = temporary_credentials.separate_denied(world.setting, with_events(**DENIED), ENDED, asked=True)
    problem = "whether temporary credentials are denied: AWS does not answer"
    assert (result.made, result.denial.problems) == (ENDED, [problem])


@pytest.mark.parametrize("asked", [True, False])
def test_first_of_all_and_again_before_the_next_wave(
    asked: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing new is made where somebody reads it."""
    calls: list[int] = []

    def deny(_setting: Any, principals: Sequence[Any]) -> DenialResult:
        calls.append(len(principals))
        events = {f"denied/{name}, issued before {len(calls)}": "" for name in principals}
        return DenialResult(events, problems=["no"] if len(calls) > 1 else [])

    monkeypatch.setattr(temporary_credentials, "deny", deny)
    leak = Leak()
    leak.declare("token")
    impact = {**IMPACT, "credentials": [{"name": "token", "kind": "ssh_key"}], "waves": [["token"], ["database"]]}
    about = {"waves": waves("token", "database"), "impact": impact, "report_path": str(tmp_path)}
    result = leak_steps.first(leak.run(leak.response("", **about, denies_sessions=asked)))
    assert calls == ([1] if asked else [])
    events = {"refused/token": "2126-11-25T15:00:00Z"}
    leak.setting.rotator.append(leak.setting.rotator.look(), leak.incident.id, "closed", events=events)
    _response, result = leak.following(Response.of(result["carried"]), ended("token"))
    assert result["wave"]["credentials"] == ["database"]
    assert calls == ([1, 1] if asked else [])
    assert leak.warnings == (["no"] if asked else [])
