# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What GitHub is asked for a verification, at its stand-in, and every answer that tells nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Denied,
    NoAccess,
    NotFound,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_github
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.verify_lab import WORKFLOW
from tests.unit.plugins.plugin_utils._verify.test_collect_facts import CATALOG

FILE = ".github/workflows/deploy.yml"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    for name in ("GH_TOKEN", "GITHUB_TOKEN_FILE", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with GitHub() as server:
        server.files[FILE] = WORKFLOW
        yield server


def document(github: GitHub) -> dict[str, Any]:
    settings = {**CATALOG["settings"], "KEY": {"group": "core", "required": True, "github": "secret"}}
    return {**CATALOG, "settings": settings, "github": {"repository": REPOSITORY, "api_url": github.url}}


def held(github: GitHub) -> list[tuple[str, str]]:
    result = document(github)
    answer = collect_github.held(
        result, catalog_parser.parse(result, "test"), {"KEY": "canary-key", "TOKEN": "canary-token"}
    )
    assert "canary" not in json.dumps(answer)
    return [(row["state"], row["place"]) for row in answer["rows"]]


def deployed(github: GitHub) -> list[tuple[str, str]]:
    results = collect_github.deployed(catalog_parser.parse(document(github), "test"), "deploy.yml")
    return [(entry["state"], entry["message"]) for entry in results]


def test_missing_named_and_strange(github: GitHub) -> None:
    assert held(github) == [("fail", "secret KEY (repository)")]
    github.put_by_hand("KEY", "x")
    assert held(github) == []
    github.put_by_hand("STRANGE", "x")
    github.environment("test").secrets["ODD"] = {**github.repository.secrets["STRANGE"], "name": "ODD"}
    assert held(github) == [("fail", "secret ODD (environment)"), ("fail", "secret STRANGE (repository)")]
    assert all(request.method == "GET" for request in github.requests)


def test_the_last_run_that_ended(github: GitHub) -> None:
    with pytest.raises(NotFound, match=r"the runs of workflow deploy\.yml"):
        deployed(github)
    github.runs["deploy.yml"] = []
    with pytest.raises(SecretsError, match=r"no run of deploy\.yml has ended yet"):
        deployed(github)
    github.ran("deploy.yml", None, status="in_progress")
    with pytest.raises(SecretsError, match="has ended yet"):
        deployed(github)
    github.ran("deploy.yml", "success")
    github.ran("deploy.yml", None, status="in_progress")
    assert [state for state, _words in deployed(github)] == ["pass"]
    github.ran("deploy.yml", "timed_out")
    assert deployed(github) == [("fail", "ended at 2026-11-25T10:03:00Z: timed_out")]
    github.files[FILE] = "a: [\n"
    with pytest.raises(SecretsError, match="is not valid YAML in the commit that ran"):
        deployed(github)


def test_static_keys_of_the_commit_that_ran(github: GitHub) -> None:
    github.ran("deploy.yml", "success")
    github.files[FILE] = WORKFLOW.replace("env: {TOKEN", "env: {AWS_ACCESS_KEY_ID: '${{ secrets.KEY }}', TOKEN")
    assert [state for state, _words in deployed(github)] == ["fail", "pass"]
    assert any(f"ref={'a' * 40}" in request.path for request in github.requests)


def test_what_cannot_be_asked(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SecretsError, match="names no repository"):
        collect_github.deployed(catalog_parser.parse(CATALOG, "test"), "deploy.yml")
    github.denied["GET .*runs"] = {}
    with pytest.raises(Denied, match="Actions: read"):
        deployed(github)
    github.denied = {"GET .*/secrets": {}}
    with pytest.raises(Denied, match="denies secrets of"):
        held(github)
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(NoAccess, match="no token for GitHub"):
        held(github)


@pytest.mark.parametrize(
    ("status", "message", "headers"),
    [
        (401, "Bad credentials", {}),
        (403, "Resource not accessible by integration", {}),
        (403, "API rate limit exceeded", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}),
        (403, "You have exceeded a secondary rate limit", {"Retry-After": "3600"}),
        (404, "Not Found", {}),
        (429, "Too Many Requests", {"Retry-After": "3600"}),
        (451, "Unavailable for legal reasons", {}),
        (500, "Server Error", {}),
        (502, "Bad Gateway", {}),
        (503, "<html>proxy</html>", {}),
        (301, "Moved", {"Location": "https://evil.invalid/"}),
        (407, "Proxy Authentication Required", {}),
    ],
)
@pytest.mark.parametrize("at", ["secrets", "runs"])
def test_a_refusal_of_github_is_no_answer(
    github: GitHub, at: str, status: int, message: str, headers: dict[str, str]
) -> None:
    github.put_by_hand("KEY", "x")
    github.ran("deploy.yml", "success")
    github.fails(status, message, times=99, at=at, **headers)
    with pytest.raises(SecretsError) as error:
        held(github) if at == "secrets" else deployed(github)
    assert "canary" not in str(error.value)
    assert "evil" not in json.dumps([request.path for request in github.requests])
