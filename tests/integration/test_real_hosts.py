# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys to systemd hosts with the real application, PostgreSQL and Valkey: one that succeeds, one that goes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from sandbox.hosts import Fleet, Plan, why_not
from sandbox.process import REPOSITORY

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no deploy to real hosts was tested"),
]

PLANTED = {
    "app1": """
        sed -i "1i # $KEY" /srv/watchparty/.env; echo STRANGE=1 >> /srv/watchparty/.env
        touch /srv/watchparty/.env.bak; chmod 644 /srv/watchparty/.env""",
    "app2": """
        setfacl -m u:nobody:r /srv/watchparty/.env; chown nobody /srv/watchparty/.env
        systemctl disable --quiet watchparty-celery
        mkdir /etc/systemd/system/watchparty-web.service.d; cd /etc/systemd/system/watchparty-web.service.d
        printf '[Service]\\nUser=root\\nEnvironment=SECRET_KEY=old\\n' > old.conf; systemctl daemon-reload""",
    "app3": """
        echo "$KEY" > /var/tmp/notes
        printf 'UNIT=watchparty-web.service\\nMESSAGE=signed with %s\\n' "$KEY" | logger --journald; journalctl --sync
        setsid sh -c 'sleep 1000; :' "$KEY" > /dev/null 2>&1 < /dev/null &""",
}
"""What is wrong on each host; ``$KEY`` is its SECRET_KEY."""
FOUND = {
    "app1": {"WPS201", "WPS205", "WPS206", "WPS301", "WPS302", "WPS303", "WPS308"},
    "app2": {"WPS202", "WPS203", "WPS206", "WPS207", "WPS306", "WPS307"},
    "app3": {"WPS206", "WPS208", "WPS209", "WPS210"},
}
"""WPS206: the example's directory belongs to its application."""
CORE = "watchparty/production/core"
ENV_FILE = "srv/watchparty/.env"
ALLOWED = {ENV_FILE, "var/lib/watchparty-secrets/srv-watchparty-.env/healthy"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=3, services=True)) as up:
        yield up


@pytest.fixture(scope="module")
def first(fleet: Fleet) -> subprocess.CompletedProcess[str]:
    return deploy(fleet)


def deploy(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    return play(fleet, "deploy", "-e", "env_deploy_health_retries=15", *arguments)


def play(fleet: Fleet, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ansible-playbook")
    argv = [program, "-i", fleet.inventory, REPOSITORY / "playbooks" / f"{playbook}.yml", "-vvvv", "--diff"]
    extra = ["-e", "app_environment=production", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_"))}
    env |= {**fleet.services.aws, "ANSIBLE_HOME": str(fleet.names.state / "ansible")}
    return subprocess.run(
        [str(part) for part in (*argv, *extra)],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def client(fleet: Fleet, service: str) -> Any:
    aws = fleet.services.aws
    return boto3.client(
        service,
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name=aws["AWS_REGION"],
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
    )


def core(fleet: Fleet) -> dict[str, str]:
    result: dict[str, str] = json.loads(client(fleet, "secretsmanager").get_secret_value(SecretId=CORE)["SecretString"])
    return result


def canaries(fleet: Fleet) -> list[str]:
    """What nobody but the application may see: the passwords and keys of the core secret."""
    values = [core(fleet)[name] for name in ("SECRET_KEY", "EMAIL_HOST_PASSWORD", "DATABASE_URL", "REDIS_URL")]
    passwords = [urlsplit(value).password or value if "://" in value else value for value in values]
    assert all(len(value) > 15 for value in passwords)
    return passwords


def hits(fleet: Fleet, name: str, searched: list[str]) -> list[str]:
    """Files on the host's own disk, and its systemd journal, that hold one of them."""
    needles = [value.encode() for value in searched]
    results = []
    for path in sorted(fleet.disk(name).rglob("*")):
        own = str(path.relative_to(fleet.disk(name)))
        if path.is_file() and not path.is_symlink() and own not in ALLOWED:
            content = path.read_bytes()
            results += [own] if any(needle in content for needle in needles) else []
    journal = fleet.run(name, ["journalctl", "--no-pager", "--output=verbose", "--all"]).stdout
    assert "watchparty-web.service" in journal
    return results + (["the systemd journal"] if any(value in journal for value in searched) else [])


def health(fleet: Fleet, name: str) -> str:
    argv = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "http://127.0.0.1:8000/health/"]
    return fleet.run(name, argv).stdout


def test_a_deploy_ends_healthy_on_every_host(fleet: Fleet, first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0, first.stdout[-4000:]
    assert [health(fleet, name) for name in fleet.machines] == ["200"] * 3


def test_it_shows_no_value_and_leaves_none_but_in_the_file(
    fleet: Fleet, first: subprocess.CompletedProcess[str]
) -> None:
    searched = canaries(fleet)
    assert [value for value in searched if value in first.stdout + first.stderr] == []
    assert {name: hits(fleet, name, searched) for name in fleet.machines} == {name: [] for name in fleet.machines}


def test_the_search_finds_what_it_should(fleet: Fleet, first: subprocess.CompletedProcess[str]) -> None:
    """The same search, seen to fail: a value is left in a file and in the journal."""
    value = canaries(fleet)[0]
    fleet.run(
        "app1",
        ["sh", "-c", "cat > /var/tmp/left; systemd-cat echo watchparty-web.service $(cat /var/tmp/left)"],
        text=value,
    )
    fleet.run("app1", ["journalctl", "--sync"])
    results = hits(fleet, "app1", [value])
    fleet.run("app1", ["rm", "/var/tmp/left"])  # the verification below would find it, too
    assert "var/tmp/left" in results
    assert "the systemd journal" in results


def test_a_value_that_does_not_work_goes_back(fleet: Fleet, first: subprocess.CompletedProcess[str]) -> None:
    good = core(fleet)
    password = urlsplit(good["DATABASE_URL"]).password or ""
    wrong = good["DATABASE_URL"].replace(password, "Wrong-password-that-PostgreSQL-refuses")
    client(fleet, "secretsmanager").put_secret_value(
        SecretId=CORE, SecretString=json.dumps({**good, "DATABASE_URL": wrong})
    )
    parameter = {"Name": "/WatchParty/production/DB/URL", "Type": "SecureString", "Overwrite": True}
    client(fleet, "ssm").put_parameter(Value=wrong, **parameter)
    before = {name: (fleet.root(name) / ENV_FILE).read_bytes() for name in fleet.machines}

    run = deploy(fleet, "-e", "env_deploy_health_retries=3")

    assert run.returncode != 0
    assert "The rollout stopped. app1: " in run.stdout
    assert "the last healthy .env was restored and the services are healthy" in run.stdout
    assert "app2: skipped" in run.stdout
    assert {name: (fleet.root(name) / ENV_FILE).read_bytes() for name in fleet.machines} == before
    assert [health(fleet, name) for name in fleet.machines] == ["200"] * 3
    assert "Wrong-password-that-PostgreSQL-refuses" not in run.stdout + run.stderr

    client(fleet, "secretsmanager").put_secret_value(SecretId=CORE, SecretString=json.dumps(good))
    client(fleet, "ssm").put_parameter(Value=good["DATABASE_URL"], **parameter)
    assert deploy(fleet).returncode == 0


def places(check: dict[str, Any]) -> set[tuple[str, str]]:
    return {(outcome["place"], outcome["status"]) for outcome in check["outcomes"]}


def test_mistakes_on_all_hosts_are_named_in_one_verification(
    fleet: Fleet, first: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    """The suite of planted mistakes is test_real_planted's; these go through the whole playbook."""
    key = core(fleet)["SECRET_KEY"]
    for name, script in PLANTED.items():
        fleet.run(name, ["sh", "-c", f"read -r KEY; {script}"], text=key)
    run = play(fleet, "verify", "-e", "verify_only=hosts,drift", "-e", f"verify_report_path={tmp_path}")
    assert run.returncode != 0
    checks = json.loads((tmp_path / "partial.json").read_text())["checks"]
    failed = {name: {check["id"] for check in checks if (name, "fail") in places(check)} for name in PLANTED}
    assert failed == FOUND, run.stdout[-4000:]
    assert key not in run.stdout + run.stderr
