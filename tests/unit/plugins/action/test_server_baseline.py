# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server is recorded once, and after that only what an operator accepts by its id becomes part of the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import server_baseline as action
from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from tests.unit.plugins.action.local_action import run_action

PLACE = "db:5432"
CATALOG = {"application": "shop", "settings": {"A": {"value": 1}}, "journal": {"s3": "bucket"}}


@dataclass
class Store:
    """In place of S3."""

    baseline: ServerBaseline | None = None
    writes: list[str] = field(default_factory=list)

    def read(self) -> tuple[ServerBaseline | None, str]:
        return self.baseline, str(len(self.writes))

    def replace(self, baseline: ServerBaseline, version: str) -> None:
        self.baseline = baseline
        self.writes.append(version)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(action.ActionModule, "_store", staticmethod(lambda *_: store))
    return store


def run(*roles: str, key: str = "key", kinds: tuple[str, ...] = ("role",), **args: Any) -> dict[str, Any]:
    servers = {PLACE: {"own": {"shop_a": "shop_a or _b"}, "unjudged": ""}, "managed:6379": {"unjudged": "by AWS"}}
    variables = {"info": {"parts": {"servers": servers}, "baseline_key": key}}
    entries = [server_baseline.entry_of("role", name, "", f"DROP ROLE {name}") for name in roles]
    answer = {PLACE: {"inventory": {"kinds": list(kinds), "entries": entries, "problems": []}}}
    options = {"catalog": CATALOG, "environment": "test", "info": "info", "servers": {"inspected": answer}, **args}
    return run_action(action.ActionModule, variables=variables, check=options.pop("check", False), **options)


def names(store: Store) -> list[str]:
    assert store.baseline is not None
    return sorted(name for _kind, name in store.baseline.sources[PLACE].entries)


def test_a_server_is_recorded_once(store: Store) -> None:
    result = run("app LOGIN", "dba LOGIN")
    assert (result["changed"], result["left"], names(store)) == (True, [], ["app LOGIN", "dba LOGIN"])
    assert "  dba LOGIN" in result["messages"], "the operator sees what was recorded"
    assert store.baseline is not None
    assert (store.baseline.key, store.baseline.sources[PLACE].own) == ("key", {"shop_a": "shop_a or _b"})
    assert not run("app LOGIN", "dba LOGIN")["changed"]
    assert len(store.writes) == 1


def test_what_is_not_accepted_stays_a_difference(store: Store) -> None:
    run("app LOGIN")
    result = run("app LOGIN", "thief LOGIN")
    assert (result["failed"], result["changed"], names(store)) == (True, False, ["app LOGIN"])
    assert result["left"][0]["undo"] == "DROP ROLE thief LOGIN"
    assert "1 difference is left" in result["msg"]


def test_what_is_accepted_is_kept_with_who_and_why(store: Store) -> None:
    run("app LOGIN", "old LOGIN")
    ids = {item["message"].split()[1]: item["id"] for item in run("app LOGIN", "thief LOGIN", "report LOGIN")["left"]}
    given = {"accept": [ids["report"], ids["old"]], "reason": "the data team"}
    result = run("app LOGIN", "thief LOGIN", "report LOGIN", **given)
    assert [item["id"] for item in result["left"]] == [ids["thief"]]
    assert names(store) == ["app LOGIN", "report LOGIN"]
    assert store.baseline is not None
    assert [(item.id, item.reason) for item in store.baseline.accepted] == [
        (ids["old"], "the data team"),
        (ids["report"], "the data team"),
    ]
    assert store.baseline.accepted[0].who.strip("@")


def test_all_that_is_different_can_be_accepted(store: Store) -> None:
    run("app LOGIN")
    assert not run("report LOGIN", accept=["all"], reason="moved").get("failed")
    assert names(store) == ["report LOGIN"]


def test_nothing_is_written_in_check_mode(store: Store) -> None:
    assert run("app LOGIN", check=True)["changed"]
    assert store.writes == []


def test_a_kind_that_could_not_be_read_before_is_recorded(store: Store) -> None:
    """Whoever closes a kind before the recording must not get its entries in unseen."""
    run("app LOGIN", kinds=("password",))
    messages = run("app LOGIN", kinds=("role", "password"))["messages"]
    assert messages == [
        f"{PLACE}: role: read and recorded for the first time. Check that each of these is yours:",
        "  role app LOGIN",
    ]
    assert names(store) == ["app LOGIN"]
    assert run("app LOGIN", kinds=("role", "password"))["messages"] == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"accept": ["0badcafe"]}, "the reason is missing; give it by -e baseline_reason"),
        ({"accept": ["0badcafe"], "reason": "x"}, "baseline_accept: 0badcafe is not the id of a present difference"),
        ({"key": "other"}, "another run recorded a baseline meanwhile"),
        ({"servers": {"msg": "the host is lost"}}, f"not recorded: {PLACE}: the host is lost"),
    ],
)
def test_what_is_refused(args: dict[str, Any], message: str, store: Store) -> None:
    run("app LOGIN")
    result = run("app LOGIN", **args)
    assert (result["failed"], message in result["msg"]) == (True, True), result
    assert len(store.writes) == 1


def test_stores_that_cannot_be_read(store: Store) -> None:
    variables = {"info": {"parts": {}, "absent": {"servers": "AWS denies it"}, "baseline_key": ""}}
    options = {"catalog": CATALOG, "environment": "test", "info": "info", "servers": {}}
    result = run_action(action.ActionModule, variables=variables, **options)
    assert result["msg"] == "nothing was recorded: AWS denies it"
    assert store.writes == []


def test_a_catalog_without_a_journal_has_no_place_for_it() -> None:
    catalog = {name: item for name, item in CATALOG.items() if name != "journal"}
    result = run("app LOGIN", catalog=catalog)
    assert "the catalog names no journal" in result["msg"]


ACCOUNT = "AWS account 123456789012"


def with_account(*users: str, unread: str = "", absent: dict[str, str] | None = None, **args: Any) -> dict[str, Any]:
    """A run of a catalog without servers, for an account with these users."""
    entries = [server_baseline.entry_of("user", name, "", f"aws iam delete-user --user-name {name}") for name in users]
    told = {"kinds": ["user"], "entries": entries, "problems": [], "unread": {"access key": unread} if unread else {}}
    parts = {} if absent else {"account_baseline": {"place": ACCOUNT, "inventory": {"place": ACCOUNT, **told}}}
    variables = {"info": {"parts": {"servers": {}, **parts}, "absent": absent or {}, "baseline_key": "key"}}
    options = {"catalog": CATALOG, "environment": "test", "info": "info", "servers": {}, **args}
    return run_action(action.ActionModule, variables=variables, **options)


def test_an_account_is_recorded_and_compared(store: Store) -> None:
    messages = with_account("alice", unread="AWS denies it")["messages"]
    assert messages[1:] == ["  alice", f"{ACCOUNT}: access key: not recorded: AWS denies it"]
    result = with_account("alice", "thief")
    assert (result["failed"], result["left"][0]["undo"]) == (True, "aws iam delete-user --user-name thief")
    accepted = with_account("alice", "thief", accept=[result["left"][0]["id"]], reason="new colleague")
    assert not accepted.get("failed")


@pytest.mark.parametrize(("part", "fails"), [("account_baseline", True), ("github_baseline", False)])
def test_what_could_not_be_read(part: str, fails: bool, store: Store) -> None:
    """Without a token for GitHub, an operator records the rest."""
    result = with_account(absent={part: "no access"})
    assert ("no access" in result.get("msg", ""), any("no access" in line for line in result["messages"])) == (
        fails,
        not fails,
    )
