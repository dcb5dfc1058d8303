# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From an empty account to a first deploy, and nothing changed by a second run."""

from __future__ import annotations

import pytest

from tests.integration.harness import ENVIRONMENT, Lab, Run
from tests.integration.values_lab import ANSWERS, PROVISION, READS, Account

TAGS = {
    "Application": "shop",
    "Environment": ENVIRONMENT,
    "Owner": "platform@example.com",
    "ManagedBy": "watchparty.secrets",
    "CostCenter": "42",
}


@pytest.fixture
def account_of(lab: Lab) -> Account:
    return Account(lab)


def log_groups(lab: Lab) -> dict[str, int | None]:
    """Days that each log group keeps records; None for all days."""
    result = lab.moto.client("logs").describe_log_groups()["logGroups"]
    return {item["logGroupName"]: item.get("retentionInDays") for item in result}


def test_what_is_refused_makes_no_log_group(account_of: Account) -> None:
    lab = account_of.lab
    given = ("-e", f"provision_values_file={account_of.file()}", "-e", "app_hosts=localhost")
    refused = lab.run(
        "--tags", "values", *given, "-e", "provision_kms_key=alias/none", playbook="playbooks/provision.yml"
    )
    assert refused.code != 0
    assert "the key alias/none does not exist" in refused.text, refused.output
    assert log_groups(lab) == {}
    assert account_of.state() == {}


def test_the_audit_log_keeps_every_record(account_of: Account) -> None:
    """A record that expired would count as missing."""
    client = account_of.lab.moto.client("logs")
    client.create_log_group(logGroupName="/shop/audit")
    client.put_retention_policy(logGroupName="/shop/audit", retentionInDays=731)
    account_of.provisioned("-e", "app_hosts=localhost")
    assert log_groups(account_of.lab) == {"/shop/audit": None}


def plan_of(run: Run) -> list[str]:
    """The lines that a run tells at its end, without what only check mode says."""
    lines = [line.strip().strip(",").strip('"') for line in run.output.splitlines()]
    return [line for line in lines if line.startswith(("create secret ", "create parameter "))]


@pytest.mark.slow
def test_from_an_empty_account_to_a_deploy(account_of: Account) -> None:
    """--check tells the plan that is then carried out, and writes nothing, before and after."""
    lab = account_of.lab
    (host,) = lab.add_hosts()
    looked = account_of.provisioned("--check", "--diff")
    assert set(looked.operations) <= READS
    assert account_of.state() == {}
    first = account_of.provisioned()
    assert plan_of(first) == plan_of(looked) != []
    core = account_of.assert_complete()
    described = lab.moto.client("secretsmanager").describe_secret(SecretId="shop/production/core")
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {**TAGS, "RotationDays": "30"}
    assert described["KmsKeyId"] == "alias/shop-production"
    after = account_of.state()
    assert after["/shop/production/App/ALLOWED_HOSTS"][2] == "String"
    assert after["/shop/production/App/SECRET_KEY"][2] == "SecureString"

    second = account_of.provisioned()
    assert second.result("web1")["changed"] == 0
    assert set(second.operations) <= READS
    assert account_of.state() == after
    lab.deploy("-e", "env_deploy_restart=false")
    assert host.values()["DATABASE_URL"] == core["DATABASE_URL"]


@pytest.mark.slow
def test_what_stands_beside_a_parameter_is_brought_in_line(account_of: Account) -> None:
    """Made by hand, under AWS's own key: it gets the catalog's key, description and tags, and keeps its value."""
    lab = account_of.lab
    lab.add_hosts()
    lab.catalog["settings"]["MAIL_USER"]["description"] = "Who sends mail"
    account_of.provisioned()
    ssm, name, plain = lab.moto.client("ssm"), "/shop/production/Mail/USER", "/shop/production/App/GENERATION"
    ssm.put_parameter(Name=name, Value="mailer-of-the-shop", Type="SecureString")
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=[{"Key": "Kept", "Value": "yes"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=plain, TagKeys=["Owner", "CostCenter"])
    before = account_of.state()
    given = account_of.file({**ANSWERS, "MAIL_PASSWORD": "mail-password-of-the-shop"})
    command = ("-e", "app_environment=production", "-e", f"provision_values_file={given}")

    looked = lab.run(*command, "--check", "--diff", playbook=PROVISION)
    assert looked.code == 0, looked.output
    assert set(looked.operations) <= READS
    assert account_of.state() == before
    message = "description, key alias/shop-production, " + ", ".join(f"tag {tag}" for tag in sorted(TAGS))
    first = lab.run(*command, playbook=PROVISION)
    assert first.code == 0, first.output
    for run in (looked, first):
        assert f"change parameter {name}: {message}" in run.text
        assert f"change parameter {plain}: tag CostCenter, tag Owner" in run.text
        assert "mailer-of-the-shop" not in run.output
    result = {parameter["Name"]: parameter for parameter in ssm.describe_parameters()["Parameters"]}
    assert (
        result[name]["KeyId"],
        result[name]["Description"],
    ) == ("alias/shop-production", "Who sends mail")
    for text, extra in ((name, {"Kept": "yes"}), (plain, {})):
        listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=text)["TagList"]
        assert {tag["Key"]: tag["Value"] for tag in listed} == {**TAGS, **extra}
    after = account_of.state()
    assert after[name] == ("mailer-of-the-shop", 2, "SecureString")
    assert after[plain] == before[plain]
    second = lab.run(*command, playbook=PROVISION)
    assert second.result("web1")["changed"] == 0
    assert set(second.operations) <= READS
    assert account_of.state() == after


@pytest.mark.slow
def test_without_a_terminal_everything_that_is_needed_is_named(account_of: Account) -> None:
    account_of.lab.add_hosts()
    run = account_of.provision(values=False)
    assert run.code != 0
    for name in ("API_TOKEN", "ALLOWED_HOSTS", "admin.username", "admin.password", "provision_values_file"):
        assert name in run.text
    assert account_of.state() == {}


@pytest.mark.slow
def test_what_cannot_be_asked_for_may_wait(account_of: Account) -> None:
    """The rest is written, and what is missing is named; a later run writes that alone."""
    account_of.lab.add_hosts()
    run = account_of.provision("-e", "provision_ask=false", values=False)
    assert run.code == 0, run.output
    assert "required, and STILL MISSING: API_TOKEN, ALLOWED_HOSTS, admin.username, admin.password" in run.text
    key = account_of.secret("shop/production/core")["SECRET_KEY"]
    account_of.provisioned()
    assert account_of.assert_complete()["SECRET_KEY"] == key


@pytest.mark.slow
def test_staging_and_production_side_by_side(account_of: Account) -> None:
    account_of.lab.add_hosts()
    account_of.provisioned()
    production = account_of.state()
    refused = account_of.provision(environment="staging")
    assert refused.code != 0
    assert "app_environment is staging, but web1 declares production" in refused.text
    assert refused.operations == []
    assert account_of.state() == production
    run = account_of.provisioned("-e", "app_hosts=localhost", environment="staging")
    account_of.assert_complete("staging")
    both = account_of.state()
    assert {name: item for name, item in both.items() if name in production} == production
    fresh = ("SECRET_KEY", "DATABASE_URL", "CACHE_URL", "BROKER_URL")
    result, there = account_of.secret("shop/production/core"), account_of.secret("shop/staging/core")
    assert all(result[name] != there[name] for name in fresh)
    assert "all-in-one" not in run.text
    lab = account_of.lab
    touched = [str(call["request"]) for call in lab.moto.calls() if call["operation"] not in READS]
    staging = [name for name in touched if "staging" in name]
    assert staging
    assert not any("production" in name for name in staging)


BAD = {
    "deleted": ("shop/production/core", "scheduled for deletion", "provision_restore=true"),
    "foreign": ("shop/production/core", "Application=other", "provision_adopt=true"),
    "account": ("999999999999", "expected_account_id"),
    "region": ("the region in use is eu-west-3", "expects us-east-1"),
    "no key": ("alias/shop-elsewhere does not exist", "aws.kms_key"),
    "too long": ("ALLOWED_HOSTS", "4,096", "provision_advanced_tier=true"),
    "malformed": ("ALLOWED_HOSTS: is a list of hosts, but item 1 is not a host",),
    "no bucket": ("The audit log's bucket no-such-bucket does not exist",),
    "unknown": ("NO_SUCH_SETTING: is neither a setting nor a credential",),
    "readable by others": ("values.yml: must be a regular file of yours with mode 0600",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_before_the_first_write(account_of: Account, name: str) -> None:
    lab = account_of.lab
    lab.add_hosts()
    manager = lab.moto.client("secretsmanager")
    values = dict(ANSWERS)
    production = lab.catalog["environments"]["production"]
    if name in ("deleted", "foreign"):
        tags = [{"Key": "Application", "Value": "other"}] if name == "foreign" else []
        manager.create_secret(Name="shop/production/core", SecretString="{}", Tags=tags)
    if name == "deleted":
        manager.delete_secret(SecretId="shop/production/core", RecoveryWindowInDays=7)
    if name == "account":
        production["expected_account_id"] = "999999999999"
    if name == "region":
        production["region"] = "us-east-1"
    if name == "no key":
        lab.catalog["aws"]["kms_key"] = "alias/shop-elsewhere"
    if name == "no bucket":
        lab.catalog["audit_log"] = {"s3": "no-such-bucket/audit"}
    if name == "too long":
        values["ALLOWED_HOSTS"] = ",".join(["shop.example.com"] * 300)
    if name == "malformed":
        values["ALLOWED_HOSTS"] = "https://shop.example.com"
    if name == "unknown":
        values["NO_SUCH_SETTING"] = "some-value-of-mine"
    path = account_of.file(values)
    if name == "readable by others":
        path.chmod(0o644)
    before = account_of.state()
    run = lab.run("-e", f"provision_values_file={path}", playbook=PROVISION)
    assert run.code != 0
    for message in BAD[name]:
        assert message in run.text, run.output
    assert account_of.state() == before
    assert "some-value-of-mine" not in run.output
    assert "Traceback" not in run.output


@pytest.mark.slow
def test_a_deleted_secret_is_restored_and_a_foreign_one_adopted(account_of: Account) -> None:
    lab = account_of.lab
    lab.add_hosts()
    manager = lab.moto.client("secretsmanager")
    manager.create_secret(
        Name="shop/production/core",
        SecretString='{"API_TOKEN": "former-token", "OTHER": 1.10}',
        Tags=[{"Key": "Application", "Value": "other"}, {"Key": "Kept", "Value": "yes"}],
    )
    manager.delete_secret(SecretId="shop/production/core", RecoveryWindowInDays=7)
    run = account_of.provisioned("-e", "provision_restore=true", "-e", "provision_adopt=true")
    core = account_of.secret("shop/production/core")
    assert core["API_TOKEN"] == "former-token"
    assert core["OTHER"] == 1.10
    assert "holds another value than the given one, and keeps it. " in run.text
    described = manager.describe_secret(SecretId="shop/production/core")
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {**TAGS, "RotationDays": "30", "Kept": "yes"}
    again = account_of.provisioned()
    assert again.result("web1")["changed"] == 0
