# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS tells of access, as provisioning leaves it, and mistakes to plant in it."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import iam_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_access import EnvironmentAccess
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_targets import Resources
from tests import planted
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts
from tests.unit.plugins.plugin_utils._verify.verify_facts import ACCOUNT, NOW, SECRET

REGION = "eu-west-3"
OTHER = "999999999999"
IAM = f"arn:aws:iam::{ACCOUNT}"
ADMIN = f"{IAM}:user/admin"
SSO, REPORT = f"{IAM}:role/sso-operators", f"{IAM}:role/report"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
ALIAS = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/watchparty-production"
SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SECRET}-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/watchparty/audit"
HOST, DEPLOY = "watchparty-production-host", "watchparty-production-deploy"
OIDC = "token.actions.githubusercontent.com"
PROVIDER = f"{IAM}:oidc-provider/{OIDC}"
SUBJECT = "repo:example/watchparty:environment:production"
DOCUMENT = {
    **verify_facts.DOCUMENT,
    "settings": {**verify_facts.DOCUMENT["settings"], "PEPPER": {"parameter": "PEPPER", "sensitivity": "high"}},
    "journal": {"s3": "watchparty-journal"},
    "aws": {"operators": [ADMIN, SSO], "readers": [REPORT]},
    "encrypted_env": {"file": "deploy/{environment}.env.enc"},
    "github": {"repository": "example/watchparty"},
}
CATALOG = catalog_parser.parse(DOCUMENT, "production")
PLAN = resources.plan(CATALOG, AwsScope(ACCOUNT, REGION, KEY), resources.AccessOptions())
DOCUMENTS = {policy["arn"]: policy["document"] for policy in PLAN["policies"]}
Statement = dict[str, Any]


def allow(action: Any, resource: Any = "*", **over: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **over}


@dataclass
class World:
    """What AWS tells, as provisioning leaves it."""

    roles: dict[str, Any] = field(
        default_factory=lambda: {
            role["name"]: {
                "arn": f"{IAM}:role/{role['name']}",
                "trust": copy.deepcopy(role["trust"]),
                "policies": {arn: copy.deepcopy(DOCUMENTS[arn]) for arn in role["policies"]},
                "attached": {arn: arn for arn in role["policies"]},
            }
            for role in PLAN["roles"]
        }
    )
    principals: list[iam_readers.Principal] = field(default_factory=list)
    secret: dict[str, Any] = field(
        default_factory=lambda: verify_facts.secret(arn=SECRET_ARN, key=KEY, tags={"Environment": "production"})
    )
    secret_policy: dict[str, Any] = field(default_factory=dict)
    key: dict[str, Any] = field(
        default_factory=lambda: {
            "state": "Enabled",
            "manager": "CUSTOMER",
            "rotating": True,
            "arn": KEY,
            "policy": copy.deepcopy(PLAN["key"]["policy"]),
            "grants": [],
        }
    )
    declared: str = KEY
    bucket: dict[str, Any] = field(default_factory=verify_facts.bucket)
    commands: dict[str, None] = field(default_factory=dict)
    """Of the last findings of :data:`MENDED`."""

    def failed(self) -> set[str]:
        connection = AwsConnection("test", {"region": REGION})
        look = EnvironmentAccess(DOCUMENT, CATALOG, connection, ACCOUNT)
        own = [iam_readers.of_role(name, entry) for name, entry in self.roles.items()]
        look.__dict__["_cached_everybody"] = [*own, *self.principals]
        secrets = {SECRET: self.secret}
        keys = {self.secret["key"]: self.key, "alias/watchparty-production": {**self.key, "arn": self.declared}}
        look.__dict__["_cached__keys"] = keys
        contents = Contents({"/watchparty/production/PEPPER": {}})  # type: ignore[arg-type, dict-item]
        policies = {SECRET: {"document": self.secret_policy}}
        resources = Resources(secrets, policies, keys, {verify_facts.JOURNAL: self.bucket})
        parts = verify_facts.parts(
            roles=self.roles,
            secrets=secrets,
            policies=policies,
            keys=keys,
            buckets=resources.buckets,
            granted=look.granted(self.roles, resources),
            rights=look.rights(resources),
            readers=_readers(look, secrets, policies, self.key, contents),
        )
        chosen = verify_check.chosen(["iam", "WPS1003"])
        results = verify_check.run_checks(chosen, verify_check.Facts(CATALOG, NOW, parts))
        assert not [
            outcome.message
            for result in results
            for outcome in result.outcomes
            if outcome.status == "not checked" or outcome.message.startswith("fault")
        ]
        assert pasted_commands.flaws(results) == []
        self.commands = dict.fromkeys(
            command for check, command in pasted_commands.commands(results) if check in MENDED
        )
        return {*planted.found(results)}

    def run(self, command: str) -> None:
        """What AWS does with it."""
        _aws, service, operation, *rest = shlex.split(command)
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        policy = json.loads(
            next((text for name, text in options.items() if "policy" in name and text[:1] == "{"), "{}")
        )
        if operation == "revoke-grant":
            self.key["grants"] = [entry for entry in self.key["grants"] if entry["GrantId"] != options["--grant-id"]]
        elif service == "iam" and operation.startswith("put"):
            name = options.get("--role-name") or options["--user-name"]
            if name in self.roles:
                self.roles[name]["policies"][options["--policy-name"]] = policy
            self.principals = [
                replace(principal, policies=(*principal.policies, policy)) if principal.name == name else principal
                for principal in self.principals
            ]
        elif service == "kms":
            self.key["policy"] = policy
        elif service == "s3api":
            self.bucket["policy"] = policy
        elif operation in ("put-resource-policy", "delete-resource-policy"):
            self.secret_policy = policy
        else:
            raise AssertionError(command)


def _readers(look: EnvironmentAccess, secrets: Any, policies: Any, key: Any, contents: Contents) -> dict[str, Any]:
    """With the key as it is here; KMS is not asked."""
    object.__setattr__(look, "_key", lambda _name: key)
    return look.readers(secrets, policies, contents)


Plant = Callable[[World], Any]


def role(statement: Statement, name: str = HOST) -> Plant:
    return lambda world: world.roles[name]["policies"].update(by_hand={"Statement": [statement]})


def trust(statement: Statement, name: str = HOST) -> Plant:
    entry = {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}
    return lambda world: world.roles[name].update(trust={"Statement": [entry]})


def workflow(subject: Any, name: str = DEPLOY, operator: str = "StringEquals", **over: Any) -> Plant:
    keys = {f"{OIDC}:aud": "sts.amazonaws.com", f"{OIDC}:sub": subject}
    statement = {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER}}
    return trust({**statement, "Condition": {operator: keys}, **over}, name)


def user(*statements: Statement, kind: str = "user", **over: Any) -> Plant:
    principal = iam_readers.Principal(
        kind, "ada", f"{IAM}:{kind}/ada", tuple({"Statement": [statement]} for statement in statements), **over
    )
    return lambda world: world.principals.append(principal)


def reader(service: str, *statements: Statement) -> Plant:
    """The catalog's reader is a program of a service of AWS, beside a user."""

    def plant(world: World) -> None:
        trusted = {"Statement": [{"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}}]}
        world.principals.append(iam_readers.Principal("role", "report", REPORT, trust=trusted))
        user(*statements)(world)

    return plant


def trusted_reader(*statements: Statement, **trust: Any) -> Plant:
    """The catalog's reader is a role that some may assume, beside a user."""

    def plant(world: World) -> None:
        entry = {"Effect": "Allow", "Action": "sts:AssumeRole", **trust}
        world.principals.append(iam_readers.Principal("role", "report", REPORT, trust={"Statement": [entry]}))
        user(*statements)(world)

    return plant


def on_secret(**statement: Any) -> Plant:
    entry = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*", **statement}
    return lambda world: world.secret_policy.update(Statement=[entry])


def on_key(**statement: Any) -> Plant:
    entry = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **statement}
    return lambda world: world.key["policy"]["Statement"].append(entry)


def on_bucket(action: Any = "s3:*", name: str = "watchparty-journal", **statement: Any) -> Plant:
    entry = {
        "Effect": "Allow",
        "Action": action,
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        **statement,
    }
    return lambda world: world.bucket["policy"].update(Statement=[entry])


def delegated(world: World) -> None:
    """The key's policy leaves everything to IAM."""
    everything = {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "kms:*", "Resource": "*"}
    world.key.update(policy={"Statement": [everything]})


def grant(who: str, *operations: str) -> Plant:
    entry = {"GrantId": "g-1", "GranteePrincipal": who, "Operations": [*operations]}
    return lambda world: world.key["grants"].append(entry)


def under(**condition: Any) -> dict[str, Any]:
    return {"Condition": condition}


READ = "secretsmanager:GetSecretValue"
MENDED = {"WPS404", "WPS406", "WPS407"}
"""Checks whose commands make them pass."""


def failed(plant: Plant) -> set[str]:
    """The checks that fail once it is planted, until their commands were run."""
    world = World()
    plant(world)
    failed = rest = world.failed()
    for _round in range(3):  # who may take a denial away is a finding of its own
        for command in world.commands:
            world.run(command)
        rest = world.failed() if world.commands else rest
    assert not rest & MENDED, world.commands
    return failed
