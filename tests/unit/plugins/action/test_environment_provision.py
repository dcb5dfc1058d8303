# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Provisioning as a task runs it; nothing that it returns is a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action.environment_provision import ActionModule
from tests.unit.plugins.action.values_account import CATALOG, CORE, JOURNAL, account, run

Clients = Callable[[str], Any]
ASKED = {"asked": {"answers": {"TOKEN": "canary-token"}}}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    with account(monkeypatch) as made:
        yield made


def provision(**args: Any) -> dict[str, Any]:
    return run(ActionModule, **{"catalog": CATALOG, "environment": "test", "values_from": "asked", **args})


def test_planned_then_present_then_nothing(clients: Clients) -> None:
    planned = provision(state="planned")
    assert (planned["changed"], planned["asks"]) == (False, ["TOKEN"])
    assert planned["pages"] == {"TOKEN": "https://example.com/keys"}
    assert clients("secretsmanager").list_secrets()["SecretList"] == []
    looked = provision(variables=ASKED, check=True)
    written = provision(variables=ASKED)
    assert looked["plan"] == written["plan"] != []
    assert written["generated"] == ["KEY"]
    assert (written["kms_key"], written["tags"]["Environment"]) == ("alias/app-test", "test")
    again = provision(variables=ASKED)
    assert (again["changed"], again["plan"]) == (False, [])
    held = clients("secretsmanager").get_secret_value(SecretId=CORE)["SecretString"]
    for result in (planned, looked, written, again):
        assert "canary" not in json.dumps(result)
        assert json.loads(held)["KEY"] not in json.dumps(result)
    assert "diff" not in provision(variables=ASKED, diff=False)


def test_what_is_needed_stops_it_or_is_named(clients: Clients) -> None:
    failed = provision()
    assert failed["failed"]
    assert "TOKEN: has no value; answer when asked, or give -e provision_values_file=FILE" in failed["msg"]
    partly = provision(complete=False)
    assert partly["asks"] == ["TOKEN"]
    assert list(json.loads(clients("secretsmanager").get_secret_value(SecretId=CORE)["SecretString"])) == ["KEY"]


def test_absent_and_restored(clients: Clients) -> None:
    provision(variables=ASKED)
    for check, changed in ((True, True), (False, True), (False, False), (True, False)):
        gone = provision(state="absent", secrets=[CORE], check=check)
        assert gone["changed"] is changed
    assert provision(state="planned")["failed"]
    for check, changed in ((True, True), (False, True), (False, False), (True, False)):
        back = provision(state="restored", secrets=[CORE], check=check)
        assert back["changed"] is changed
    assert back["plan"] == []
    for state in ("absent", "restored"):
        for check in (True, False):
            unknown = provision(state=state, secrets=["elsewhere"], check=check)
            assert "elsewhere: is not a secret of test" in unknown["msg"]
    clients("secretsmanager").tag_resource(SecretId=CORE, Tags=[{"Key": "Application", "Value": "other"}])
    for check in (True, False):
        assert "Application=other" in provision(state="absent", secrets=[CORE], check=check)["msg"]


def test_a_dotenv_may_repeat_what_the_catalog_says(clients: Clients, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.touch(mode=0o600)
    path.write_text("TOKEN=canary\nMODE=plain\n", encoding="utf-8")
    assert provision(env_file=str(path))["changed"]
    path.write_text("MODE=other\n", encoding="utf-8")
    assert "MODE: has its value in the catalog; change it there" in provision(env_file=str(path))["msg"]


def recorded(clients: Clients) -> dict[str, Any]:
    """What the journal says of the age of credentials."""
    return {name: item for line in JOURNAL.lines(clients) for name, item in json.loads(line)["rotated"].items()}


def test_an_age_counts_from_the_day_of_provisioning(clients: Clients) -> None:
    """rotation_due would name a credential that was provisioned minutes ago."""
    assert provision(variables=ASKED, check=True)["changed"]
    assert recorded(clients) == {}
    assert not provision(variables=ASKED).get("failed")
    first = recorded(clients)
    assert set(first) == {"token", "key"}
    assert {item["rotation"] for item in first.values()} == {"provision"}
    again = provision(variables={"asked": {"answers": {"TOKEN": "canary-2"}}})
    assert not again["changed"]
    assert recorded(clients) == first


def test_the_age_of_an_imported_value_is_unknown(clients: Clients, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.touch(mode=0o600)
    path.write_text("TOKEN=canary\n", encoding="utf-8")
    assert provision(env_file=str(path))["changed"]
    assert set(recorded(clients)) == {"key"}  # generated here


def test_a_copy_is_as_old_as_its_source(clients: Clients) -> None:
    clients("secretsmanager").create_secret(Name=CORE, SecretString=json.dumps({"TOKEN": "canary"}))
    settings = {**CATALOG["settings"], "TOKEN": {"group": "core", "copies": [{"parameter": "TOKEN"}]}}
    assert provision(variables=ASKED, catalog={**CATALOG, "settings": settings})["changed"]
    assert set(recorded(clients)) == {"key"}


def test_a_journal_that_cannot_be_written_fails_nothing(clients: Clients) -> None:
    entry = {"rotation": "r-1", "step": "plan", "who": "ops"}
    JOURNAL.add(clients, 1, entry)
    done = provision(variables=ASKED)
    assert not done.get("failed")
    (note,) = [note for note in done["notes"] if "the age is unknown" in note]
    assert note.startswith(
        "token, key: the age is unknown until the first rotation, because the journal could not be written:"
    )
    assert "r-1 of ops" in note


def test_what_github_alone_holds_is_left_to_it(clients: Clients, tmp_path: Path) -> None:
    """One file serves both; a name that nobody knows is refused, and one in a .env too."""
    extra = {
        "github": {"repository": "example/app"},
        "settings": {**CATALOG["settings"], "ALONE": {"github": "secret"}},
        "credentials": {**CATALOG["credentials"], "ssh": {"kind": "external", "appears_in": [{"github": "SSH"}]}},
    }
    catalog = {**CATALOG, **extra}
    path = tmp_path / "values.yml"
    path.touch(mode=0o600)
    path.write_text("ALONE: canary-alone\nSSH: canary-ssh\nTOKEN: canary-token\n")
    result = provision(catalog=catalog, values_file=str(path))
    assert result["at_github"] == ["ALONE", "SSH"]
    assert not result.get("failed")
    assert "canary" not in str(result)
    for text, message in (("NOBODY: canary", "NOBODY: is neither"), ("ALONE=canary", "ALONE: is held only at GitHub")):
        path.write_text(text + "\n")
        refused = provision(catalog=catalog, **{"env_file" if "=" in text else "values_file": str(path)})
        assert refused["failed"]
        assert message in refused["msg"]
        assert "canary" not in str(refused)


def test_what_is_there_stays_and_is_said(clients: Clients) -> None:
    provision(variables=ASKED)
    other = provision(variables={"asked": {"answers": {"TOKEN": "canary-2"}}})
    (note,) = other["notes"]
    assert note.endswith("and keeps it. To change it, run ansible-playbook watchparty.secrets.set -e set_names=TOKEN")
    assert not other["changed"]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"region": "us-east-1"}, "the region in use is eu-west-3, and the catalog expects us-east-1"),
        ({"expected_account_id": "999999999999"}, "999999999999"),
        (
            {"aws": {"kms_key": "alias/none"}},
            (
                "the key alias/none does not exist. Create it by "
                "ansible-playbook watchparty.secrets.provision --tags access"
            ),
        ),
    ],
)
def test_elsewhere(clients: Clients, over: dict[str, Any], message: str) -> None:
    failed = provision(variables=ASKED, catalog={**CATALOG, "environments": {"test": over}})
    assert failed["failed"]
    assert message in failed["msg"]
    assert clients("secretsmanager").list_secrets()["SecretList"] == []


def test_awss_own_keys(clients: Clients) -> None:
    assert provision(variables=ASKED, kms_key="")["kms_key"] == ""
    assert "KmsKeyId" not in clients("secretsmanager").describe_secret(SecretId=CORE)
