# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator sees: outputs/PLAYBOOK.txt has runs of each playbook, as the callback ``console`` prints them.

Read each difference as an operator who has never seen the output. WRITE_OUTPUTS=1 writes the files anew.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from sandbox import sshd
from sandbox.aws import REGION
from sandbox.process import REPOSITORY, free_port
from tests.integration.harness import CONSOLE, HERE, Host, Lab
from tests.unit.plugins.plugin_utils._scan.scan_world import git

pytestmark = pytest.mark.slow
FILES = HERE / "outputs"
CHECK = "--check"
VARYING = (
    (rf"\b{getpass.getuser()}@[\w.-]+", "USER@HOST"),
    (r"(?m)^\d\d:\d\d:\d\d +(running|waiting) .*\n", ""),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "HH:MM:SS"),
    (r"\b((r|leak)-)\d{8}T\d{6}-[0-9a-f]{4}\b", r"\1ID"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "VERSION"),
    (r"\bfingerprint [0-9a-f]{8}\b", "fingerprint DIGEST"),
    (r"\b[0-9a-f]{24}$", "DIGEST"),
    (r"\b\d+(\.\d)? (s|ms|min)\b", r"N \2"),
    (r"(?<=seconds: ).*", "STEP N, …"),
    (r"(?<=127\.0\.0\.1)(\]?:| port )\d+", r"\1PORT"),
    (r"\bSHA256:\S{43}", "SHA256:DIGEST"),
    (r"\bAAAA[\w+/=]{40,}", "KEY"),
    (r"(?m)(^\+(?!\+\+ ).*\n){5,}", "+…\n"),  # files, which other tests compare
    (r"@@ .* @@", "@@"),
    (r"(?m)(^  .*: on web\d\n)+", "  …\n"),  # what this machine has
    (r"\b\d+ (accounts|objects)", r"N \1"),
)
"""What is not the same in the next run, and what stands for it."""


class Outputs:
    """By playbook the texts of its runs."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.texts: defaultdict[str, list[str]] = defaultdict(list)

    def run(self, playbook: str, *arguments: str, environment: dict[str, str] | None = None, **variables: str) -> None:
        """``variables`` are Ansible's."""
        given = [*arguments, *(word for name, value in variables.items() for word in ("-e", f"{name}={value}"))]
        run = self.lab.run(
            *given,
            playbook=REPOSITORY / "playbooks" / f"{playbook}.yml",
            environment={**CONSOLE, **(environment or {})},
            folder=self.lab.directory,
        )
        output = run.output.rstrip()
        for pattern, name in VARYING:
            output = re.sub(pattern, name, output)
        command = shlex.join(["ansible-playbook", f"watchparty.secrets.{playbook}", *given])
        command = re.sub(r"\d{4}-\d\d-\d\d", "DATE", command)
        text = f"$ {command}\n{output}\nexit code {run.code}\n"
        self.texts[f"{playbook}.txt"].append(text.replace(str(self.lab.directory), "/operations"))

    def compare(self) -> None:
        texts = {name: "\n".join(runs) for name, runs in self.texts.items()}
        if os.environ.get("WRITE_OUTPUTS"):
            for name, text in texts.items():
                (FILES / name).write_text(text, encoding="utf-8")
        assert texts == {name: (FILES / name).read_text(encoding="utf-8") for name in texts if (FILES / name).exists()}


def test_every_playbook(lab: Lab) -> None:
    lab.seed()
    (host,) = lab.add_hosts()
    token = {"kind": "external", "max_age_days": 90, "appears_in": [{"setting": "API_TOKEN"}]}
    lab.catalog["credentials"] = {"token": token}
    lab.catalog["environments"]["production"]["region"] = REGION
    kms = lab.moto.client("kms")
    kms.create_alias(AliasName="alias/shop-production", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    outputs = Outputs(lab)
    outputs.run("provision", CHECK, aws_access_adopt="alias/shop-production")
    outputs.run("provision_values", CHECK)
    outputs.run("baseline")
    if not sshd.unavailable():
        outputs.run("host", CHECK, env_deploy_owner="deploy", env_deploy_group="shop")
        outputs.run("host_keys")
    deploys(outputs, host)
    files(outputs, host)
    settings(outputs)
    rotations(outputs, host)
    leaks(outputs)
    scans(outputs, host)
    outputs.run("verify", verify_only="audit_log")
    outputs.run("verify", verify_only="git,contacts")
    playbooks = {path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")}
    skipped = {"host", "host_keys"} if sshd.unavailable() else set()
    assert {*outputs.texts} == {f"{name}.txt" for name in playbooks - skipped}
    outputs.compare()


@contextmanager
def behaving(host: Host, **behaviours: str) -> Iterator[None]:
    (host.directory / "behaviour.json").write_text(json.dumps(behaviours), encoding="utf-8")
    yield
    host.behaves()


def deploys(outputs: Outputs, host: Host) -> None:
    lab = outputs.lab
    outputs.run("deploy", CHECK)
    outputs.run("deploy")
    outputs.run("deploy")
    outputs.run("validate")
    generation = {"Name": "/shop/production/App/GENERATION", "Overwrite": True}
    lab.moto.client("ssm").put_parameter(Value="2", **generation)
    with behaving(host, **{"2": "500"}):
        outputs.run("deploy")
    reachable = lab.host_vars["web1"]
    lab.host_vars["web1"] = {**reachable, "ansible_connection": "ssh", "ansible_host": "127.0.0.1"}
    lab.host_vars["web1"] |= {"ansible_port": free_port(), "ansible_ssh_retries": 0}
    outputs.run("deploy")
    lab.host_vars["web1"] = reachable
    lab.catalog["settings"]["SMTP_PASSWORD"] = {"group": "core", "required": True}
    outputs.run("deploy")
    outputs.run("validate")
    del lab.catalog["settings"]["SMTP_PASSWORD"]
    outputs.run("validate", environment={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})


def files(outputs: Outputs, host: Host) -> None:
    lab = outputs.lab
    outputs.run("fetch")
    lab.catalog["encrypted_env"] = {"file": str(lab.directory / "{environment}.env.enc")}
    outputs.run("env_encrypt")
    outputs.run("env_decrypt")
    del lab.catalog["encrypted_env"]
    outputs.run("env_example")
    outputs.run("ci_env")
    outputs.run("github_sync")
    outputs.run("github_workflow")
    outputs.run("import")
    outputs.run("import", import_file=str(host.env_file), import_draft_path=str(lab.directory / "draft.yml"))
    outputs.run("mirror")


def settings(outputs: Outputs) -> None:
    file = outputs.lab.directory / "api-token"
    file.touch(mode=0o600)
    file.write_text("a-new-token-of-the-provider", encoding="utf-8")
    outputs.run("set", set_names="API_TOKEN")
    outputs.run("set", set_names="API_TOKEN", set_value_file=str(file))
    outputs.run("set", set_names="API_TOKEN", set_undo="true", set_deploy="true")


def rotations(outputs: Outputs, host: Host) -> None:
    value, file = "another-token-of-the-provider", outputs.lab.directory / "new.yml"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"token": value}), encoding="utf-8")
    given = {"rotation_credentials": "token", "rotation_values_file": str(file)}
    outputs.run("rotation_elsewhere")
    at = f"{datetime.now(UTC) - timedelta(days=100):%Y-%m-%d}"
    elsewhere = {"rotation_elsewhere": "token", "rotation_elsewhere_reason": "test"}
    outputs.run("rotation_elsewhere", rotation_elsewhere_at=at, **elsewhere)
    outputs.run("rotation_report")
    outputs.run("rotation_due")
    outputs.run("rotate")
    outputs.run("rotate", rotation_credentials="token")
    outputs.run("rotate", CHECK, **given)
    with behaving(host, **{f"value:{value}": "500"}):
        outputs.run("rotate", **given)
    outputs.run("rotate", **given)
    outputs.run("rotation_due")
    outputs.run("rotation_forget", rotation_forget="token")
    outputs.run("rotation_prepare")


def leaks(outputs: Outputs) -> None:
    file = outputs.lab.directory / "new.yml"
    file.write_text(json.dumps({"token": "a-third-token-of-the-provider"}), encoding="utf-8")
    given = {"leak_credentials": "token", "rotation_values_file": str(file)}
    outputs.run("impact", leak_credentials="token")
    outputs.run("leak_alert")
    outputs.run("leak_response")
    outputs.run("leak_response", CHECK, **given)
    outputs.run("leak_response", leak_confirm="yes", **given)
    outputs.run("leak_response", leak_confirm="yes", leak_revoked="token", **given)


def scans(outputs: Outputs, host: Host) -> None:
    repository = outputs.lab.directory / "repository"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    (repository / "settings.py").write_text("DEBUG = False\n", encoding="utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "work")
    outputs.run("scan")
    outputs.run("scan", scan_repositories=str(repository), scan_patterns="none")
    (repository / "settings.py").write_text(host.env_file.read_text(encoding="utf-8"), encoding="utf-8")
    outputs.run("scan", scan_repositories=str(repository), scan_patterns="none")
