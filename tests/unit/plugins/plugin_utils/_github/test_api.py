# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client against an API that opens what it is sent, over the same HTTP client that a run has."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub as Where
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Denied,
    NoAccess,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import api as github_api
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.api import GitHubStore, sealed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.http import Api
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.token import OpenUrl
from tests.integration.github_server import ID, OWNER, REPOSITORY, TOKEN, GitHub

VALUE = "canary-välue\nwith lines\n"
SCOPES = ("repository", "environment", "organization")


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = time.time(), list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        server.environment("production")
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(github: GitHub, clock: Clock | None = None, *, token: str = TOKEN, **over: Any) -> GitHubStore:
    clock = clock or Clock()
    where = replace(Where(REPOSITORY, "production", api_url=github.url), **over)
    api = Api(OpenUrl(), url=where.api_url, token=token, sleep=clock.sleep, clock=lambda: clock.now)
    return GitHubStore(api, where, seal=sealed)


def scope_of(github: GitHub, scope: str) -> Any:
    return {"repository": github.repository, "environment": github.environments["production"]}.get(
        scope, github.organization
    )


@pytest.mark.parametrize("scope", SCOPES)
def test_what_arrives_is_what_was_sent(github: GitHub, scope: str) -> None:
    store = client(github)
    first = store.put("secret", scope, "KEY", VALUE)
    second = store.put("secret", scope, "KEY", VALUE + "2")
    store.put("variable", scope, "PLACE", "first")
    store.put("variable", scope, "PLACE", "second")
    assert scope_of(github, scope).values == {"KEY": VALUE + "2", "PLACE": "second"}
    assert first < second == store.listed("secret", scope)["KEY"].updated_at
    assert store.listed("secret", scope)["KEY"].value is None
    assert store.listed("variable", scope)["PLACE"].value == "second"
    assert len([request for request in github.requests if request.path.endswith("public-key")]) == 1
    assert "canary" not in github.log()
    for kind, name in (("secret", "KEY"), ("variable", "PLACE")):
        store.delete(kind, scope, name)
        store.delete(kind, scope, name)
        assert store.listed(kind, scope) == {}


def test_every_page_is_read(github: GitHub) -> None:
    for number in range(123):
        github.put_by_hand(f"KEY_{number}", "v")
        github.repository.variables[f"V_{number}"] = github._stamped(f"V_{number}", "v", {})
    store = client(github)
    assert len(store.listed("secret", "repository")) == 123
    assert len(store.listed("variable", "repository")) == 123


def test_a_secret_of_the_organisation_keeps_its_other_repositories(github: GitHub) -> None:
    assert github.organization is not None
    held, store = github.organization.secrets, client(github)
    held["SHARED"] = github._stamped("SHARED", "old", {"visibility": "selected", "selected_repository_ids": [1, 2]})
    assert not store.listed("secret", "organization")["SHARED"].seen
    store.put("secret", "organization", "SHARED", VALUE)
    assert (held["SHARED"]["visibility"], held["SHARED"]["repositories"]) == ("selected", [1, 2, ID])
    assert store.listed("secret", "organization")["SHARED"].seen
    store.delete("secret", "organization", "SHARED")
    assert held["SHARED"]["repositories"] == [1, 2]

    held["ALL"] = github._stamped("ALL", "old", {"visibility": "all"})
    store.put("secret", "organization", "ALL", VALUE)
    assert held["ALL"]["visibility"] == "all"
    with pytest.raises(StoreError, match="shares secret ALL with all repositories; delete it there by hand"):
        store.delete("secret", "organization", "ALL")


def test_an_answer_that_is_lost_is_asked_for_again(github: GitHub, clock: Clock) -> None:
    github.lost = ["POST .*/variables$", "PUT .*/secrets/KEY"]
    store = client(github, clock)
    store.put("variable", "repository", "PLACE", "here")
    store.put("secret", "repository", "KEY", VALUE)
    assert github.repository.values == {"PLACE": "here", "KEY": VALUE}
    assert clock.slept == [1.0, 1.0]


def test_a_servers_failure_is_tried_again_and_then_reported(github: GitHub, clock: Clock) -> None:
    github.fails(502, times=3)
    assert client(github, clock).repository_id() == ID
    github.fails(503, times=4)
    with pytest.raises(
        NoAccess, match=r"gave no usable answer about repository example/watchparty after 4 tries \(503\)"
    ):
        client(github, clock).repository_id()


def test_nobody_listens(clock: Clock) -> None:
    with GitHub() as server:
        store = client(server, clock)
    with pytest.raises(NoAccess, match=r"after 4 tries \(.*[Rr]efused"):
        store.repository_id()


@pytest.mark.parametrize(
    ("headers", "waited"),
    [({"retry_after": "7"}, [7.0]), ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "+30"}, [31.0]), ({}, [60.0])],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_is_waited_for(
    github: GitHub, clock: Clock, status: int, headers: dict[str, str], waited: list[float]
) -> None:
    clock.now = float(int(clock.now))
    answer = {name: str(int(clock.now) + int(text)) if text[0] == "+" else text for name, text in headers.items()}
    github.fails(status, "You have exceeded a secondary rate limit", **answer)
    assert client(github, clock).repository_id() == ID
    assert clock.slept == waited


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            {"retry_after": "600"},
            r"is reached at repository example/watchparty for 600 s; run the same command again after that",
        ),
        (
            {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "4102444800"},
            "until 2100-01-01T00:00:00Z; run the same command again",
        ),
    ],
)
def test_a_long_one_is_reported_with_its_end(
    github: GitHub, clock: Clock, headers: dict[str, str], message: str
) -> None:
    github.fails(403, "API rate limit exceeded", **headers)
    with pytest.raises(NoAccess, match=message):
        client(github, clock).repository_id()
    assert clock.slept == []


def test_waits_end_together(github: GitHub, clock: Clock) -> None:
    github.fails(429, times=3, retry_after="25")
    with pytest.raises(NoAccess, match="for 25 s"):
        client(github, clock).repository_id()
    assert sum(clock.slept) == 50


def test_a_wrong_token(github: GitHub) -> None:
    with pytest.raises(
        NoAccess, match=r"rejects the token at secrets of repository .*give a valid one by GITHUB_TOKEN"
    ):
        client(github, token="wrong").listed("secret", "repository")


@pytest.mark.parametrize(
    ("scope", "headers", "message"),
    [
        ("repository", {}, "needs Secrets: write on the repository; a classic one needs the scope repo"),
        ("environment", {"x_accepted_github_permissions": "environments=write"}, "needs environments: write"),
        (
            "organization",
            {"x_oauth_scopes": "repo, gist", "x_accepted_oauth_scopes": "admin:org"},
            "the scope admin:org, and this token has repo, gist",
        ),
        ("organization", {"x_oauth_scopes": ""}, "the scope admin:org, and this token has none"),
    ],
)
def test_a_token_that_lacks_something(github: GitHub, scope: str, headers: dict[str, str], message: str) -> None:
    github.denied["PUT"] = {name.replace("_", "-"): text for name, text in headers.items()}
    with pytest.raises(Denied, match=re.escape(message)) as raised:
        client(github).put("secret", scope, "KEY", VALUE)
    assert "secret KEY of" in str(raised.value)
    assert "canary" not in str(raised.value)


def test_single_sign_on(github: GitHub) -> None:
    github.denied["GET"] = {"X-GitHub-SSO": "required; url=https://github.com/orgs/x/sso"}
    with pytest.raises(Denied, match="requires single sign-on at repository"):
        client(github).repository_id()


def test_what_does_not_exist(github: GitHub) -> None:
    missing = "does not exist at GitHub, or the token may not see it; correct the name"
    with pytest.raises(NotFound, match=f"repository example/other {missing}"):
        client(github, repository=f"{OWNER}/other").repository_id()
    with pytest.raises(NotFound, match=f"secrets of environment nowhere of repository example/watchparty {missing}"):
        client(github, environment="nowhere").listed("secret", "environment")
    github.organization = None
    with pytest.raises(NotFound, match=f"variables of organisation example {missing}"):
        client(github).listed("variable", "organization")


def test_a_repository_that_moved(github: GitHub) -> None:
    github.fails(301, "Moved Permanently", Location="https://elsewhere.example.com/")
    with pytest.raises(NotFound, match=r"was renamed or transferred; correct github\.repository"):
        client(github).repository_id()


def test_any_other_refusal_has_githubs_words(github: GitHub) -> None:
    github.fails(422, "Validation Failed")
    with pytest.raises(
        StoreError, match=r"refuses secrets of repository example/watchparty with HTTP 422 \(Validation Failed\)"
    ):
        client(github).listed("secret", "repository")


@pytest.mark.parametrize("kind", ["secret", "variable"])
def test_what_is_too_long_is_not_sent(github: GitHub, kind: str) -> None:
    store = client(github)
    store.put(kind, "repository", "FITS", "x" * github_api.VALUE_BYTES)
    before = len(github.requests)
    with pytest.raises(StoreError, match=f"{kind} LONG has 49,153 bytes and GitHub takes 49,152"):
        store.put(kind, "repository", "LONG", "x" * (github_api.VALUE_BYTES - 1) + "é")
    assert len(github.requests) == before


def test_a_token_is_sent_over_tls_only() -> None:
    for url in ("http://github.example.com/api/v3", "ftp://127.0.0.2"):
        with pytest.raises(StoreError, match="is not https, so no token was sent"):
            Api(OpenUrl(), url=url, token="t", sleep=time.sleep, clock=time.time)


def test_environments(github: GitHub) -> None:
    store = client(github, environment="new one/x")
    assert not store.has_environment()
    store.make_environment(["ann"])
    assert github.reviewers == {"new one/x": [{"type": "User", "id": len("/users/ann")}]}
    with pytest.raises(NotFound, match="repository example/other does not exist at GitHub"):
        client(github, repository=f"{OWNER}/other").has_environment()
    with pytest.raises(NotFound, match="reviewer example/nobody does not exist at GitHub"):
        store.make_environment(["example/nobody"])


def test_workflows(github: GitHub) -> None:
    store = client(github)
    assert store.workflows() == {}
    github.files = {".github/workflows/a.yml": "ä: 1\n", ".github/workflows/b.yaml": "b", ".github/workflows/c.md": "c"}
    assert store.workflows() == {".github/workflows/a.yml": "ä: 1\n", ".github/workflows/b.yaml": "b"}
    with pytest.raises(NotFound, match="repository example/other does not exist at GitHub"):
        client(github, repository=f"{OWNER}/other").workflows()


def test_pynacl_is_missing(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nacl", None)
    with pytest.raises(StoreError, match=r"PyNaCl is not installed.*pip install pynacl"):
        client(github).require_usable("secret", "repository")
