# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As evidence, servers are compared with their baseline before the first act; that may not hold it up."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import task_summaries
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    compared_servers,
    server_action,
    server_comparison,
)
from tests.unit.plugins.plugin_utils._rotation import test_compared_servers as world

CREDENTIALS = [{"name": name, "kind": "valkey_user"} for name in ("cache", "lonely")]
CREDENTIALS.append({"name": "root", "kind": "external"})
PASSWORD = "canary-of-the-administrator"


@pytest.fixture(autouse=True)
def logins(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"redis://admin:{PASSWORD}@cache:6379/0"
    monkeypatch.setattr(server_action, "present_login", lambda _setting, _name: (Login("shop", "own"), url))
    monkeypatch.setattr(server_action, "administrator", lambda *_names: (Login("admin", PASSWORD), url))


def lines(answer: Any, seconds: float = 30) -> list[str]:
    def execute(_program: Any, *, args: Any, **_about: Any) -> Any:
        (inspection,) = args["inspections"]
        assert inspection["inventory"] == compared_servers.request(world.setting(), "cache", ["shop"])
        if isinstance(answer, Exception):
            raise answer
        return answer

    server: Any = SimpleNamespace(execute=execute)
    connection = SimpleNamespace(reset=lambda: None)
    compared = server_comparison.compare(world.setting(), server, connection, CREDENTIALS, time.time() + seconds)
    return task_summaries.messages({"compared": compared})["evidence"]


def inspected(*users: str, **over: Any) -> dict[str, Any]:
    return {"inspected": {"cache": {"inventory": world.inventory(*users, **over), "problems": []}}}


REPORT = "report at cache:6379"
BEFORE = "cache: before the containment"
NOT_COMPARED = f"{BEFORE}: not compared with the baseline"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (inspected(REPORT), f"{BEFORE}: as in the baseline of 2026-11-29"),
        (
            inspected(REPORT, f"{PASSWORD}x"),
            f"{BEFORE}: possible foothold: user ********x is not in the baseline (on): ACL DELUSER ********x",
        ),
        (
            inspected(problems=["late"]),
            f"{BEFORE}: possible foothold: cache:6379: not compared with its baseline: late",
        ),
        ({"inspected": {}}, f"{NOT_COMPARED}: its server gave no answer"),
        (
            AnsibleConnectionFailure(f"took longer, {PASSWORD}"),
            f"{NOT_COMPARED}: took longer, ********",
        ),
    ],
)
def test_what_is_in_the_evidence(answer: Any, expected: str) -> None:
    assert lines(answer) == [expected]


@pytest.mark.parametrize(("kind", "port"), [("mysql_user", 3306), ("rabbitmq_user", 15671)])
def test_a_server_of_two_users_is_asked_by_its_administrator_alone(
    kind: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the declared address; of the application no login is sent."""
    engine, place = kind.partition("_")[0], f"db.internal:{port}"
    root = {**world.CREDENTIALS["root"], "server": {"address": "db.internal"}}
    shop = {"kind": kind, "admin": "root", "options": {"user": "shop"}, "appears_in": [{"setting": "URL"}]}
    document = {**world.BASE, "settings": world.SETTINGS, "credentials": {"shop": shop, "root": root}}
    given = world.setting()
    given.catalog = catalog_parser.parse(document, "test")
    given.known.baseline = [ServerBaseline("shop", "test", "canary-key", {place: world.SOURCE})]
    given.held = lambda credential: SimpleNamespace(login=Login(f"{credential.name}_a", PASSWORD))
    sent: list[Any] = []

    def execute(_program: Any, *, args: Any, **_about: Any) -> Any:
        sent.extend(args["inspections"])
        return {"inspected": {"shop": {"inventory": world.inventory(REPORT), "problems": []}}}

    server: Any = SimpleNamespace(execute=execute)
    admin_url = f"{engine}://admin:{PASSWORD}@{place}"
    monkeypatch.setattr(server_action, "administrator", lambda *_names: (Login("admin", PASSWORD), admin_url))
    connection = SimpleNamespace(reset=lambda: None)
    credentials = [{"name": "shop", "kind": kind}]
    (result,) = server_comparison.compare(given, server, connection, credentials, time.time() + 30)
    assert result == {"name": "shop", "baseline": "baseline of 2026-11-29", "footholds": []}
    (inspection,) = sent
    assert (inspection["server"], inspection["logins"], inspection["admin_url"]) == (engine, [], admin_url)
    assert (inspection["address"]["host"], inspection["address"]["port"]) == ("db.internal", port)
    assert set(inspection["inventory"]["own"]) >= {"shop_a", "shop_b"}


def test_without_time_no_server_is_asked() -> None:
    assert lines(AssertionError("asked"), seconds=0.5) == [f"{NOT_COMPARED}: {task_summaries.OVER}"]


def test_without_a_baseline_no_server_is_asked() -> None:
    given, server = world.setting(None), SimpleNamespace()
    assert server_comparison.compare(given, server, None, CREDENTIALS, time.time() + 30) == []  # type: ignore[arg-type]


def test_the_operator_reads_what_may_be_removed_before_the_confirmation() -> None:
    results = [
        {"name": "cache", "baseline": "baseline of 2026-11-29", "footholds": ["user thief: ACL DELUSER thief"]},
        {"name": "shop", "failed": True, "msg": "late"},
    ]
    assert server_comparison.lines(results) == ["possible foothold: cache: user thief: ACL DELUSER thief"]


LIST = "To list and accept differences: ansible-playbook watchparty.secrets.baseline"


def rotated(answer: Any, *names: str, given: Any = None, incident: str = "", step: str = "record") -> list[str]:
    """What the end of a rotation says."""

    def execute(_program: Any, *, args: Any, **_about: Any) -> Any:
        assert len(args["inspections"]) == 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    server: Any = SimpleNamespace(execute=execute)
    given = given or world.setting()
    given.chosen = lambda credentials: [given.catalog.credentials[name] for name in credentials]
    given.rotator.current = lambda places: [*places]
    held = given.held
    given.held = lambda credential: SimpleNamespace(login=held(credential).login, url="redis://cache:6379/0")
    rotation = {"incident": incident, "step": step, "credentials": [{"name": name} for name in names]}
    return server_comparison.rotated(given, server, rotation)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (inspected(REPORT), "as in the baseline of 2026-11-29"),
        (
            inspected(REPORT, "thief", "other"),
            "not as in the baseline: user other is not in the baseline (on): ACL DELUSER other (and 1 more). " + LIST,
        ),
        (AnsibleActionFail(f"a bad option, {PASSWORD}"), "not compared with the baseline: a bad option, ********"),
    ],
)
def test_the_end_of_a_rotation(answer: Any, expected: str) -> None:
    """What is unexplained is named, whatever fails stops nothing, and the baseline stays as it is."""
    assert rotated(answer, "cache", "root") == [f"cache: {expected}"]


def test_of_several_credentials_in_one_database_the_first_is_asked() -> None:
    given = world.setting()
    twin = replace(given.catalog.credentials["cache"], name="twin")
    given.catalog = replace(given.catalog, credentials={**given.catalog.credentials, "twin": twin})
    given.held = lambda _credential: SimpleNamespace(login=Login("shop", "x"))
    assert rotated(inspected(REPORT), "cache", "twin", given=given) == ["cache: as in the baseline of 2026-11-29"]


def test_the_end_of_a_rotation_without_a_baseline() -> None:
    assert rotated(AssertionError("asked"), "cache", given=world.setting(None)) == []


def test_a_credential_that_was_deleted_from_the_catalog_meanwhile() -> None:
    assert rotated(inspected(REPORT), "gone", "cache") == ["cache: as in the baseline of 2026-11-29"]


@pytest.mark.parametrize("about", [{"incident": "leak-1"}, {"step": "discard"}])
def test_a_leak_response_and_a_rollback_compare_nothing_here(about: dict[str, str]) -> None:
    assert rotated(AssertionError("asked"), "cache", **about) == []


def test_what_cannot_be_read_keeps_no_other_from_being_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    given = world.setting(unreadable="lonely")
    given.catalog = replace(given.catalog, credentials={**given.catalog.credentials})
    given.catalog.credentials["lonely"] = replace(given.catalog.credentials["lonely"], admin="root")
    url = f"redis://admin:{PASSWORD}@cache:6379/0"

    def present(_setting: Any, name: str) -> Any:
        if name == "lonely":
            raise SecretsError("no access")
        return Login("shop", "own"), url

    monkeypatch.setattr(server_action, "present_login", present)
    assert rotated(inspected(REPORT), "lonely", "cache", given=given) == [
        "lonely: not compared with the baseline: no access",
        "cache: as in the baseline of 2026-11-29",
    ]
