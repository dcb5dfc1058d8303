# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is missing at GitHub, what nobody names, and how the last deploy ended."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import state as github_state
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import (
    SECRET,
    VARIABLE,
    GithubTarget,
    PresentEntry,
)

DOCUMENT: dict[str, Any] = {
    "application": "app",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/app/audit"},
    "github": {"repository": "example/app"},
    "settings": {
        "KEY": {"group": "core", "required": True, "github": "secret"},
        "TOKEN": {"group": "core", "github": "secret", "github_scope": "organization"},
        "MODE": {"group": "core", "github": "variable", "sensitivity": "low"},
        "LIMIT_*": {"parameter": "Limits/LIMIT_*", "github": "variable", "sensitivity": "low"},
        "SERVER": {"inventory": "ansible_host", "github": "secret"},
    },
    "environments": {"production": {}, "staging": {"github": {"scope": "environment"}}},
}
AT = PresentEntry("2026-11-25T10:00:00Z")
VALUED = {"KEY": "x", "TOKEN": "x", "MODE": "x", "LIMIT_A": "1"}
EVERY = {
    GithubTarget(SECRET, "repository", "KEY"): AT,
    GithubTarget(SECRET, "organization", "TOKEN"): AT,
    GithubTarget(VARIABLE, "repository", "MODE"): AT,
    GithubTarget(VARIABLE, "repository", "LIMIT_A"): AT,
    GithubTarget(SECRET, "repository", "SERVER"): AT,
}


def rows(there: dict[GithubTarget, PresentEntry], valued: dict[str, str] | None = VALUED) -> list[tuple[str, str, str]]:
    catalogs = [catalog_parser.parse(DOCUMENT, name) for name in ("production", "staging")]
    return [
        (entry["state"], entry["place"], entry["message"])
        for entry in github_state.missing_or_unnamed(catalogs, there, valued)
    ]


def without(name: str) -> dict[GithubTarget, PresentEntry]:
    return {target: there for target, there in EVERY.items() if target.name != name}


def test_all_of_it() -> None:
    assert rows(EVERY) == []


@pytest.mark.parametrize("name", ["KEY", "TOKEN", "MODE", "LIMIT_A", "SERVER"])
def test_one_that_is_missing(name: str) -> None:
    ((state, place, message),) = rows(without(name))
    assert (state, name in place) == ("fail", True)
    assert "watchparty.secrets.github_sync sends it" in message


def test_one_without_a_value_is_not_missed() -> None:
    assert rows(without("MODE"), {name: text for name, text in VALUED.items() if name != "MODE"}) == []


def test_without_the_stores_it_cannot_be_determined() -> None:
    ((state, place, _words),) = rows(without("MODE"), None)
    assert (state, place) == ("not checked", "variable MODE (repository)")
    assert rows(without("KEY"), None)[0][0] == "fail", "what is required is missed in any case"


def test_what_is_not_shared() -> None:
    ((_state, place, message),) = rows({**EVERY, GithubTarget(SECRET, "organization", "TOKEN"): AT.unseen()})
    assert (place, message) == (
        "secret TOKEN (organization)",
        "the organisation does not share it with the repository",
    )


def test_what_nobody_names() -> None:
    theres = {
        GithubTarget(SECRET, "repository", "OLD"): AT,
        GithubTarget(SECRET, "environment", "KEY"): AT,  # staging's
        GithubTarget(SECRET, "organization", "OTHERS"): AT,
        GithubTarget(VARIABLE, "repository", "AWS_ROLE_TO_ASSUME"): AT,
        GithubTarget(VARIABLE, "repository", "LIMIT_B"): AT,
    }
    assert rows({**EVERY, **theres}) == [
        ("fail", "secret OLD (repository)", "not in the catalog; written at 2026-11-25T10:00:00Z")
    ]


@pytest.mark.parametrize(("scope", "more"), [("repository", ""), ("environment", " --env 'a {b} c'")])
def test_what_nobody_names_is_deleted_by_a_command(scope: str, more: str) -> None:
    document = {**DOCUMENT, "github": {"repository": "example/app", "environment": "a {b} c"}}
    catalog = catalog_parser.parse(document, "production")
    entries = github_state.missing_or_unnamed([catalog], {GithubTarget(SECRET, scope, "OLD"): AT}, {})
    (command,) = [entry["command"] for entry in entries if "command" in entry]
    assert command.format() == f"gh secret delete OLD --repo example/app{more}"


RUN = {"id": 7, "conclusion": "success", "created_at": "2026-11-25T10:00:00Z"}
STATIC = {"kind": "static-key", "line": 3, "message": "AWS_ACCESS_KEY_ID is set, from a secret"}


@pytest.mark.parametrize(
    ("conclusion", "state", "message"),
    [
        ("success", "pass", "succeeded at 2026-11-25T10:00:00Z"),
        ("failure", "fail", "ended at 2026-11-25T10:00:00Z: failure"),
        ("cancelled", "fail", "ended at 2026-11-25T10:00:00Z: cancelled"),
        (None, "fail", "ended at 2026-11-25T10:00:00Z: no result"),
    ],
)
def test_how_the_last_deploy_ended(conclusion: str | None, state: str, message: str) -> None:
    unpinned = {"kind": "unpinned", "line": 1, "message": "x"}
    (row,) = github_state.deploy({**RUN, "conclusion": conclusion}, [unpinned], "deploy.yml")
    target = {"target": "7"} if state == "fail" else {}
    assert row == {"state": state, "place": "run 7 of deploy.yml", "message": message, **target}


def test_a_static_key_in_it() -> None:
    first, second = github_state.deploy(RUN, [STATIC], "deploy.yml")
    assert (first["state"], first["place"], second["state"]) == ("fail", "run 7 of deploy.yml:3", "pass")
