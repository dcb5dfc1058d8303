# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is sent to GitHub, recorded and pruned: AWS's stand-in in this process, GitHub's on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    NotFound,
    ProvisionError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sent_records import SentStore
from tests.integration.github_server import REPOSITORY
from tests.unit.plugins.action.github_lab import CORE, RECORDS, URL, Lab, github_lab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with github_lab(monkeypatch) as made:
        yield made


def test_first_everything_then_nothing(lab: Lab) -> None:
    planned = lab.run(check=True)
    assert lab.github.writes() == []
    assert lab.records() == {}
    first = lab.run()
    assert {**planned, "summary": []} == {**first, "summary": []}
    assert first["sent"] == ["HOST", "KEY", "PLAIN", "URL", "COUNT"]
    assert first["missing"] == first["asks"] == ["DEPLOY"]
    assert lab.why(first, "DEPLOY") == ("missing", "no store holds it: give its value, and GitHub has none either")
    assert first["summary"][:2] == [f"{REPOSITORY}: 0 unchanged", "sent: HOST, KEY, PLAIN, URL, COUNT"]
    assert (
        "HOST: ansible_host differs among the hosts; the value of the first host, web1, is used" in first["summary"][2]
    )
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
    result = lab.run()
    assert result["sent"] == ["HOST", "KEY", "PLAIN", "COUNT"]
    assert lab.why(result, "KEY") == ("send", f"secret {CORE} key KEY has changed")
    # The same secret's new version, and the same value in it.
    assert lab.why(result, "URL") == (
        "note",
        "GitHub already holds the value; the record of the sync is older and is written",
    )
    assert lab.why(result, "COUNT") == ("send", "GitHub holds another value than parameter /app/test/COUNT")
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
    result = lab.run()
    assert result["sent"] == ["KEY", "URL", "COUNT"]
    assert lab.why(result, "KEY")[1] == "was sent before, and somebody deleted it at GitHub"
    assert lab.why(result, "URL")[1].startswith("somebody changed it at 2026-11-25T")
    assert [item.partition(":")[0] for item in result["summary"][2:5]] == [
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
    result = lab.run()
    assert lab.why(result, "KEY")[1].startswith("somebody else created it at")
    assert lab.why(result, "COUNT") == (
        "note",
        "GitHub already holds the value; the record of the sync is missing and is written",
    )
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
    assert lab.why(lab.run(), "KEY")[1].endswith("or an earlier sync was interrupted")
    assert lab.run()["changed"] is False


def test_a_value_that_may_not_be_written_down_is_sent_each_time(lab: Lab) -> None:
    lab.setting("HOST", sensitivity="medium")
    lab.run()
    result = lab.run()
    assert result["sent"] == ["HOST"]
    assert "it is unknown whether variable ansible_host" in lab.why(result, "HOST")[1]
    assert lab.records()["/repository/secret/HOST"]["identity"] == ""
    lab.setting("HOST", github="variable")
    lab.run()
    assert lab.run()["sent"] == []


def test_what_only_github_holds(lab: Lab) -> None:
    lab.run(answers={"DEPLOY": "canary-deploy"}, values_from="asked")
    assert lab.github.repository.values["DEPLOY"] == "canary-deploy"
    result = lab.run()
    assert lab.why(result, "DEPLOY") == (
        "keep",
        "no store holds it: give its value, so GitHub keeps its value",
    )
    assert lab.run(answers={"DEPLOY": "canary-next"}, values_from="asked", names=["deploy"])["sent"] == ["DEPLOY"]
    with pytest.raises(
        StoreError, match=f"KEY: a value was given, but it comes from secret {CORE} key KEY; change it there"
    ):
        lab.run(answers={"KEY": "canary-x"}, values_from="asked")
    with pytest.raises(StoreError, match="OTHER: a value was given, but the catalog syncs no such name"):
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
    assert [part.partition("@")[0] for part in identity.split("; ")] == [
        f"secret {CORE} key URL",
        "secret app/test/more key p",
    ]


def test_hosts_that_differ_give_a_list_where_one_is_asked_for(lab: Lab) -> None:
    lab.setting("HOST", type="host_list")
    lab.setting("DIR", inventory="dir", github="variable")
    lab.setting("NONE", inventory="none", github="variable")
    result = lab.run()
    assert lab.github.repository.values["HOST"] == "10.0.0.1,10.0.0.2"
    assert lab.github.repository.values["DIR"] == "/srv"
    assert lab.why(result, "NONE")[1].startswith("variable none is not set for any of web1, web2")
    for host in lab.hosts.values():
        del host["ansible_host"]
    lab.run()
    assert lab.github.repository.values["HOST"] == "web1,web2"


@pytest.mark.parametrize("scope", ["repository", "environment", "organization"])
def test_every_scope(lab: Lab, scope: str) -> None:
    lab.github.environment("prod")
    lab.document["github"]["scope"] = scope
    lab.settle()
    keys = [request.path for request in lab.github.requests if request.path.endswith("public-key")]
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
    result = lab.run()
    assert lab.why(result, "KEY") == (
        "send",
        "the organisation does not share it with the repository",
    )
    assert lab.run()["changed"] is False


def test_an_environment_is_made_when_asked(lab: Lab) -> None:
    lab.document["github"]["scope"] = "environment"
    with pytest.raises(
        NotFound,
        match="has no environment prod; create it there, or run the same",
    ):
        lab.run()
    asked = {"create_environment": True, "reviewers": ["ann"]}
    planned = lab.run(check=True, **asked)
    assert (planned["made_environment"], lab.github.environments) == (True, {})
    lab.run(**asked)
    assert lab.github.environments["prod"].values["KEY"] == "canary-key-1"
    assert [entry["type"] for entry in lab.github.reviewers["prod"]] == ["User"]
    assert lab.run(**asked)["changed"] is False


def test_the_address_of_another_environments_host_is_not_sent(lab: Lab) -> None:
    """One inventory for all: with it, a workflow would deploy this environment to that host."""
    lab.hosts["web1"]["app_environment"] = "production"
    lab.hosts["web2"]["app_environment"] = "test"
    result = lab.run()
    assert lab.github.repository.values["HOST"] == "10.0.0.2"
    assert "hosts of other environments are left out: web1 (production)" in result["summary"]
    lab.hosts["web2"]["app_environment"] = "production"
    assert lab.why(lab.run(), "HOST")[0] == "keep"
    assert lab.github.repository.values["HOST"] == "10.0.0.2"


def test_a_file_that_is_not_for_github_alone_gives_what_github_lacks(lab: Lab, tmp_path: Path) -> None:
    """What only GitHub holds is taken from it once; what stores hold, and what GitHub has, stays as it is."""
    lab.setting("ALONE", github="secret", sensitivity="high")
    path = tmp_path / "values.yml"
    path.touch(mode=0o600)
    path.write_text(
        "ALONE: canary-alone\nDEPLOY: canary-deploy\nKEY: canary-other\nadmin: {username: u, password: p}\n"
    )
    planned = lab.run(check=True, shared_values_file=str(path))
    assert {"ALONE", "DEPLOY"} <= set(planned["sent"])
    assert lab.github.repository.values == {}
    lab.run(shared_values_file=str(path))
    held = dict(lab.github.repository.values)
    assert (held["ALONE"], held["DEPLOY"], held["KEY"]) == ("canary-alone", "canary-deploy", "canary-key-1")

    path.write_text("ALONE: canary-later\n")
    again = lab.run(shared_values_file=str(path))
    assert again["changed"] is False
    assert lab.why(again, "ALONE") == ("keep", "no store holds it, so GitHub keeps its value")
    assert lab.github.repository.values == held
    lab.run(answers={"ALONE": "canary-given"}, values_from="asked", shared_values_file=str(path))
    assert lab.github.repository.values["ALONE"] == "canary-given"
    del lab.github.repository.secrets["ALONE"]
    assert lab.run(shared_values_file=str(path))["sent"] == ["ALONE"]


@pytest.mark.parametrize(("text", "mode", "message"), [("ALONE: 1", 0o600, "is not text"), ("{}", 0o644, "mode 0600")])
def test_such_a_file_that_cannot_be_used_is_named(lab: Lab, tmp_path: Path, text: str, mode: int, message: str) -> None:
    path = tmp_path / "values.yml"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ProvisionError, match=message):
        lab.run(shared_values_file=str(path))
    assert lab.github.writes() == []
