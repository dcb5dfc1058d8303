# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""provision.yml whole: from an empty account and a repository to a deploy, and nothing changed by a second run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_aws import ROLES
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from sandbox.aws import ACCOUNT, REGION
from sandbox.process import write_private
from tests.integration.access_lab import OPERATOR, writes
from tests.integration.alert_lab import assert_alerts
from tests.integration.chaos import EVERY, Chaos, Controller, points, sweep
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.harness import ENVIRONMENT, Lab, Run, reset
from tests.integration.values_lab import ANSWERS, Account, shop
from tests.provision_rights import assert_listed

PROVISION = "playbooks/provision.yml"
OTHER = "staging"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary-of-a-deploy-key\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        for name in (ENVIRONMENT, OTHER):
            server.environment(name)
        yield server


class Empty(Account):
    """Nothing is in the account, not even a key; what GitHub has is only that it may be asked."""

    def __init__(self, lab: Lab, github: GitHub) -> None:
        self.lab, self.github = lab, github
        self.since = lab.moto.count()
        lab.catalog = shop(github={"repository": REPOSITORY, "scope": "environment", "api_url": github.url})
        settings = lab.catalog["settings"]
        settings["SECRET_KEY"]["github"] = "secret"
        settings["SSH_PRIVATE_KEY"] = {"github": "secret", "sensitivity": "high"}
        settings["SERVER_HOST"] = {"inventory": "ansible_host", "github": "secret"}
        lab.catalog["aws"]["operators"] = [OPERATOR]
        lab.catalog["alerts"] = {"emails": ["ops@example.com"]}
        lab.add_hosts()
        for host in lab.hosts:
            lab.host_vars[host.name]["ansible_host"] = "127.0.0.1"
        self.values = lab.directory / "provision-values.yml"
        write_private(self.values, json.dumps({**ANSWERS, "SSH_PRIVATE_KEY": KEY}))

    @property
    def command(self) -> tuple[str, ...]:
        """A first run's."""
        return ("-e", f"provision_values_file={self.values}")

    def whole(self, *arguments: str, environment: str = ENVIRONMENT, first: bool = True, **variables: str) -> Run:
        options = ("-e", f"app_environment={environment}", *(self.command if first else ()), *arguments)
        run = self.lab.run(*options, playbook=PROVISION, environment={"GITHUB_TOKEN": TOKEN, **variables})
        assert run.code == 0, run.output
        return run

    def documents(self, role: str) -> list[dict[str, Any]]:
        iam = self.lab.moto.client("iam")
        results = []
        for attached_policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=attached_policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            results.append(
                iam.get_policy_version(PolicyArn=attached_policy["PolicyArn"], VersionId=version)["PolicyVersion"][
                    "Document"
                ]
            )
        return results

    def assert_provisioned(self, environment: str = ENVIRONMENT) -> None:
        """Roles, key, values and GitHub's copies are there, each once."""
        core = self.assert_complete(environment)
        held = self.github.environments[environment].values
        assert held == {"SECRET_KEY": core["SECRET_KEY"], "SSH_PRIVATE_KEY": KEY, "SERVER_HOST": "127.0.0.1"}
        iam, kms = self.lab.moto.client("iam"), self.lab.moto.client("kms")
        names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
        assert sorted(name for name in names if environment in name) == sorted(
            f"shop-{environment}-{role}" for role in ROLES
        )
        assert_alerts(self.lab.moto, f"shop-{environment}-secrets")
        aliases = [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]]
        assert aliases.count(f"alias/shop-{environment}") == 1


@pytest.fixture
def empty(lab: Lab, github: GitHub) -> Empty:
    return Empty(lab, github)


@pytest.mark.slow
def test_from_nothing_to_a_deploy(empty: Empty) -> None:
    """The plan writes nothing anywhere, before and after; a second run changes nothing and sends nothing."""
    lab, github = empty.lab, empty.github
    shown = empty.whole("--check", "--diff")
    assert writes(shown) == ["BatchGetSecretValue"] * writes(shown).count("BatchGetSecretValue")
    assert github.writes() == []
    assert empty.state() == {}

    first = empty.whole("-vvvv", "--diff")
    empty.assert_provisioned()
    for text in (shown.output, first.output, github.log()):
        assert "canary" not in text
        for value in (ANSWERS["API_TOKEN"], ANSWERS["admin"]["password"], empty.secret("all-in-one")["password"]):
            assert value not in text

    command = f"watchparty.secrets.baseline -e app_environment={ENVIRONMENT}"
    assert (command in first.text, command in shown.text) == (True, False)

    state, sent = empty.state(), github.writes()
    again = empty.whole("--diff", first=False)
    assert again.result("web1")["changed"] == 0, again.output
    assert set(writes(again)) <= {"BatchGetSecretValue"}
    assert (empty.state(), github.writes()) == (state, sent)

    assert_listed(lab.moto.calls(since=empty.since))
    lab.deploy("-e", "env_deploy_restart=false")
    assert lab.hosts[0].values()["DATABASE_URL"] == empty.secret(f"shop/{ENVIRONMENT}/core")["DATABASE_URL"]


@pytest.mark.slow
@pytest.mark.long
def test_grants_of_its_own_arrive_late(empty: Empty) -> None:
    """From the first role that it makes, AWS denies secrets, parameters and keys for some seconds."""
    moto = empty.lab.moto
    moto.set_propagation(seconds=8)
    try:
        run = empty.whole(WATCHPARTY_SECRETS_ACCESS_WAIT="60")
    finally:
        moto.set_propagation()
    empty.assert_provisioned()
    assert "waiting for access: " in run.output
    refused = [call["operation"] for call in moto.calls(since=empty.since) if call["status"] == 400]
    assert len(refused) >= 2, refused


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("token", [None, "wrong"])
def test_what_github_refuses_is_reported_before_anything_is_made(empty: Empty, token: str | None) -> None:
    arguments = ("-e", f"app_environment={ENVIRONMENT}", *empty.command)
    run = empty.lab.run(*arguments, playbook=PROVISION, environment={"GITHUB_TOKEN": token})
    assert run.code != 0
    assert ("no token for GitHub" if token is None else "GitHub rejects") in run.text
    assert writes(run) == ["BatchGetSecretValue"] * len(writes(run))
    assert empty.state() == {}


@pytest.mark.slow
@pytest.mark.long
def test_staging_and_production_side_by_side(empty: Empty) -> None:
    """Neither writes what is the other's, and no role of one reaches what the other has."""
    empty.whole()
    before, sent = empty.state(), dict(empty.github.environments[ENVIRONMENT].values)
    for host in empty.lab.hosts:
        empty.lab.host_vars[host.name]["app_environment"] = OTHER
    empty.whole(environment=OTHER)
    empty.assert_provisioned(OTHER)
    after = empty.state()
    assert {name: after[name] for name in before} == before
    assert empty.github.environments[ENVIRONMENT].values == sent
    mine, theirs = empty.secret(f"shop/{ENVIRONMENT}/core"), empty.secret(f"shop/{OTHER}/core")
    given = {"API_TOKEN"}
    assert not {name for name in mine if mine[name] == theirs[name]} - given
    for environment, foreign in ((ENVIRONMENT, OTHER), (OTHER, ENVIRONMENT)):
        for role in ROLES:
            documents = empty.documents(f"shop-{environment}-{role}")
            for other, allowed in ((environment, True), (foreign, False)):
                arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/{other}/core-AbCdEf"
                assert bool(decide(documents, IamRequest("secretsmanager:GetSecretValue", arn))) is allowed, (
                    role,
                    other,
                )


@pytest.mark.slow
@pytest.mark.long
def test_killed_and_started_again(empty: Empty, record_property: Any) -> None:
    """From nothing each time: killed before a write, then run again, it ends complete and nothing is doubled."""
    lab: Any = empty.lab
    token = ("env", f"GITHUB_TOKEN={TOKEN}")
    chaos = Chaos(lab, Controller(lab, prefix=token, playbook=PROVISION, command=empty.command))

    def attempt(at: str) -> object:
        reset(empty.lab.moto)
        for scope in empty.github.environments.values():
            scope.values.clear()
        act = chaos.kill(at, alive=False)
        empty.whole()
        empty.assert_provisioned()
        state = empty.state()
        assert all(len(item[1]) == 1 for name, item in state.items() if not name.startswith("/")), "made more than once"
        assert empty.whole(first=False).result("web1")["changed"] == 0
        return act.label if act else "not reached"

    all_points = points(chaos.acts())
    chosen = all_points if EVERY else all_points[:: max(1, len(all_points) // 4)]
    sweep(chosen, attempt, what="provision, each from nothing", record=record_property)


@pytest.mark.slow
@pytest.mark.long
def test_without_a_terminal_nothing_is_made(empty: Empty) -> None:
    arguments = ("-e", f"app_environment={ENVIRONMENT}")
    run = empty.lab.run(*arguments, playbook=PROVISION, environment={"GITHUB_TOKEN": TOKEN})
    assert run.code != 0
    for name in (*ANSWERS, "provision_values_file"):
        assert name in run.text
    assert writes(run) == ["BatchGetSecretValue"] * len(writes(run))
    assert empty.github.writes() == []
