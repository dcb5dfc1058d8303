# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""verify.yml on a healthy application, and after each of the guide's mistakes."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import zizmor
from sandbox.aws import ACCOUNT, Moto
from sandbox.process import REPOSITORY
from tests import planted, state
from tests.integration import harness
from tests.integration.canaries import Canaries, in_files
from tests.integration.harness import Lab
from tests.integration.planted_runs import BY_ZIZMOR, IN_AWS, IN_REPOSITORY_FILES, MORE_IN_AWS, ON_HOSTS
from tests.integration.verify_lab import (
    DEPLOY_FILE,
    IN_REPOSITORY,
    LOG_GROUP,
    ON_CONTROLLER,
    READS,
    ROLES,
    VerifyLab,
    access_list,
    answers_500,
    commit,
    failed,
    git,
    outcomes,
    policy,
    prepared,
    statuses,
    trust,
)
from tests.unit.plugins.plugin_utils._audit.audit_lines import record_fields

pytestmark = pytest.mark.slow
REPOSITORY_WAYS = (planted.PLAYBOOK, planted.REPOSITORY_FILES, planted.GITHUB)


@pytest.fixture(scope="module")
def healthy(account: Moto, connection: Mapping[str, Any]) -> Iterator[VerifyLab]:
    harness.reset(account)
    directory = Path(tempfile.mkdtemp(prefix="lab-")).resolve()
    lab = Lab(directory, account, connection)
    try:
        with prepared(lab) as verify_lab:
            yield verify_lab
    finally:
        lab.close()
        shutil.rmtree(directory)


@planted.variations("A whole environment", planted.PLAYBOOK, rows=["deployed, rotated and provisioned"])
def test_a_healthy_application_passes_and_nothing_is_changed(healthy: VerifyLab) -> None:
    before = healthy.lab.state()
    run, result = healthy.verify()
    planted.ended(run.code)
    assert run.code == 0, run.output
    without = ("WPS204", "WPS207", "WPS211", "WPS305", "WPS408", "WPS409", "WPS510", "WPS1102", "WPS1103", "WPS1104")
    passed_over = dict.fromkeys(without, "not applicable")
    passed_over |= {} if zizmor.installed() else {"WPS508": "not checked"}
    assert {name: how for name, how in statuses(result).items() if how != "pass"} == passed_over, run.output
    assert any("rejected now at database shop" in outcome["message"] for outcome in outcomes(result, "WPS701"))
    assert [request.method for request in healthy.github.requests if request.method != "GET"] == []
    assert [operation for operation in run.operations if not operation.startswith(READS)] == []
    assert healthy.lab.state() == before
    folder = healthy.report / str(healthy.runs)
    modes = {path.name: f"{stat.S_IMODE(path.stat().st_mode):04o}" for path in folder.iterdir()}
    assert modes == {"verify.json": "0600", "verify.sarif": "0600", "verify.html": "0600"}
    assert json.loads((folder / "verify.sarif").read_text())["runs"][0]["results"] == []


@planted.mistakes("Hosts, by a whole run", planted.PLAYBOOK, rows=ON_HOSTS)
def test_mistakes_on_hosts(healthy: VerifyLab) -> None:
    lab = healthy.lab
    first, second = lab.hosts
    kept = {path: path.read_bytes() for host in lab.hosts for path in (host.env_file, state.mark(host.env_file))}
    first.env_file.chmod(0o640)
    first_license, second_license = (host.directory / "license.json" for host in (first, second))
    second_license.chmod(0o644)
    kept |= {path: path.read_bytes() for path in (first_license, second_license)}
    first_license.write_text(first_license.read_text().replace("generation-1", "generation-0"))
    (first.directory / ".env.bak").write_bytes(b"# nothing\n")
    (second.directory / "notes.txt").write_text(f"old key: {second.values()['API_TOKEN']}\n")
    access_list(second.env_file, 65534)
    mark = json.loads(state.mark(first.env_file).read_text())
    mark["healthy"]["at"] += 3600  # the service has run since before that deploy
    state.mark(first.env_file).write_text(json.dumps(mark))
    seen = second.env_file.stat()
    with second.env_file.open("a", encoding="utf-8") as stream:
        stream.write("STRANGE='1'\n")
    second.env_file.write_text(second.env_file.read_text().replace("GENERATION='1'", "GENERATION='0'"))
    os.utime(second.env_file, (seen.st_atime, seen.st_mtime))
    answers_500(lab, 1)
    healthy.outside.status = 503
    lab.host_vars["web2"]["env_deploy_owner"] = "nobody"
    try:
        run, result = healthy.verify()
    finally:
        healthy.outside.status = 200
        lab.host_vars["web2"]["env_deploy_owner"] = lab.host_vars["web1"]["env_deploy_owner"]
        (first.directory / ".env.bak").unlink()
        (second.directory / "notes.txt").unlink()
        for path, content in kept.items():
            path.unlink()
            path.write_bytes(content)
            path.chmod(0o600)
    planted.ended(run.code)
    answer = failed(result)
    assert set(answer) == {*ON_HOSTS.values()}
    assert answer["WPS201"] == [
        f"web1: {first.env_file} has mode 0640 instead of 0600",
        f"web2: {second_license} has mode 0644 instead of 0600",
    ]
    assert answer["WPS203"] == [f"web2: {second.env_file}: user nobody may read it"]
    assert answer["WPS205"] == [
        f"web1: {first.directory}/.env.bak (mode 0644) looks like a copy",
        f"web2: {second.directory}/notes.txt (mode 0644) holds API_TOKEN",
    ]
    edited = "the file is not the one that a deploy wrote"
    assert answer["WPS301"] == [
        f"web1: {edited}",
        f"web1: {first_license} holds other values of LICENSE_TEXT",
        f"web2: {edited}",
        "web2: holds other values of GENERATION",
    ]
    assert answer["WPS302"] == ["web2: holds STRANGE"]
    assert [line.partition(" has run since")[0] for line in answer["WPS303"]] == ["web1: shop.service"]
    assert answer["WPS601"] == [f"web2: http://127.0.0.1:{second.port}/health/: status 500"]
    assert answer["WPS602"] == [f"{healthy.outside.url}: status 503"]
    assert "web1: shop.service" not in run.output.partition("WPS301")[0]


@planted.mistakes("AWS, by a whole run", planted.PLAYBOOK, planted.AWS, rows=IN_AWS)
def test_mistakes_in_aws(healthy: VerifyLab) -> None:
    lab, client = healthy.lab, healthy.client
    manager, iam = client("secretsmanager"), client("iam")
    catalog = json.loads(json.dumps(lab.catalog))
    core = "shop/production/core"
    content = json.loads(manager.get_secret_value(SecretId=core)["SecretString"])
    shared = json.loads(manager.get_secret_value(SecretId="shop/staging/core")["SecretString"])
    try:
        lab.catalog["contacts"]["security"] = "somebody"
        client("ssm").put_parameter(Name="/shop/production/App/STRAY", Value="1", Type="String")
        lab.catalog["settings"]["NEW"] = {"group": "core", "required": True}
        lab.catalog["settings"]["DJANGO_DEBUG"] = {"value": "True", "type": "boolean"}
        lab.catalog["credentials"]["database"] |= {"max_age_days": 3, "revocation_ttl": 5}
        iam.put_role_policy(RoleName=ROLES[0], PolicyName="wide", PolicyDocument=policy("secretsmanager:*", "*"))
        iam.update_assume_role_policy(
            RoleName=ROLES[0], PolicyDocument=trust({"AWS": "arn:aws:iam::999999999999:root"})
        )
        drifted = f"arn:aws:iam::{ACCOUNT}:policy/{ROLES[1]}"
        kept = iam.get_policy_version(PolicyArn=drifted, VersionId="v1")["PolicyVersion"]["Document"]
        kept["Statement"] = [item for item in kept["Statement"] if item["Sid"] != "Batch"]
        iam.create_policy_version(PolicyArn=drifted, PolicyDocument=json.dumps(kept), SetAsDefault=True)
        reading = policy(["secretsmanager:GetSecretValue", "kms:Decrypt", "iam:PutUserPolicy"], "*")
        iam.put_user_policy(UserName="deployer", PolicyName="read", PolicyDocument=reading)
        everybody = {
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}]
        }
        manager.put_resource_policy(SecretId="shop/production/license", ResourcePolicy=json.dumps(everybody))
        manager.put_secret_value(SecretId="shop/production/license", SecretString="half", VersionStages=["AWSPENDING"])
        client("kms").disable_key_rotation(KeyId=manager.describe_secret(SecretId=core)["KmsKeyId"])
        shared |= {"API_TOKEN": content["API_TOKEN"], "SECRET_KEY": content["SECRET_KEY"]}
        manager.put_secret_value(SecretId="shop/staging/core", SecretString=json.dumps(shared))
        manager.remove_regions_from_replication(SecretId=core, RemoveReplicaRegions=["eu-west-1"])
        client("logs").create_log_stream(logGroupName=LOG_GROUP, logStreamName="shop/production")
        first = audit_chain.following(record_fields(), audit_chain.Head())
        third = audit_chain.following(record_fields(3), audit_chain.Head(2, "0" * 64))
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in (first, third)]
        client("logs").put_log_events(logGroupName=LOG_GROUP, logStreamName="shop/production", logEvents=events)
        run, result = healthy.verify(only=ON_CONTROLLER)
    finally:
        lab.catalog = catalog
    planted.ended(run.code)
    answer = failed(result)
    assert set(answer) == {*IN_AWS.values()}
    assert answer["WPS304"][0].startswith(": NEW")
    assert answer["WPS401"][0] == "role shop-production-host: wide: allows secretsmanager:*"
    assert answer["WPS407"] == ["user deployer: may grant itself access (iam:PutUserPolicy)"]
    assert answer["WPS402"] == [
        "role shop-production-host: allows account 999999999999 (arn:aws:iam::999999999999:root)"
    ]
    assert answer["WPS404"] == ["secret shop/production/license: allows everybody"]
    assert answer["WPS405"] == [
        "role shop-production-deploy: policy shop-production-deploy: lacks statement Batch",
        "role shop-production-host: trust policy: lacks statement Hosts",
        "role shop-production-host: trust policy: has statement number 1, which is not in the catalog",
        "role shop-production-host: also has the policy wide, which is not in the catalog",
    ]
    assert answer["WPS406"][0].startswith(
        "user deployer: may read secret shop/production/core, secret shop/production/l"
    )
    assert answer["WPS901"] == ["staging: API_TOKEN has the same value"]
    assert answer["WPS902"] == ["staging: SECRET_KEY is the same"]
    assert answer["WPS903"] == ["DJANGO_DEBUG: is on; turn it off in production (rule no_debug)"]
    assert answer["WPS1001"] == [f"secret {core}: no replica in eu-west-1"]
    assert "the module" not in run.output.lower()


@planted.mistakes("AWS, by a whole run", planted.PLAYBOOK, planted.AWS, rows=MORE_IN_AWS)
def test_more_mistakes_in_aws(healthy: VerifyLab) -> None:
    """Those that would hide one of the others."""
    lab, client = healthy.lab, healthy.client
    manager = client("secretsmanager")
    core = "shop/production/core"
    content = json.loads(manager.get_secret_value(SecretId=core)["SecretString"])
    before = json.loads(manager.get_secret_value(SecretId=core, VersionStage="AWSPREVIOUS")["SecretString"])
    content["SECRET_KEY_FALLBACKS"] = before["SECRET_KEY"]
    version = manager.describe_secret(SecretId=core)["VersionIdsToStages"]
    former = next(item for item, labels in version.items() if "AWSPREVIOUS" in labels)
    made = manager.put_secret_value(SecretId=core, SecretString=json.dumps(content))["VersionId"]
    holder = next(
        item
        for item, labels in manager.describe_secret(SecretId=core)["VersionIdsToStages"].items()
        if "AWSPREVIOUS" in labels
    )
    assert made != holder
    manager.update_secret_version_stage(
        SecretId=core, VersionStage="AWSPREVIOUS", MoveToVersionId=former, RemoveFromVersionId=holder
    )
    manager.remove_regions_from_replication(SecretId="shop/production/license", RemoveReplicaRegions=["eu-west-1"])
    manager.delete_secret(SecretId="shop/production/license", RecoveryWindowInDays=7)
    client("logs").delete_log_group(logGroupName=LOG_GROUP)
    lab.journal(5, rotation="r2", step="create", at="2026-11-25T10:00:00Z", plan={"credentials": {}})
    run, result = healthy.verify(only="contacts,revocation,ages,recovery")
    planted.ended(run.code)
    answer = failed(result)
    open_elsewhere = {"WPS1001", "WPS1003"}  # which the test before left as they were
    assert set(answer) - open_elsewhere == {*MORE_IN_AWS.values()}
    assert "SECRET_KEY_FALLBACKS" in answer["WPS701"][0]
    assert "rotation r2" in answer["WPS802"][0]
    assert answer["WPS1002"][0].startswith("secret shop/production/license: was deleted at ")


BAD_WORKFLOW = """name: deploy
on: pull_request_target
jobs:
  deploy:
    runs-on: ubuntu-latest
    env: {SECRET_KEY: "${{ secrets.SECRET_KEY }}"}
    steps:
      - uses: actions/checkout@v5
      - run: |
          set -eu
          echo "$SECRET_KEY"
        env:
          AWS_ACCESS_KEY_ID: ${{ secrets.AWS_KEY }}
          DB_PASSWORD: hunter2hunter2
"""


@planted.mistakes("A repository, by a whole run", *REPOSITORY_WAYS, rows={**IN_REPOSITORY_FILES, **BY_ZIZMOR})
def test_mistakes_in_the_repository(healthy: VerifyLab) -> None:
    checkout = healthy.repository
    (checkout / ".github" / "workflows" / "deploy.yml").write_text(BAD_WORKFLOW)
    (checkout / ".gitignore").write_text("*.pyc\n")
    live = healthy.lab.hosts[0].values()["API_TOKEN"]
    (checkout / ".env.staging").write_text(
        f"# left by mistake\nAPI_TOKEN={live}\nSENTRY_TOKEN=9f8a7b6c5d4e3f2a1b0c\nDEBUG=True\n"
    )
    (checkout / "settings.py").write_text(f"# from production\nTOKEN = '{live}'\n")
    git(checkout, "add", "--all", "--force")
    commit(checkout, "With a value")
    (checkout / "settings.py").unlink()
    git(checkout, "add", "--all", "--force")
    commit(checkout, "And without")
    leak = git(checkout, "rev-parse", "HEAD~1")[:12]
    del healthy.github.repository.secrets["API_TOKEN"]
    healthy.github.put_by_hand("OLD_DATABASE_URL", "sealed there")
    healthy.github.files[DEPLOY_FILE] = BAD_WORKFLOW
    healthy.github.ran("deploy.yml", "failure")
    run, result = healthy.verify(only=IN_REPOSITORY)
    planted.ended(run.code)
    answer = failed(result)
    assert set(answer) == {*IN_REPOSITORY_FILES.values(), *(BY_ZIZMOR.values() if zizmor.installed() else ())}
    assert sorted(answer["WPS103"]) == [
        f".env.staging:2: API_TOKEN (current value, unchanged) in commit {leak} by Ada",
        f"settings.py:2: API_TOKEN (current value, unchanged) in commit {leak} by Ada",
    ]
    assert [name.partition(": gitleaks:")[0] for name in answer["WPS104"]] == [".env.staging:3"]
    assert answer["WPS506"] == [
        "secret API_TOKEN (repository): is missing; ansible-playbook watchparty.secrets.github_sync sends it",
        "secret OLD_DATABASE_URL (repository): not in the catalog; written at 2026-11-25T00:00:02Z",
    ]
    assert answer["WPS507"] == [
        "run 102 of deploy.yml:13: AWS_ACCESS_KEY_ID is set, from a secret",
        "run 102 of deploy.yml: ended at 2026-11-25T10:02:00Z: failure",
    ]
    assert answer["WPS102"] == [
        ".env.staging:2: API_TOKEN holds the live value",
        ".env.staging:3: SENTRY_TOKEN is not a placeholder",
    ]
    at = ".github/workflows/deploy.yml"
    assert answer["WPS501"] == [f"{at}:13: AWS_ACCESS_KEY_ID is set, from a secret"]
    assert answer["WPS502"] == [f"{at}:14: DB_PASSWORD is written here"]
    assert answer["WPS503"] == [f"{at}:11: prints $SECRET_KEY"]
    if zizmor.installed():
        assert answer["WPS504"] == [f"{at}:8: unpinned-uses (high): unpinned action reference"]
        trigger = "dangerous-triggers (high): use of fundamentally insecure workflow trigger"
        assert answer["WPS505"] == [f"{at}:2: {trigger}"]
        assert any("artipacked" in one for one in answer["WPS508"])
    assert live not in run.output
    sarif = json.loads((healthy.report / str(healthy.runs) / "partial.sarif").read_text())["runs"][0]["results"]
    places = [item["locations"][0]["physicalLocation"] for item in sarif if item["ruleId"] == "WPS503"]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [(at, 11)]


def test_a_word_that_means_no_check(healthy: VerifyLab) -> None:
    run, result = healthy.verify(only="WPS201,dirft")
    assert run.code != 0
    assert "no check is called dirft" in run.text
    assert result["checks"] == []


@pytest.mark.parametrize("name", ["fingerprint_key", "sensitive"])
def test_what_the_action_sets_is_refused_from_others(lab: Lab, name: str) -> None:
    lab.add_hosts(1)
    playbook = lab.directory / "own.yml"
    task = {"watchparty.secrets.host_check": {"path": str(lab.hosts[0].env_file), name: "x"}}
    play = {"hosts": "app_hosts", "gather_facts": False, "vars": {"ansible_pipelining": True}, "tasks": [task]}
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    ours = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
    run = lab.run(playbook=playbook, environment=ours)
    assert run.code != 0
    assert f"host_check sets {name} itself" in run.text


def test_no_value_is_in_what_is_printed_or_written(lab: Lab) -> None:
    """At the highest verbosity, with a host that drifted, copies, and a committed file of live values."""
    canaries = Canaries()
    with prepared(lab, token=canaries.value) as ready:
        first, second = lab.hosts
        live = first.values()["API_TOKEN"]
        (first.directory / ".env.bak").write_bytes(first.env_file.read_bytes())
        second.env_file.write_text(
            second.env_file.read_text() + "OLD_TOKEN='" + canaries.value("DATABASE_PASSWORD") + "'\n"
        )
        (ready.repository / ".env.staging").write_text(f"API_TOKEN={live}\n")
        git(ready.repository, "add", "--all", "--force")
        dump = lab.directory / "dump"
        run, result = ready.verify(
            "-vvvv",
            "--diff",
            environment={
                "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).resolve().parent / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "dump_everything",
                "DUMP_FILE": str(dump),
            },
        )
        (lab.directory / "output").write_text(run.output)
        assert {"WPS102", "WPS205", "WPS302"} <= set(failed(result))
        assert dump.stat().st_size > 5000
        allowed = [host.directory / name for host in lab.hosts for name in (".env", ".env.bak", "license.json")]
        allowed += [Path(f"{state.backup(host.env_file)}.files") for host in lab.hosts]
        hits = in_files([lab.directory], canaries, allowed=[*allowed, ready.repository / ".env.staging"])
        assert [hit for hit in hits if "has mode" not in hit and "/.git/" not in hit] == []
        assert not re.search(r'"key": "[0-9a-f]{64}"', run.output + dump.read_text())
