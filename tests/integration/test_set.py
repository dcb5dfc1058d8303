# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One setting changed by one short command, and deployed on request."""

from __future__ import annotations

import pytest

from tests.integration.harness import ENVIRONMENT, Lab, Run
from tests.integration.values_lab import READS, SET, Account

CORE = f"shop/{ENVIRONMENT}/core"
NEW = "canary-of-a-new-token"


@pytest.fixture
def account_of(lab: Lab) -> Account:
    account = Account(lab)
    lab.add_hosts()
    account.provisioned()
    return account


def change(account: Account, name: str, value: str, *arguments: str) -> Run:
    path = account.lab.directory / "value"
    path.touch(mode=0o600)
    path.write_text(f"{value}\n", encoding="utf-8")
    return account.lab.run("-e", f"set_names={name}", "-e", f"set_value_file={path}", *arguments, playbook=SET)


def test_set_and_deployed(account_of: Account) -> None:
    """--check tells it and writes nothing; then the value is in its place and on the host, and nowhere in output."""
    lab = account_of.lab
    before = account_of.state()
    looked = change(account_of, "API_TOKEN", NEW, "--check", "--diff")
    assert looked.code == 0, looked.output
    assert set(looked.operations) <= READS
    assert account_of.state() == before
    assert f"update secret {CORE}: API_TOKEN (set)" in looked.text
    run = change(account_of, "API_TOKEN", NEW, "-vvvv", "--diff", "-e", "set_deploy=true")
    assert run.code == 0, run.output
    assert f"-secret {CORE} key API_TOKEN fingerprint " in run.output
    assert f"+secret {CORE} key API_TOKEN fingerprint " in run.output
    after = account_of.state()
    assert {name for name in after if after[name] != before[name]} == {CORE}
    assert after[CORE][0] == {**before[CORE][0], "API_TOKEN": NEW}
    assert lab.hosts[0].values()["API_TOKEN"] == NEW
    assert NEW not in run.output
    assert "The hosts still have the old values" not in run.text
    assert "reserved name" not in run.output
    run = lab.run("-e", "set_names=API_TOKEN", "-e", "set_undo=true", "-e", "set_deploy=true", playbook=SET)
    assert run.code == 0, run.output
    assert f"undo API_TOKEN: back to version {before[CORE][1][-1]} of secret {CORE} key API_TOKEN, written " in run.text
    assert account_of.state()[CORE][0] == before[CORE][0]
    assert lab.hosts[0].values()["API_TOKEN"] == before[CORE][0]["API_TOKEN"]


@pytest.mark.slow
def test_what_is_refused_changes_nothing(account_of: Account) -> None:
    before = account_of.state()
    refused = {
        "SECRET_KEY": "watchparty.secrets.rotate -e rotation_credentials=django_key -e rotation_force=true, or",
        "MODE": "has its value in the catalog",
        "NO_SUCH": "is neither a setting nor a credential",
    }
    run = change(account_of, ",".join(refused), NEW)
    assert run.code != 0
    for name, message in refused.items():
        assert f"{name}: " in run.text
        assert message in run.text
    without = account_of.lab.run("-e", "set_names=API_TOKEN", playbook=SET)
    assert without.code != 0
    assert "API_TOKEN: cannot be asked for" in without.text
    assert "-e set_value_file=FILE" in without.text
    account_of.lab.journal(
        2,  # the first entry has the ages of what was provisioned
        rotation="r7",
        step="create",
        at="2026-11-25T10:00:00Z",
        plan={"secrets": {CORE: "v"}, "parameters": {}, "credentials": {}, "phases": 1},
    )
    busy = change(account_of, "API_TOKEN", NEW)
    assert busy.code != 0
    assert "rotation r7 of ops@example.com" in busy.text
    assert "finish that rotation with ansible-playbook watchparty.secrets.rotate first" in busy.text
    assert account_of.state() == {**before, **{k: v for k, v in account_of.state().items() if "journal" in k}}


@pytest.mark.slow
def test_set_in_one_environment_never_writes_to_the_other(account_of: Account) -> None:
    account_of.provisioned("-e", "app_hosts=localhost", environment="staging")
    before = account_of.state()
    refused = change(account_of, "API_TOKEN", NEW, "-e", "app_environment=staging")
    assert refused.code != 0
    assert "app_environment is staging, but web1 declares production" in refused.text
    assert refused.operations == []
    run = change(account_of, "API_TOKEN", NEW, "-e", "app_environment=staging", "-e", "app_hosts=localhost")
    assert run.code == 0, run.output
    assert (
        "The hosts still have the old values. Deploy the new ones: "
        "ansible-playbook watchparty.secrets.deploy" in run.text
    )
    after = account_of.state()
    assert {name for name in after if after[name] != before[name]} == {"shop/staging/core"}
