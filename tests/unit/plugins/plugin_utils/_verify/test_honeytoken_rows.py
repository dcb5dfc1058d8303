# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which servers are asked about honeytokens, that nothing logs in with one, and what the answers come to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, Rotated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    previous_values,
    server_logins,
    server_logins_results,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions
from tests import planted
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts
from tests.unit.plugins.plugin_utils._verify.test_server_logins import CACHE, DATABASE, DOCUMENT, contents, credentials

SETTINGS = {name: {"group": "core", "type": "url"} for name in ("REPORTS_URL", "JOBS_URL")}
DECOYS = {
    "reports": {
        "kind": "postgresql_honeytoken",
        "admin": "database_admin",
        "options": {"user": "reports"},
        "appears_in": [{"setting": "REPORTS_URL"}],
    },
    "jobs": {
        "kind": "valkey_honeytoken",
        "admin": "cache_admin",
        "options": {"user": "jobs"},
        "appears_in": [{"setting": "JOBS_URL"}],
    },
}
NOW = {
    "REPORTS_URL": "postgresql://reports:canary-honeytoken@db.internal/reports",
    "JOBS_URL": "rediss://jobs:canary-honeytoken@cache.internal:6379/0",
}
BEFORE = {name: url.replace("canary-honeytoken", "canary-honeytoken-before") for name, url in NOW.items()}
UNUSED = {"exists": True, "rights": [], "open": [], "uses": 0, "since": ""}
QUIET = {"exists": False, "uses": 0, "last": "", "clients": [], "reach": 7200, "lost": False}
AT, EARLIER, LATER = "2026-11-25T10:00:00Z", "2026-11-25T09:00:00Z", "2026-11-25T11:00:00Z"
LEAKED = "secret:shop/test/core"
TRIED = {**QUIET, "uses": 2, "last": EARLIER, "clients": ["10.0.0.9"]}


def document(**over: Any) -> dict[str, Any]:
    settings = {**DOCUMENT["settings"], **SETTINGS}
    return {**DOCUMENT, "settings": settings, "credentials": {**credentials(), **DECOYS}, **over}


def versions(**rotated: Rotated) -> Versions:
    return Versions(contents(**NOW), contents(**BEFORE), replace(Journal(), rotated=rotated))


def asked(read: Versions | None = None, **over: Any) -> server_logins.Servers:
    return server_logins.plan_inspections(catalog_parser.parse(document(**over), "test"), read or versions())


def rows(name: str, report: dict[str, Any] | None, *problems: str, **rotated: Rotated) -> list[tuple[str, str, str]]:
    """State, message and target of one honeytoken's rows."""
    place = DATABASE if name == "reports" else CACHE
    answer = {"problems": list(problems), "honeytokens": {name: report} if report else {}}
    answer |= {"rights": {}, "listed": False, "unexplained": [], "inventory": {"kinds": [], "problems": []}}
    expected = {place: asked(versions(**rotated)).expected[place]}
    results = server_logins_results.merged(expected, {"inspected": {place: answer}})["honeytokens"]
    assert pasted_commands.of_rows("WPS1104", results) == []
    verify_facts.judged("WPS1104", servers={**verify_facts.parts()["servers"], "honeytokens": results})
    return [(row["state"], row["message"], row.get("target", "")) for row in results]


def test_no_run_logs_in_with_one() -> None:
    """Neither as the application does, nor with a previous value."""
    servers = asked()
    for entry in servers.inspections:
        assert "canary-honeytoken" not in json.dumps(entry)
    by_place = {entry["place"]: entry for entry in servers.inspections}
    assert by_place[DATABASE]["honeytokens"] == [{"credential": "reports", "user": "reports"}]
    assert by_place[CACHE]["honeytokens"] == [{"credential": "jobs", "user": "jobs"}]
    assert "reports" in by_place[DATABASE]["known"], "the login is declared"
    tries = previous_values.tries(catalog_parser.parse(document(), "test"), versions())
    assert "canary-honeytoken" not in str([item.data for item in tries])


def test_a_server_of_honeytokens_alone_is_asked_as_its_administrator() -> None:
    names = ("database_admin", "cache_admin", "replica")
    alone = {**DECOYS, **{name: item for name, item in credentials().items() if name in names}}
    by_place = {entry["place"]: entry for entry in asked(credentials=alone).inspections}
    assert {*by_place} == {DATABASE, CACHE}
    assert by_place[DATABASE]["logins"] == []
    assert "master:canary-master@" in by_place[DATABASE]["admin_url"]


FAILING: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a session with its login": (
        "reports",
        {**UNUSED, "uses": 2},
        "2 sessions in its database; somebody has read",
        LEAKED,
    ),
    "its login is gone": ("reports", {**UNUSED, "exists": False}, "does not exist; rotate it", "reports"),
    "its login has a right": ("reports", {**UNUSED, "rights": ["CREATEDB"]}, "has a right: CREATEDB", ""),
    "a database that its login may open": (
        "reports",
        {**UNUSED, "open": ["shop"]},
        "CONNECT on database shop, by PUBLIC",
        "",
    ),
    "a try of its user": ("jobs", TRIED, f"2 attempts to log in, last at {EARLIER} from 10.0.0.9; somebody", LEAKED),
    "its user exists": ("jobs", {**QUIET, "exists": True}, "user jobs at cache.internal:6379 exists", ""),
}


@planted.mistakes("Honeytokens at servers", planted.PROGRAM, checks="WPS1104")
@pytest.mark.parametrize(("name", "report", "message", "target"), FAILING.values(), ids=FAILING)
def test_what_a_use_comes_to(name: str, report: dict[str, Any], message: str, target: str) -> None:
    row = rows(name, report)[0]
    assert (row[0], message in row[1], row[2]) == ("fail", True, target), row


@pytest.mark.parametrize(
    ("name", "report", "state", "message"),
    [
        ("reports", UNUSED, "pass", "login reports at db.internal:5432: no session in its database"),
        ("reports", {"problem": "older than 15"}, "not checked", "db.internal:5432: older than 15"),
        ("jobs", QUIET, "pass", "no attempt to log in, in the 2 hours that its log covers"),
        ("jobs", {**QUIET, "lost": True}, "not checked", "covers only 120 minutes: raise acllog-max-len"),
        ("jobs", {**QUIET, "lost": True, "reach": 90000}, "pass", "in the 25 hours"),
        ("jobs", None, "not checked", "set rotation_host in the inventory"),
    ],
)
def test_what_an_answer_comes_to(name: str, report: dict[str, Any] | None, state: str, message: str) -> None:
    (row,) = rows(name, report)
    assert (row[0], message in row[1], row[2]) == (state, True, ""), row


def rotated(used: dict[str, Any], incident: str = "") -> Rotated:
    return Rotated(AT, "ops", "r1", incident, used=used)


def test_a_use_before_a_rotation_stays_a_finding_until_a_leak_response() -> None:
    noted = {"last": "3 sessions in its database", "uses": 3}
    read = "somebody has read a place where it is stored"
    before = f"was used before its rotation at {AT}: 3 sessions in its database; {read}"
    assert rows("reports", {**UNUSED, "uses": 3}, reports=rotated(noted))[0] == ("fail", before, LEAKED)
    (row,) = rows("reports", {**UNUSED, "uses": 5}, reports=rotated(noted))
    assert f"2 sessions in its database since {AT}" in row[1]
    assert rows("reports", {**UNUSED, "uses": 3}, reports=rotated(noted, "leak-1"))[0][0] == "pass"
    (row,) = rows("reports", {**UNUSED, "uses": 1}, reports=rotated(noted, "leak-1"))
    assert row[0] == "fail", "the count began again, as after a crash"
    assert rows("reports", {"problem": "silent"}, reports=rotated(noted))[0] == ("fail", before, LEAKED)


def test_a_try_before_a_leak_response_is_answered() -> None:
    assert rows("jobs", TRIED, jobs=rotated({}))[0][0] == "fail"
    assert rows("jobs", TRIED, jobs=rotated({}, "leak-1"))[0][0] == "pass"
    assert rows("jobs", {**TRIED, "last": LATER}, jobs=rotated({}, "leak-1"))[0][0] == "fail"


@pytest.mark.parametrize("over", [{"options": {}}, {"admin": "replica"}, {"admin": None}])
def test_a_honeytoken_needs_a_user_and_an_administrator_with_a_server(over: dict[str, Any]) -> None:
    decoy = {name: value for name, value in {**DECOYS["reports"], **over}.items() if value is not None}
    with pytest.raises(CatalogError, match=r"credentials.reports.(options.user: is required|admin: must name)"):
        catalog_parser.parse(document(credentials={**credentials(), "reports": decoy, "jobs": DECOYS["jobs"]}), "test")
