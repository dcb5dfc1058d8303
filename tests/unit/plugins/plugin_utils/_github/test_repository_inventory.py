# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an attacker adds to a repository differs from its baseline, and what our own runs write does not."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub as Where
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import repository_inventory
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.http import Api
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.token import OpenUrl
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import baseline_rows
from tests import planted
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.unit.plugins.plugin_utils._verify import verify_facts

HOOK = {"id": 7, "active": True, "events": ["push"], "config": {"url": "https://ci.example/canary-hook-token"}}
KEY = {"id": 5, "title": "ci", "read_only": True, "created_at": "2026-11-01T00:00:00Z", "key": "ssh-ed25519 canary-key"}
PERSON = {"login": "alice", "role_name": "admin"}
RUNNER = {"id": 3, "name": "build", "labels": [{"name": "linux"}]}
REVIEW = {"id": 1, "type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"login": "alice"}}]}
INVITED = {"id": 11, "invitee": {"login": "carol"}, "permissions": "read", "created_at": "2026-11-01T00:00:00Z"}
POLICY = {"id": 21, "name": "main", "type": "branch"}
CUSTOM = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
RULES = {"protection_rules": [REVIEW], "deployment_branch_policy": {"protected_branches": True}}


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        server.environment("production")
        server.protection["production"] = RULES
        server.items = {"keys": [KEY], "hooks": [HOOK], "collaborators": [PERSON], "runners": [RUNNER]}
        server.environment("a/b")
        server.protection["a/b"] = CUSTOM
        server.items |= {"invitations": [INVITED], "a/b": [POLICY]}
        server.put_by_hand("DEPLOY_TOKEN", "canary-value")
        yield server


def inventory(github: GitHub) -> dict[str, Any]:
    settings = {"SENT": {"group": "core", "github": "secret"}}
    document = {"application": "shop", "settings": settings, "github": {"repository": REPOSITORY}}
    where = Where(REPOSITORY, "production", api_url=github.url)
    api = Api(OpenUrl(), url=github.url, token=TOKEN, sleep=lambda _seconds: None, clock=lambda: 0.0)
    return repository_inventory.inventory(api, catalog_parser.parse(document, "test"), where, "digest-key")


def recorded(github: GitHub) -> Callable[[], list[ServerDifference]]:
    before = server_baseline.reading_of(inventory(github))
    source = RecordedServer("2026-11-29T00:00:00Z", "op", before.kinds, before.entries)

    def differences() -> list[ServerDifference]:
        now = inventory(github)
        assert "canary" not in json.dumps(now), "names, ids and digests alone"
        rows = baseline_rows.differences(now["place"], source, now, "entries")
        verify_facts.judged("WPS510", github_baseline={"rows": [*rows]})
        return server_baseline.compare(now["place"], source, server_baseline.reading_of(now))

    return differences


DELETE = f"gh api -X DELETE repos/{REPOSITORY}"
PLANTED: dict[str, tuple[Callable[[GitHub], Any], str, str]] = {
    "a deploy key": (
        lambda g: g.items["keys"].append({**KEY, "id": 9, "read_only": False}),
        "deploy key 9 is not in the baseline (ci, may write, created 2026-11-01",
        f"{DELETE}/keys/9",
    ),
    "a webhook": (
        lambda g: g.items["hooks"].append({**HOOK, "id": 9, "config": {"url": "https://thief.example/x"}}),
        "webhook 9 is not in the baseline (to thief.example, active, push",
        f"{DELETE}/hooks/9",
    ),
    "another address of a webhook": (
        lambda g: g.items.update(hooks=[{**HOOK, "config": {"url": "https://thief.example/x"}}]),
        "webhook 7 is not as in the baseline: to thief.example",
        "",
    ),
    "a runner": (
        lambda g: g.items["runners"].append({**RUNNER, "id": 4, "name": "thief"}),
        "self-hosted runner 4 thief is not in the baseline",
        f"{DELETE}/actions/runners/4",
    ),
    "a collaborator": (
        lambda g: g.items["collaborators"].append({"login": "thief", "role_name": "write"}),
        "collaborator thief is not in the baseline (write)",
        f"{DELETE}/collaborators/thief",
    ),
    "more rights of a collaborator": (
        lambda g: g.items.update(collaborators=[{**PERSON, "role_name": "maintain"}]),
        "collaborator alice is not as in the baseline: maintain, was admin",
        "",
    ),
    "an invitation": (
        lambda g: g.items["invitations"].append({**INVITED, "id": 12, "invitee": {"login": "thief"}}),
        "invitation of thief is not in the baseline (read, created 2026-11-01",
        f"{DELETE}/invitations/12",
    ),
    "an invitation by mail": (
        lambda g: g.items["invitations"].append({**INVITED, "id": 12, "invitee": None, "email": "t@thief.example"}),
        "invitation of t@thief.example is not in the baseline",
        f"{DELETE}/invitations/12",
    ),
    "more rights of an invitation": (
        lambda g: g.items.update(invitations=[{**INVITED, "permissions": "admin"}]),
        "invitation of carol is not as in the baseline: admin",
        "",
    ),
    "a branch that may deploy": (
        lambda g: g.items["a/b"].append({**POLICY, "id": 22, "name": "thief*"}),
        "deployment branch policy thief* of environment a/b is not in the baseline (branch)",
        f"{DELETE}/environments/a%2Fb/deployment-branch-policies/22",
    ),
    "a tag that may deploy": (
        lambda g: g.items.update({"a/b": [{**POLICY, "type": "tag"}]}),
        "deployment branch policy main of environment a/b is not as in the baseline: tag",
        "",
    ),
    "an environment without its protection": (
        lambda g: g.protection.update(production={**RULES, "protection_rules": []}),
        "environment production is not as in the baseline: not protected",
        "",
    ),
    "another reviewer": (
        lambda g: g.protection.update(
            production={**RULES, "protection_rules": [{**REVIEW, "reviewers": [{"reviewer": {"login": "thief"}}]}]}
        ),
        "environment production is not as in the baseline: required_reviewers thief",
        "",
    ),
    "any branch may deploy": (
        lambda g: g.protection.update(production={**RULES, "deployment_branch_policy": None}),
        "environment production is not as in the baseline",
        "",
    ),
    "a secret": (
        lambda g: g.put_by_hand("THIEF", "canary"),
        "Actions secret THIEF of the repository is not in the baseline (written ",
        f"{DELETE}/actions/secrets/THIEF",
    ),
    "a secret that was overwritten": (
        lambda g: g.put_by_hand("DEPLOY_TOKEN", "canary-2"),
        "Actions secret DEPLOY_TOKEN of the repository is not as in the baseline: written",
        "",
    ),
    "a secret of the environment": (
        lambda g: g.put_by_hand("THIEF", "canary", g.environments["production"]),
        "Actions secret THIEF of the environment is not in the baseline",
        f"{DELETE}/environments/production/secrets/THIEF",
    ),
}


@planted.mistakes("The repository at GitHub has what its baseline has not", planted.GITHUB, checks="WPS510")
@pytest.mark.parametrize("name", PLANTED)
def test_what_an_attacker_adds_is_named_with_its_removal(name: str, github: GitHub) -> None:
    differences = recorded(github)
    plant, message, undo = PLANTED[name]
    plant(github)
    (difference,) = differences()
    assert (message in difference.message, difference.undo) == (True, undo), difference
    if undo.partition("secrets/")[2]:  # which the stand-in deletes
        headers = {"Authorization": f"Bearer {TOKEN}"}
        path = undo.removeprefix("gh api -X DELETE ")
        urllib.request.urlopen(urllib.request.Request(f"{github.url}/{path}", headers=headers, method="DELETE"))
        assert differences() == []


def test_ordinary_operations_are_no_difference(github: GitHub) -> None:
    """What synchronising writes, a rule that was made again, a list in another order."""
    github.put_by_hand("SENT", "canary")
    github.items["collaborators"].append({"login": "bob", "role_name": "read"})
    differences = recorded(github)
    github.put_by_hand("SENT", "canary-2")
    github.protection["production"] = {**RULES, "protection_rules": [{**REVIEW, "id": 2, "node_id": "x"}]}
    github.items["collaborators"].reverse()
    assert differences() == []


def test_every_page_is_read(github: GitHub) -> None:
    github.items["keys"] = [{**KEY, "id": number} for number in range(200)]
    names = [entry["name"] for entry in inventory(github)["entries"] if entry["kind"] == "deploy key"]
    assert len(names) == len({*names}) == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/hooks", "webhook"),
        ("/actions/runners", "self-hosted runner"),
        ("/invitations", "invitation"),
        ("/deployment-branch-policies", "deployment branch policy"),
    ],
)
def test_what_the_token_may_not_read_is_said(path: str, kind: str, github: GitHub) -> None:
    differences = recorded(github)
    github.denied[path] = {}
    now = inventory(github)
    assert {*now["unread"]} == {kind}
    assert kind not in now["kinds"]
    assert differences() == []


def test_an_answer_that_is_no_list(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Api, "get", lambda *_: {"message": "odd"})
    with pytest.raises(StoreError, match="does not come from GitHub's API"):
        inventory(github)
