# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is sent to GitHub, recorded and pruned: AWS's stand-in in this process, GitHub's on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.action import github_actions_secrets as action
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    Conflict,
    JournalError,
    NoAccess,
    NotFound,
    Overtaken,
    SecretsError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.sent import SentStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub

REGION, CORE, RECORDS = "eu-west-3", "app/test/core", "/app-journal/test-github"
URL = "postgresql://app:canary-database@db.example.com/app"
HOSTS = {"web1": {"ansible_host": "10.0.0.1", "dir": "/srv"}, "web2": {"ansible_host": "10.0.0.2", "dir": "/srv"}}


class Lab:
    """One catalog, its stores and its repository."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.hosts: dict[str, Any] = {name: dict(one) for name, one in HOSTS.items()}
        self.document: dict[str, Any] = {
            "application": "app",
            "github": {"repository": REPOSITORY, "api_url": github.url, "environment": "prod"},
            "settings": {
                "KEY": {"group": "core", "github": "secret"},
                "URL": {"group": "core", "type": "url", "github": "secret"},
                "COUNT": {"parameter": "COUNT", "sensitivity": "low", "github": "variable"},
                "PLAIN": {"value": "plain", "github": "secret"},
                "HOST": {"inventory": "ansible_host", "github": "secret"},
                "OTHER": {"group": "core"},
            },
            "credentials": {"deploy": {"kind": "external", "appears_in": [{"github": "DEPLOY"}]}},
        }
        self.secrets = boto3.client("secretsmanager", region_name=REGION)
        self.ssm = boto3.client("ssm", region_name=REGION)
        content = {"KEY": "canary-key-1", "URL": URL, "OTHER": "canary-other"}
        self.secrets.create_secret(Name=CORE, SecretString=json.dumps(content))
        self.ssm.put_parameter(Name="/app/test/COUNT", Type="String", Value="1")

    def setting(self, name: str, **over: Any) -> None:
        self.document["settings"][name] = {**self.document["settings"].get(name, {}), **over}

    def put(self, **keys: str) -> None:
        content = {**json.loads(self.secrets.get_secret_value(SecretId=CORE)["SecretString"]), **keys}
        self.secrets.put_secret_value(SecretId=CORE, SecretString=json.dumps(content))

    def run(self, *, check: bool = False, answers: dict[str, str] | None = None, **args: Any) -> dict[str, Any]:
        made = action.ActionModule.__new__(action.ActionModule)
        made._task = SimpleNamespace(check_mode=check)
        specs = {**aws_argument_spec(), **action.OPTIONS}
        options = {name: one.get("default") for name, one in specs.items()}
        own = {"catalog": self.document, "environment": "test", "region": REGION, "hosts": list(self.hosts)}
        variables = {"hostvars": self.hosts, "asked": {"answers": answers or {}}}
        found: dict[str, Any] = made._synced({**options, **own, **args}, variables)
        assert "canary" not in json.dumps(found), "a value is in the result"
        assert "canary" not in json.dumps(self.records()), "a value is in the records"
        assert "canary" not in self.github.log(), "a value was sent unsealed"
        return found

    def settle(self) -> None:
        """Everything is sent, and a second run says so."""
        self.run(answers={"DEPLOY": "canary-deploy"}, values_from="asked")
        assert self.run()["changed"] is False

    def records(self) -> dict[str, Any]:
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=RECORDS, Recursive=True)
        found = {one["Name"].removeprefix(RECORDS): one["Value"] for page in pages for one in page["Parameters"]}
        return {name: json.loads(text) for name, text in found.items()}

    def why(self, found: dict[str, Any], name: str) -> tuple[str, str]:
        (one,) = [one for one in found["plan"] if one["name"] == name]
        return one["act"], one["why"]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "GH_TOKEN", "GITHUB_TOKEN_FILE", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with mock_aws(), GitHub() as github:
        made = Lab(github)
        clients = {"secretsmanager": made.secrets, "ssm": made.ssm}
        # Making a client takes longer than all that a test does with it.
        monkeypatch.setattr(AwsConnection, "store_client", lambda _self, service: clients[service])
        yield made


def test_first_everything_then_nothing(lab: Lab) -> None:
    planned = lab.run(check=True)
    assert lab.github.writes() == []
    assert lab.records() == {}
    first = lab.run()
    assert {**planned, "words": []} == {**first, "words": []}
    assert first["sent"] == ["HOST", "KEY", "PLAIN", "URL", "COUNT"]
    assert first["missing"] == ["DEPLOY"]
    assert lab.why(first, "DEPLOY") == ("missing", "no store holds it: give its value, and GitHub has none either")
    assert first["words"][:2] == [f"{REPOSITORY}: 0 unchanged", "sent: HOST, KEY, PLAIN, URL, COUNT"]
    assert "HOST: ansible_host differs among the hosts, and that of the first one, web1, is taken" in first["words"][2]
    held = {"HOST": "10.0.0.1", "KEY": "canary-key-1", "PLAIN": "plain", "URL": URL, "COUNT": "1"}
    assert lab.github.repository.values == held
    records = lab.records()
    version = lab.secrets.describe_secret(SecretId=CORE)["VersionIdsToStages"]
    assert records["/repository/secret/KEY"]["identity"] == f"secret {CORE} key KEY@{next(iter(version))}"
    assert records["/repository/variable/COUNT"]["identity"] == "parameter /app/test/COUNT@1"
    assert records["/repository/secret/HOST"]["identity"] == "value 10.0.0.1"

    before = lab.github.writes()
    again = lab.run()
    assert (again["changed"], again["sent"], lab.github.writes(), lab.records()) == (False, [], before, records)


def test_what_changed_in_a_store_is_sent(lab: Lab) -> None:
    lab.settle()
    lab.put(KEY="canary-key-2")
    lab.ssm.put_parameter(Name="/app/test/COUNT", Type="String", Value="2", Overwrite=True)
    lab.hosts["web1"]["ansible_host"] = "10.0.0.9"
    lab.setting("PLAIN", value="plainer")
    found = lab.run()
    assert found["sent"] == ["HOST", "KEY", "PLAIN", "COUNT"]
    assert lab.why(found, "KEY") == ("send", f"secret {CORE} key KEY has changed")
    # The same secret's new version, and the same value in it.
    assert lab.why(found, "URL") == ("note", "GitHub holds the value, and an older version is recorded")
    assert lab.why(found, "COUNT") == ("send", "GitHub holds another value than parameter /app/test/COUNT")
    held = lab.github.repository.values
    assert (held["KEY"], held["COUNT"], held["HOST"]) == ("canary-key-2", "2", "10.0.0.9")
    assert lab.run()["changed"] is False


def test_a_former_version_that_is_gone_tells_nothing(lab: Lab) -> None:
    lab.settle()
    name = "/repository/secret/URL"
    record = {**lab.records()[name], "identity": f"secret {CORE} key URL@{'0' * 32}"}
    lab.ssm.put_parameter(Name=RECORDS + name, Type="String", Value=json.dumps(record), Overwrite=True)
    assert lab.why(lab.run(), "URL") == ("send", f"secret {CORE} key URL has changed")


def test_what_somebody_deleted_or_changed_at_github_is_sent_again_and_named(lab: Lab) -> None:
    lab.settle()
    repository = lab.github.repository
    del repository.secrets["KEY"]
    lab.github.put_by_hand("URL", "canary-theirs")
    repository.variables["COUNT"] = lab.github._stamped("COUNT", "theirs", {})
    found = lab.run()
    assert found["sent"] == ["KEY", "URL", "COUNT"]
    assert lab.why(found, "KEY")[1] == "was sent once, and somebody deleted it"
    assert lab.why(found, "URL")[1].startswith("somebody changed it at 2026-11-25T")
    assert [one.partition(":")[0] for one in found["words"][2:5]] == [
        "secret KEY (repository)",
        "secret URL (repository)",
        "variable COUNT (repository)",
    ]
    assert (repository.values["KEY"], repository.values["URL"], repository.values["COUNT"]) == (
        "canary-key-1",
        URL,
        "1",
    )
    assert lab.run()["changed"] is False


def test_what_somebody_else_made_is_taken_over_and_named(lab: Lab) -> None:
    lab.github.put_by_hand("KEY", "canary-theirs")
    lab.github.repository.variables["COUNT"] = lab.github._stamped("COUNT", "1", {})
    found = lab.run()
    assert lab.why(found, "KEY")[1].startswith("somebody else made it at")
    assert lab.why(found, "COUNT") == ("note", "GitHub holds the value, and nothing is recorded")
    assert lab.github.repository.values["KEY"] == "canary-key-1"
    assert "/repository/variable/COUNT" in lab.records()


def test_killed_between_sending_and_recording_it_is_sent_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.settle()
    lab.put(KEY="canary-key-2")
    with monkeypatch.context() as patched:
        patched.setattr(SentStore, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            lab.run()
    assert lab.github.repository.values["KEY"] == "canary-key-2"
    assert lab.why(lab.run(), "KEY")[1].endswith("or its sending was cut short")
    assert lab.run()["changed"] is False


def test_a_value_that_may_not_be_written_down_is_sent_each_time(lab: Lab) -> None:
    lab.setting("HOST", sensitivity="medium")
    lab.run()
    found = lab.run()
    assert found["sent"] == ["HOST"]
    assert "nothing may be recorded that tells whether variable ansible_host" in lab.why(found, "HOST")[1]
    assert lab.records()["/repository/secret/HOST"]["identity"] == ""
    lab.setting("HOST", github="variable")
    lab.run()
    assert lab.run()["sent"] == []


def test_what_only_github_holds(lab: Lab) -> None:
    lab.run(answers={"DEPLOY": "canary-deploy"}, values_from="asked")
    assert lab.github.repository.values["DEPLOY"] == "canary-deploy"
    found = lab.run()
    assert lab.why(found, "DEPLOY") == (
        "keep",
        "no store holds it: give its value, so what GitHub holds is left as it is",
    )
    assert lab.run(answers={"DEPLOY": "canary-next"}, values_from="asked", names=["deploy"])["sent"] == ["DEPLOY"]
    with pytest.raises(
        StoreError, match=f"KEY: a value was given, and it comes from secret {CORE} key KEY; change it there"
    ):
        lab.run(answers={"KEY": "canary-x"}, values_from="asked")
    with pytest.raises(StoreError, match="OTHER: a value was given, and the catalog mirrors no such name"):
        lab.run(answers={"OTHER": "canary-x"}, values_from="asked")


def test_a_password_under_a_name_of_its_own(lab: Lab) -> None:
    lab.document["credentials"]["database"] = {
        "kind": "external",
        "appears_in": [{"setting": "URL"}, {"secret": "app/{environment}/more", "key": "p"}, {"github": "DB_PASSWORD"}],
    }
    lab.secrets.create_secret(Name="app/test/more", SecretString='{"p": "canary-database"}')
    lab.run()
    assert lab.github.repository.values["DB_PASSWORD"] == "canary-database"
    identity = lab.records()["/repository/secret/DB_PASSWORD"]["identity"]
    assert [one.partition("@")[0] for one in identity.split("; ")] == [
        f"secret {CORE} key URL",
        "secret app/test/more key p",
    ]


def test_hosts_that_differ_give_a_list_where_one_is_asked_for(lab: Lab) -> None:
    lab.setting("HOST", type="host_list")
    lab.setting("DIR", inventory="dir", github="variable")
    lab.setting("NONE", inventory="none", github="variable")
    found = lab.run()
    assert lab.github.repository.values["HOST"] == "10.0.0.1,10.0.0.2"
    assert lab.github.repository.values["DIR"] == "/srv"
    assert lab.why(found, "NONE")[1].startswith("variable none is set for none of web1, web2")
    for host in lab.hosts.values():
        del host["ansible_host"]
    lab.run()
    assert lab.github.repository.values["HOST"] == "web1,web2"


@pytest.mark.parametrize("scope", ["repository", "environment", "organization"])
def test_every_scope(lab: Lab, scope: str) -> None:
    lab.github.environment("prod")
    lab.document["github"]["scope"] = scope
    lab.settle()
    keys = [one.path for one in lab.github.requests if one.path.endswith("public-key")]
    assert len(keys) == 1
    held = {"repository": lab.github.repository, "environment": lab.github.environments["prod"]}
    at = held.get(scope, lab.github.organization)
    assert at is not None
    assert at.values["KEY"] == "canary-key-1"
    assert {name.split("/")[1] for name in lab.records()} == {scope}


def test_the_organisation_must_share_it_with_the_repository(lab: Lab) -> None:
    lab.document["github"]["scope"] = "organization"
    lab.settle()
    assert lab.github.organization is not None
    lab.github.organization.secrets["KEY"]["repositories"] = [1]
    found = lab.run()
    assert lab.why(found, "KEY") == ("send", "the organisation does not share it with the repository")
    assert lab.run()["changed"] is False


def test_an_environment_is_made_when_asked(lab: Lab) -> None:
    lab.document["github"]["scope"] = "environment"
    with pytest.raises(
        NotFound, match="has no environment prod; make it there, or let this make it by create_environment"
    ):
        lab.run()
    asked = {"create_environment": True, "reviewers": ["ann"]}
    planned = lab.run(check=True, **asked)
    assert (planned["made_environment"], lab.github.environments) == (True, {})
    lab.run(**asked)
    assert lab.github.environments["prod"].values["KEY"] == "canary-key-1"
    assert [one["type"] for one in lab.github.reviewers["prod"]] == ["User"]
    assert lab.run(**asked)["changed"] is False


# Pruning


def drop(lab: Lab, name: str = "KEY") -> None:
    del lab.document["settings"][name]


def test_prune(lab: Lab) -> None:
    lab.github.put_by_hand("THEIRS", "canary-theirs")
    lab.settle()
    drop(lab)
    drop(lab, "COUNT")
    found = lab.run()
    assert (found["changed"], found["left"]) == (False, ["KEY", "COUNT"])
    assert "KEY" in lab.github.repository.values
    planned = lab.run(check=True, prune=True)
    assert (planned["removed"], planned["diff"]["prepared"].splitlines()[0]) == (
        ["KEY", "COUNT"],
        "-secret KEY (repository): the catalog names it no more",
    )
    assert "KEY" in lab.github.repository.values
    assert lab.run(prune=True)["removed"] == ["KEY", "COUNT"]
    assert sorted(lab.github.repository.values) == ["DEPLOY", "HOST", "PLAIN", "THEIRS", "URL"]
    assert "/repository/secret/KEY" not in lab.records()
    assert lab.run(prune=True)["changed"] is False


def test_what_a_workflow_reads_stays(lab: Lab, tmp_path: Path) -> None:
    lab.settle()
    drop(lab)
    drop(lab, "COUNT")
    lab.github.files[".github/workflows/deploy.yml"] = "a: 1\nenv: ${{ secrets.key }}\n"
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "test.yaml").write_text("env: ${{ vars['COUNT'] }}\n", encoding="utf-8")
    found = lab.run(prune=True, checkout=str(tmp_path))
    assert found["refused"] == ["KEY", "COUNT"]
    assert lab.why(found, "KEY")[1].endswith("but it is read: .github/workflows/deploy.yml:2")
    assert f"{folder}/test.yaml:1" in lab.why(found, "COUNT")[1]
    assert {"KEY", "COUNT"} <= set(lab.github.repository.values)
    lab.github.files[".github/workflows/deploy.yml"] = "secrets: inherit\n"
    assert lab.run(prune=True)["refused"] == ["KEY"]
    lab.github.files.clear()
    assert lab.run(prune=True)["removed"] == ["KEY"]


def test_a_name_that_moved_to_another_scope(lab: Lab) -> None:
    lab.github.environment("prod")
    lab.settle()
    lab.setting("KEY", github_scope="environment")
    lab.github.files[".github/workflows/a.yml"] = "jobs:\n  a:\n    env: {K: '${{ secrets.KEY }}'}\n"
    assert lab.run(prune=True)["refused"] == ["KEY"]
    assert lab.github.environments["prod"].values == {"KEY": "canary-key-1"}
    lab.github.files[".github/workflows/a.yml"] += "    environment: prod\n"
    assert lab.run(prune=True)["removed"] == ["KEY"]
    assert "KEY" not in lab.github.repository.values


def test_what_is_gone_already_is_forgotten(lab: Lab) -> None:
    lab.settle()
    drop(lab)
    del lab.github.repository.secrets["KEY"]
    before = len(lab.github.writes())
    assert lab.run()["changed"] is True
    assert (len(lab.github.writes()), lab.run()["changed"]) == (before, False)


def test_only_some_names_prune_nothing(lab: Lab) -> None:
    lab.settle()
    drop(lab)
    lab.put(URL=URL + "2")
    found = lab.run(names=["url"], prune=True)
    assert (found["sent"], found["removed"], len(found["plan"])) == (["URL"], [], 1)


# What is wrong is said before the first write


def refused(lab: Lab, error: type[SecretsError], words: str, **args: Any) -> None:
    with pytest.raises(error, match=words):
        lab.run(**args)
    assert lab.github.writes() == []
    assert lab.records() == {}


def test_bad_input(lab: Lab) -> None:
    refused(lab, StoreError, "NOPE: the catalog mirrors no such name to GitHub", names=["nope", "KEY"])
    lab.setting("GITHUB_KEY", group="core", github="secret")
    refused(lab, StoreError, "GITHUB_KEY: GitHub takes no name that begins with GITHUB_ or a digit")
    drop(lab, "GITHUB_KEY")
    lab.put(KEY="x" * 50000)
    refused(lab, StoreError, "secret KEY has 50,000 bytes and GitHub takes 49,152")
    lab.put(KEY="canary-key-1")
    lab.document["github"]["repository"] = "example/other"
    refused(lab, NotFound, "GitHub knows no repository example/other, or the token may not see it")
    del lab.document["github"]
    refused(lab, StoreError, r"the catalog names no repository to mirror to; give it in github\.repository")


def test_environments_that_would_write_over_each_other(lab: Lab) -> None:
    lab.document["environments"] = {"test": {}, "staging": {}, "ci": {}}
    refused(lab, StoreError, "DEPLOY, HOST, KEY, PLAIN, URL, COUNT: test and staging would write the same of example/")
    lab.document["environments"]["staging"] = {"github": None}
    assert lab.run()["sent"]


def test_tokens(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n", encoding="utf-8")
    refused(
        lab, NoAccess, "must be a regular file of yours with mode 0600, since it holds a token", token_file=str(file)
    )
    file.chmod(0o600)
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    refused(lab, NoAccess, "does not accept the token at repository example/watchparty")
    monkeypatch.delenv("GITHUB_TOKEN")
    refused(lab, NoAccess, "no token for GitHub is there; set GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN_FILE")
    assert lab.run(check=True, token_file=str(file))["sent"]
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    assert lab.run(check=True)["sent"]
    file.write_text("two words", encoding="utf-8")
    refused(lab, NoAccess, "holds no token; write the token alone into it", token_file=str(file))


def test_an_app(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    lab.github.app_key = key.public_key()
    file = tmp_path / "app.pem"
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_APP_ID", "4242")
    refused(lab, NoAccess, "GITHUB_APP_ID is set and GITHUB_APP_KEY_FILE is not")
    monkeypatch.setenv("GITHUB_APP_KEY_FILE", str(file))
    refused(lab, NoAccess, "cannot be read: No such file")

    def store(one: Any) -> None:
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        file.write_bytes(one.private_bytes(*pem))
        file.chmod(0o600)

    store(other)
    refused(lab, NoAccess, r"does not accept the token at the installation of App 4242")
    file.write_text("canary-no-key", encoding="utf-8")
    refused(lab, NoAccess, "is no RSA key without a passphrase")
    store(key)
    assert "KEY" in lab.run()["sent"]
    assert lab.github.repository.values["KEY"] == "canary-key-1"


def test_records_that_are_none(lab: Lab) -> None:
    lab.ssm.put_parameter(Name=f"{RECORDS}/note", Type="String", Value="x")
    with pytest.raises(StoreError, match=f"parameter {RECORDS}/note lies among the records of what was sent to GitHub"):
        lab.run()


def test_two_runs_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one records between our reading and our writing: it is not written over, and ours stops."""
    lab.settle()
    lab.put(KEY="canary-key-2")
    write = SentStore.write

    def late(self: SentStore, target: Any, sent: Any) -> None:
        name = f"{RECORDS}/{target.scope}/{target.kind}/{target.name}"
        lab.ssm.put_parameter(
            Name=name, Type="String", Value='{"identity": "theirs", "updated_at": "x"}', Overwrite=True
        )
        write(self, target, sent)

    with monkeypatch.context() as patched:
        patched.setattr(SentStore, "write", late)
        with pytest.raises(Conflict, match="is at version 2 and not at 1"):
            lab.run(names=["KEY"])
    assert lab.run()["sent"] == ["KEY"]


def entry(lab: Lab, number: int, **more: Any) -> None:
    text = {"rotation": "r1", "step": "closed", "who": "ops", "at": "2026-11-25T10:00:00Z", **more}
    lab.ssm.put_parameter(Name=f"/app-journal/test/{number}", Type="String", Value=json.dumps(text))


def test_a_rotation_that_is_open_sends_its_own(lab: Lab) -> None:
    lab.document["credentials"]["url"] = {"kind": "external", "appears_in": [{"setting": "URL"}]}
    plan = {"credentials": {"url": {"kind": "external"}}, "phases": 1}
    version = next(iter(lab.secrets.describe_secret(SecretId=CORE)["VersionIdsToStages"]))
    entry(lab, 1, step="create", plan=plan, prescribes={"secrets": {CORE: version}, "parameters": {}})
    refused(lab, JournalError, "is open and sends url to GitHub itself; finish it with rotate.yml first")
    assert lab.run(names=["KEY"])["sent"] == ["KEY"]


def test_a_rotation_that_went_on_meanwhile(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = action.GitHubStore.listed

    def slow(self: Any, kind: str, scope: str) -> Any:
        if kind == "variable":
            entry(lab, 1)
        return listed(self, kind, scope)

    monkeypatch.setattr(action.GitHubStore, "listed", slow)
    with pytest.raises(Overtaken, match="a rotation went on meanwhile"):
        lab.run()
    assert lab.github.writes() == []
