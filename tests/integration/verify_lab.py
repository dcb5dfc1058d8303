# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application in a state that every check passes, and the guide's mistakes, each planted by one function."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.report_schema import SCHEMA
from sandbox.aws import ACCOUNT, REGION
from sandbox.postgres import Postgres
from sandbox.process import clean_environment
from sandbox.seed import Layout
from tests.integration import harness
from tests.integration.access_lab import OPERATOR
from tests.integration.certificates import Authority, Https
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.harness import ENVIRONMENT, SERVICE, Lab, Run, layout

VERIFY = "playbooks/verify.yml"
ROLES = tuple(f"shop-production-{name}" for name in ("host", "deploy", "rotate", "respond"))
LOG_GROUP = "/shop/audit"
ON_CONTROLLER = "contacts,WPS304,WPS309,iam,revocation,ages,isolation,recovery"
IN_REPOSITORY = "git,ci"
READS = ("Get", "List", "Describe", "BatchGet")
FORMER_PASSWORD = "former-database-password-" + "y" * 20
FORMER_KEY = "former-secret-key-" + "y" * 50
WORKFLOW = """name: test
on: push
permissions: {contents: read}
jobs:
  test:
    runs-on: ubuntu-latest
    permissions: {contents: read, id-token: write}
    steps:
      - uses: actions/checkout@%s # v5
        with: {persist-credentials: false}
      - uses: aws-actions/configure-aws-credentials@%s # v5
        with: {role-to-assume: "arn:aws:iam::123456789012:role/shop-ci", aws-region: eu-west-3}
      - run: printf '%%s' "$TOKEN" | login --password-stdin
        env: {TOKEN: "${{ secrets.TOKEN }}"}
""" % ("0" * 40, "1" * 40)


DEPLOY_FILE = ".github/workflows/deploy.yml"


@dataclass
class VerifyLab:
    """A lab with everything that the checks ask for."""

    lab: Lab
    outside: Https
    authority: Authority
    github: GitHub
    postgres: Postgres
    report: Path
    repository: Path
    runs: int = 0

    def verify(
        self, *arguments: str, only: str = "", environment: Mapping[str, str | None] | None = None
    ) -> tuple[Run, dict[str, Any]]:
        self.runs += 1
        report = self.report / str(self.runs)
        chosen = ("-e", f"verify_only={only}") if only else ()
        given = {"verify_report_path": str(report), "verify_repository": str(self.repository)}
        variables = {"GITHUB_TOKEN": TOKEN, **(environment or {})}
        given["verify_cafile"] = str(self.authority.cafile)
        run = self.lab.run("-e", json.dumps(given), *chosen, *arguments, playbook=VERIFY, environment=variables)
        path = report / ("partial.json" if only else "verify.json")
        if not path.exists():
            return run, {"checks": []}
        report = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(report, SCHEMA, format_checker=jsonschema.FormatChecker())
        return run, report

    def client(self, service: str) -> Any:
        return self.lab.moto.client(service)


def failed(result: Mapping[str, Any]) -> dict[str, list[str]]:
    """Evidence by the id of each check that fails."""
    return {
        check["id"]: [f"{o['place']}: {o['message']}" for o in check["outcomes"] if o["status"] == "fail"]
        for check in result["checks"]
        if check["status"] == "fail"
    }


def outcomes(result: Mapping[str, Any], check: str) -> list[dict[str, Any]]:
    return [outcome for item in result["checks"] if item["id"] == check for outcome in item["outcomes"]]


def statuses(result: Mapping[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in result["checks"]}


# --- the healthy state -----------------------------------------------------------------------------------------------


def healthy_catalog(github: str) -> dict[str, Any]:
    fallbacks = {"group": "core", "type": "list"}
    catalog = harness.catalog(
        extra={"SECRET_KEY_FALLBACKS": fallbacks},
        aws={"replicas": ["eu-west-1"], "operators": [OPERATOR]},
        github={"repository": REPOSITORY, "api_url": github},
        credentials={
            "database": {
                "kind": "postgresql_role",
                "max_age_days": 90,
                "revocation_ttl": 60,
                "appears_in": [{"setting": "DATABASE_URL"}],
            },
            "django_key": {
                "kind": "django_secret_key",
                "max_age_days": 90,
                "fallbacks": "SECRET_KEY_FALLBACKS",
                "appears_in": [{"setting": "SECRET_KEY"}],
            },
        },
    )
    catalog["environments"]["staging"] = {"expected_account_id": ACCOUNT, "github": None}
    catalog["settings"]["API_TOKEN"]["github"] = "secret"
    catalog["files"] = {"license": {"path": "license.json", "format": "json", "settings": ["LICENSE_TEXT"]}}
    return catalog


def staging() -> Layout:
    other = layout(token=lambda name: f"staging-{name.lower()}-" + "z" * 50)
    secrets = {name.replace("/production/", "/staging/"): item for name, item in other.secrets.items()}
    parameters = {name.replace("/production/", "/staging/"): group for name, group in other.parameters.items()}
    return Layout(secrets, parameters)


def trust(principal: Mapping[str, Any], condition: Mapping[str, Any] | None = None) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}
    )


def policy(action: str | list[str], resource: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    )


def stamp(days: float = 0, seconds: float = 0) -> str:
    return (datetime.now(UTC) - timedelta(days=days, seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def prepare_aws(lab: Lab, postgres: Postgres, *, token: Any = None) -> None:
    client = lab.moto.client
    key = client("kms").create_key()["KeyMetadata"]
    client("kms").enable_key_rotation(KeyId=key["KeyId"])
    manager = client("secretsmanager")
    wanted = layout(token=token)
    core: Any = wanted.secrets["shop/production/core"]
    password = unquote(urlsplit(core["DATABASE_URL"]).password or "")
    postgres.create_login("shop", password, "shop")
    core["DATABASE_URL"] = postgres.url("shop", password, "shop")
    former = token("FORMER_PASSWORD") if token else FORMER_PASSWORD
    before = {**core, "SECRET_KEY": FORMER_KEY, "DATABASE_URL": postgres.url("shop", former, "shop")}
    for name, content in {**wanted.secrets, "shop/production/core": before}.items():
        text = content if isinstance(content, str) else json.dumps(content)
        replicas = [{"Region": "eu-west-1"}]
        manager.create_secret(Name=name, SecretString=text, KmsKeyId=key["KeyId"], AddReplicaRegions=replicas)
    lab.seed(Layout({"shop/production/core": core}, wanted.parameters))
    lab.seed(staging())
    client("logs").create_log_group(logGroupName=LOG_GROUP)
    prepare_access(lab, key["Arn"])
    client("iam").create_user(UserName="deployer")
    client("iam").create_access_key(UserName="deployer")


def prepare_access(lab: Lab, key: str) -> None:
    """Exactly what provisioning makes of the catalog."""
    iam, kms = lab.moto.client("iam"), lab.moto.client("kms")
    plan = access_resources.plan(
        catalog_parser.parse(lab.catalog, ENVIRONMENT), AwsScope(ACCOUNT, REGION, key), access_resources.AccessOptions()
    )
    kms.create_alias(AliasName=plan["key"]["alias"], TargetKeyId=key)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(plan["key"]["policy"]))
    iam.create_open_id_connect_provider(Url=plan["provider"]["url"], ClientIDList=plan["provider"]["client_ids"])
    for item in plan["policies"]:
        iam.create_policy(PolicyName=item["name"], PolicyDocument=json.dumps(item["document"]))
    for role in plan["roles"]:
        iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=json.dumps(role["trust"]))
        for arn in role["policies"]:
            iam.attach_role_policy(RoleName=role["name"], PolicyArn=arn)


def prepare_github(github: GitHub) -> None:
    github.put_by_hand("API_TOKEN", "sealed there")
    github.files[DEPLOY_FILE] = WORKFLOW
    github.ran("deploy.yml", "failure")
    github.ran("deploy.yml", "success")


def write_journal(lab: Lab, *, days: float = 5, seconds: int = 20) -> None:
    plan = {"credentials": {"database": {}, "django_key": {}}}
    before = datetime.now(UTC) - timedelta(days=days)
    at = [
        (before + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ") for number in (0, 1, seconds, seconds + 1)
    ]
    rotated = {name: {"at": at[3], "who": "ops@example.com", "rotation": "r1"} for name in plan["credentials"]}
    lab.journal(1, step="promote", at=at[0], plan=plan)
    lab.journal(2, step="revoke", at=at[1])
    lab.journal(3, step="record", at=at[2])
    lab.journal(4, step="closed", at=at[3], rotated=rotated)


def make_repository(path: Path) -> None:
    (path / ".github" / "workflows").mkdir(parents=True)
    (path / ".github" / "workflows" / "test.yml").write_text(WORKFLOW)
    (path / ".gitignore").write_text(".env*\n!.env.example\n")
    (path / ".env.example").write_text(
        "SECRET_KEY=change_me_dev_only\nDATABASE_URL=postgresql://shop:change_me@localhost/shop\n"
    )
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all", "--force")
    commit(path, "The first")


def git(path: Path, *arguments: str) -> str:
    environment = clean_environment(HOME=str(path), GIT_CONFIG_NOSYSTEM="1")
    command = ["git", "-C", str(path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, env=environment, text=True).stdout


def commit(path: Path, message: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    git(path, *who, "commit", "--quiet", "--message", message)


def write_systemctl(lab: Lab) -> None:
    """What stands for systemctl on a host: the unit's process is the fake service's."""
    for host in lab.hosts:
        folder = host.directory.parent / f"bin-{host.name}"
        folder.mkdir(exist_ok=True)
        program = folder / "systemctl"
        read = f"import json;print(json.load(open('{host.directory}/service.json'))['pid'])"
        program.write_text(
            "#!/bin/sh\nprintf '%s\\n' Id=shop.service LoadState=loaded User=nobody Type=simple ActiveState=active \\\n"
            "  'ExecStart={ path=/usr/bin/podman ; argv[]=podman run shop ; }' \\\n"
            "  SubState=running UnitFileState=enabled WantedBy=multi-user.target\n"
            f'echo "MainPID=$({sys.executable} -IS -c "{read}")"\n'
        )
        program.chmod(0o755)
        python = lab.host_vars[host.name]["ansible_python_interpreter"]
        lab.host_vars[host.name]["ansible_python_interpreter"] = f"env PATH={folder}:/usr/bin:/bin {python}"


@contextmanager
def prepared(lab: Lab, *, hosts: int = 2, token: Any = None) -> Iterator[VerifyLab]:
    """The healthy state: deployed, rotated five days ago, nothing left over."""
    authority = Authority(lab.directory)
    with (
        Https(authority.certificate()) as outside,
        GitHub(organization=False) as github,
        Postgres() as postgres,
    ):
        lab.add_hosts(hosts, rotation_python=sys.executable)
        lab.catalog = healthy_catalog(github.url)
        prepare_aws(lab, postgres, token=token)
        prepare_github(github)
        write_journal(lab)
        make_repository(lab.directory / "checkout")
        lab.deploy("-e", "env_deploy_serial=100%")
        # What stands for systemctl, and for what is seen from outside, is watchparty.secrets.verify's alone.
        write_systemctl(lab)
        for variables in lab.host_vars.values():
            variables["env_deploy_external_health_url"] = outside.url
        places = (lab.directory / "reports", lab.directory / "checkout")
        yield VerifyLab(lab, outside, authority, github, postgres, *places)


# --- the guide's mistakes --------------------------------------------------------------------------------------------


def access_list(path: Path, uid: int) -> None:
    """``setfacl -m u:UID:r``, for hosts without the program."""
    entries = [
        (0x01, 6, 0xFFFFFFFF),
        (0x02, 4, uid),
        (0x04, 0, 0xFFFFFFFF),
        (0x10, 4, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    ]
    os.setxattr(
        path,
        "system.posix_acl_access",
        struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries),
    )


def answers_500(lab: Lab, at: int) -> None:
    host = lab.hosts[at]
    host.behaves(**{f"g{host.generation}": "500"})
    subprocess.run([sys.executable, "-IS", str(SERVICE), "restart", str(host.directory)], check=True, timeout=30)
