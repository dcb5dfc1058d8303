# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the playbook of an alert does; and the rulebooks at a real ansible-rulebook: a signed alert starts a drill, and
its secret is nowhere.

ansible-rulebook needs a Java runtime and the collection ansible.eda, so it is not among this project's requirements.
WATCHPARTY_RULEBOOK names the program, and WATCHPARTY_EDA_COLLECTIONS a folder that has ansible_collections/ansible/eda.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ansible_collections.amazon
import psycopg
import pytest
import redis

from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv import from_dotenv
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import SOURCE
from sandbox.aws import REGION
from sandbox.process import REPOSITORY, free_port
from tests.integration.alert_lab import EventQueue
from tests.integration.harness import Lab, Run
from tests.integration.leak_lab import newest_post_mortem
from tests.integration.rotation_lab import CORE, rotation_lab
from tests.unit.extensions.test_leak_alerts import ANSWER, filtered, fired, leaked

RULEBOOK = os.environ.get("WATCHPARTY_RULEBOOK", "")
COLLECTIONS = os.environ.get("WATCHPARTY_EDA_COLLECTIONS", "")
ALERTS = REPOSITORY / "tests" / "unit" / "fixtures" / "alerts"
QUEUE = "leak-alerts"
KEY = "webhook-key-of-a-test"
CREDENTIALS = {
    "signing": {"kind": "django_secret_key", "used_for": ["sessions"], "appears_in": [{"setting": "SECRET_KEY"}]}
}

pytestmark = pytest.mark.slow
rulebook_needed = pytest.mark.skipif(
    not (RULEBOOK and COLLECTIONS),
    reason="WATCHPARTY_RULEBOOK and WATCHPARTY_EDA_COLLECTIONS are not set, so no rulebook was run for real",
)


class Listening:
    """An ansible-rulebook that listens on loopback."""

    def __init__(self, url: str, output: Path, process: subprocess.Popen[bytes]) -> None:
        self.url, self._output, self.process = url, output, process

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def post(self, alert: str, *, key: str = KEY, signed: bool = True) -> int:
        payload = json.loads((ALERTS / f"{alert}.json").read_text(encoding="utf-8"))["payload"]
        body = json.dumps(payload).encode()
        signature = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-GitHub-Event": "secret_scanning_alert"}
        headers |= {"X-Hub-Signature-256": signature} if signed else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def waits(self, message: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while message not in " ".join(self.output.split()):
            assert time.monotonic() < end, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.2)


@contextmanager
def listening(lab: Lab, name: str, key: str = KEY) -> Iterator[Listening]:
    root = lab.directory / "collections" / "ansible_collections"
    for collection, target in (
        ("watchparty/secrets", REPOSITORY),
        ("ansible/eda", Path(COLLECTIONS) / "ansible_collections" / "ansible" / "eda"),
        ("amazon/aws", Path(next(iter(ansible_collections.amazon.__path__))) / "aws"),
    ):
        (root / collection).parent.mkdir(parents=True, exist_ok=True)
        (root / collection).symlink_to(target)
    port = free_port()
    variables = lab.directory / "variables.yml"
    given = {
        "leak_alert_environment": "production",
        "leak_alert_credentials": {"github/postman_api_key": "signing", "aws/mailer": "signing"},
        "leak_webhook_port": port,
        "leak_queue_name": QUEUE,
        "leak_queue_region": REGION,
    }
    variables.write_text(json.dumps(given), encoding="utf-8")
    output = lab.directory / "rulebook.log"
    command = [RULEBOOK, "--rulebook", f"watchparty.secrets.leak_alerts_{name}", "-i", str(lab._inventory())]
    command += ["--vars", str(variables), "--env-vars", "LEAK_WEBHOOK_SECRET", "--print-events"]
    command.append("-vv" if name == "github" else "-v")  # at -vv botocore itself writes every message of a queue
    environment = {
        **lab.environment(),
        "ANSIBLE_COLLECTIONS_PATH": str(root.parent),
        "LEAK_WEBHOOK_SECRET": key,
        "PATH": f"{Path(RULEBOOK).parent}:{os.environ['PATH']}",
    }
    with output.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, cwd=lab.directory, stdout=stream, stderr=stream)
    try:
        result = Listening(f"http://127.0.0.1:{port}/", output, process)
        while name == "github" and not ready(result):
            time.sleep(0.3)
            assert process.poll() is None, result.output
        yield result
    finally:
        process.terminate()
        process.wait(timeout=30)


def ready(listened: Listening) -> bool:
    """Whether it listens, and refuses what bears no signature."""
    try:
        return listened.post("github_ping", signed=False) == 400
    except urllib.error.URLError:
        return False


@rulebook_needed
def test_a_signed_alert_starts_a_drill_and_its_secret_is_nowhere(lab: Lab) -> None:
    lab.catalog["credentials"] = CREDENTIALS
    lab.add_hosts(1)
    lab.seed()
    before = lab.moto.operations(since=0)
    with listening(lab, "github") as rulebook:
        assert rulebook.post("github_created", signed=False) == 400
        assert rulebook.post("github_created", key="another") == 401
        assert rulebook.post("github_unknown_type") == 200, rulebook.output
        rulebook.waits("NOTHING was started for the alert github acme_internal_token example/shop#43")
        assert rulebook.post("github_created") == 200
        rulebook.waits("security contact: security@example.com")
        rulebook.waits("PLAY RECAP")
        output = rulebook.output
    assert "signing" in output
    assert "canary" not in output, "neither the secret nor the signature of the payload"
    made = lab.moto.operations(since=len(before))
    assert "GetParametersByPath" in made, "the plan was made"
    assert not [name for name in made if name.startswith(("Put", "Create", "Update", "Delete"))], "and nothing written"


@rulebook_needed
def test_a_finding_in_the_queue_starts_a_drill(lab: Lab) -> None:
    lab.catalog["credentials"] = CREDENTIALS
    lab.add_hosts(1)
    lab.seed()
    client = lab.moto.client("sqs")
    queue = client.create_queue(QueueName=QUEUE)["QueueUrl"]
    with listening(lab, "aws") as rulebook:
        for alert in ("guardduty_low", "guardduty_high"):
            body = json.loads((ALERTS / f"{alert}.json").read_text(encoding="utf-8"))["body"]
            client.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
        rulebook.waits("security contact: security@example.com")
        rulebook.waits("PLAY RECAP")
        output = rulebook.output
    assert output.count("PLAY RECAP") == 1, "the grave one only"
    assert "canary" not in output


@rulebook_needed
@pytest.mark.parametrize("key", ["", "short"])
def test_nothing_listens_with_a_key_that_others_could_guess(lab: Lab, key: str) -> None:
    lab.add_hosts(1)
    message = "LEAK_WEBHOOK_SECRET_of_16_characters_or_more"
    with pytest.raises(AssertionError, match=message), listening(lab, "github", key) as rulebook:
        pytest.fail(f"it listens, and answers {rulebook.post('github_ping', key=key)}")


@rulebook_needed
def test_an_alert_of_a_key_that_is_not_known_drills_for_the_other_and_fails(lab: Lab) -> None:
    lab.catalog["credentials"] = CREDENTIALS
    lab.add_hosts(1)
    lab.seed()
    client = lab.moto.client("sqs")
    queue = client.create_queue(QueueName=QUEUE)["QueueUrl"]
    with listening(lab, "aws") as rulebook:
        body = json.loads((ALERTS / "guardduty_sequence.json").read_text(encoding="utf-8"))["body"]
        client.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
        rulebook.waits("PLAY RECAP")
        output = " ".join(rulebook.output.split())
    assert output.index("security contact: security@example.com") < output.index("TASK [Fail with the unknown names]")
    assert "NOTHING was started for aws/storage or aws/AKIAANOTHEREXAMPLE2 or aws/AttackSequence" in output
    assert "canary" not in output


UNKNOWN = "aws/AKIAANOTHEREXAMPLE2 or aws/RISK"


def alerted(lab: Lab, leaked: str, unknown: str, **extra: Any) -> Run:
    """The playbook, with what the rulebooks give it."""
    given = {
        "leak_credentials": leaked,
        "leak_alert_reference": "aws.health RISK 7",
        "leak_alert_unknown": unknown,
        "leak_confirm": "yes",
        "leak_report_path": str(lab.directory / "post-mortems"),
        **extra,
    }
    return lab.run("-e", json.dumps(given), playbook="playbooks/leak_alert.yml")


def named_around(run: Run, answer: str) -> None:
    message = f"NOTHING was started for {UNKNOWN} of alert aws.health RISK 7, because"
    output = " ".join(run.output.split())
    at = output.index(answer)
    assert message in output[:at], "before the response, which may fail itself"
    assert message in output[at:], "and after it"
    assert run.code != 0


def test_a_drill_for_what_is_known_fails_with_the_rest(lab: Lab) -> None:
    lab.catalog["credentials"] = CREDENTIALS
    lab.add_hosts(1)
    lab.seed()
    named_around(alerted(lab, "signing", UNKNOWN, leak_drill=True), "security contact: security@example.com")


def test_what_is_known_is_contained_and_the_run_fails_with_the_rest(connection: Mapping[str, Any]) -> None:
    with rotation_lab(connection, hosts=1) as lab:
        lab.ready()
        before = lab.values().cache[1]
        run = alerted(lab, "cache", UNKNOWN, leak_sessions=False, leak_report_path="post-mortems")
        assert lab.values().cache[1] != before, run.output
        # ansible-rulebook removes the folder in which it runs a playbook: a relative path starts in the home folder.
        assert list((lab.directory / "home" / "post-mortems").glob("leak-*.md")), run.output
    named_around(run, "contained in ")


def test_the_use_of_a_honeytoken_is_answered(connection: Mapping[str, Any]) -> None:
    """From the thief who reads a file on a host, and logs in, to the report: verify tells what leaked, the alert starts
    the response, and the honeytoken is replaced with what lay beside it."""
    core, check = "secret:" + CORE, ("-e", "verify_only=honeytoken-logins", "-e", "rotation_host=web1")
    with rotation_lab(connection, hosts=1) as lab:
        urls = {
            "JOBS_URL": lab.valkey.url(0, user="jobs", password="canary-of-the-honeytoken"),
            "REPORTS_URL": lab.postgres.url("reports", "canary-of-the-honeytoken", "reports"),
        }
        for engine, admin in (("valkey", "cache_admin"), ("postgresql", "database_admin")):
            name = {"valkey": "jobs", "postgresql": "reports"}[engine]
            setting = f"{name.upper()}_URL"
            lab.catalog["settings"][setting] = {"group": "core", "type": "url", "required": False}
            decoy = {"kind": f"{engine}_honeytoken", "admin": admin, "options": {"user": name}}
            lab.catalog["credentials"][name] = {**decoy, "appears_in": [{"setting": setting}]}
        lab.catalog["files"] = {"workers": {"path": "workers.env", "settings": [*urls]}}
        lab.put(**urls)
        lab.rotated("-e", "rotation_credentials=reports", "-e", "rotation_force=true")
        queue, before, file = EventQueue(lab.moto), lab.values(), lab.hosts[0].env_file.with_name("workers.env")
        assert lab.run(*check, playbook="playbooks/verify.yml").code == 0
        stolen = from_dotenv(file.read_text(encoding="utf-8"))
        with redis.Redis.from_url(stolen["JOBS_URL"]) as thief, pytest.raises(redis.RedisError):
            thief.ping()
        psycopg.connect(stolen["REPORTS_URL"]).close()
        used = lab.run(*check, playbook="playbooks/verify.yml")
        assert f"leak_credentials={core}" in used.output, used.output
        (detail,) = queue.taken()
        assert detail["credentials"] == ["jobs", "reports"], used.output
        event = filtered({"body": {"source": SOURCE, "detail-type": detail["event"], "detail": detail}})
        leaks = leaked("aws", event, {"honeytoken/*": core})
        assert (fired("aws", event), leaks) == ([ANSWER], core)
        run = alerted(lab, leaks, "", leak_sessions=False, leak_trusted_host="web1")
        assert run.code == 0, run.output
        lab.assert_closed()
        assert lab.accepts(before) == {"database": False, "cache": False}
        replaced = from_dotenv(file.read_text(encoding="utf-8"))
        assert replaced == {name: lab.content()[name] for name in urls}
        assert not {*replaced.values()} & {*stolen.values()}
        report = newest_post_mortem(lab)
        assert "the honeytoken jobs had been used" in report
        assert "the honeytoken reports had been used" in report
        assert "attempts to log in, last at 20" in report
        assert "canary" not in run.output + report
        answered = lab.run(*check, playbook="playbooks/verify.yml")
        assert f"leak_credentials={core}" not in answered.output, answered.output


def test_an_alert_of_which_nothing_is_known_starts_nothing(lab: Lab) -> None:
    lab.add_hosts(1)
    lab.seed()
    run = alerted(lab, "", "aws/one, aws/other")
    assert run.code != 0
    message = (
        "NOTHING was started for the alert aws.health RISK 7, because leak_alert_credentials "
        "has no entry for aws/one, aws/other"
    )
    assert message in " ".join(run.output.split())
    assert "PLAY [Contain the leak]" not in run.output
