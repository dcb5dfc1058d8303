# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""scripts/secrets as an operator runs it: from the clone, by a link, and where ansible-galaxy put it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.aws import Moto
from sandbox.process import REPOSITORY
from sandbox.seed import Seeded, random_value, seed, watchparty
from tests.integration import harness
from tests.integration.terminal import at_a_terminal

EXAMPLE = REPOSITORY / "examples" / "watchparty" / "hosts.yml"
SCRIPT = REPOSITORY / "scripts" / "secrets"
SHOWN = 20
"""Characters of a value that is unlike any name."""


@pytest.fixture(scope="module")
def seeded(account: Moto) -> Seeded:
    harness.reset(account)
    password = random_value()
    urls = [f"rediss://:{password}@cache.example.com:6379/{number}" for number in range(4)]
    database = f"postgresql://app:{password}@db.example.com:5432/watchparty"
    caches = (urls[0], urls[1], urls[2], urls[3])
    return seed(account.client, watchparty("production", database_url=database, cache_urls=caches))


def environment(moto: Moto, place: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_"))}
    env |= {**moto.env(), "PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "ANSIBLE_HOME": str(place / "home")}
    return {**env, "ANSIBLE_INVENTORY": str(EXAMPLE)}


def call(moto: Moto, place: Path, *arguments: str, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *arguments],
        cwd=place,
        env=environment(moto, place),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_no_value(seeded: Seeded, text: str) -> None:
    assert not [name for name, value in seeded.values.items() if len(value) >= SHOWN and value in text]


def test_list_by_a_link(account: Moto, seeded: Seeded, tmp_path: Path) -> None:
    (tmp_path / "secrets").symlink_to(SCRIPT)
    run = call(account, tmp_path, "list", "production", "--json", script=tmp_path / "secrets")
    assert run.returncode == 0, run.stderr
    assert len(json.loads(run.stdout)["settings"]) == 24
    assert_no_value(seeded, run.stdout + run.stderr)


def test_installed_by_galaxy(account: Moto, seeded: Seeded, tmp_path: Path) -> None:
    """Without the clone's folder playbooks/collections."""
    root = tmp_path / "ansible_collections" / "watchparty" / "secrets"
    for name in ("meta", "plugins", "scripts"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    run = call(account, tmp_path, "history", "production", "SECRET_KEY", script=root / "scripts" / "secrets")
    assert run.returncode == 0, run.stderr
    assert "secret watchparty/production/core key SECRET_KEY:\n" in run.stdout
    assert_no_value(seeded, run.stdout + run.stderr)


def test_a_program_gets_the_values_and_its_exit_code_is_returned(account: Moto, seeded: Seeded, tmp_path: Path) -> None:
    program = "import hashlib, os; print(hashlib.sha256(os.environ['SECRET_KEY'].encode()).hexdigest()); os._exit(7)"
    run = call(account, tmp_path, "exec", "production", "--", sys.executable, "-c", program)
    assert run.returncode == 7, run.stderr
    value = seeded.values["watchparty/production/core#SECRET_KEY"]
    assert run.stdout.strip() == hashlib.sha256(value.encode()).hexdigest()
    assert_no_value(seeded, run.stderr)
    assert not list(tmp_path.glob("**/.env"))


def test_a_value_on_a_terminal_alone(account: Moto, seeded: Seeded, tmp_path: Path) -> None:
    command = [str(SCRIPT), "get", "production", "SECRET_KEY", "--reveal"]
    piped = call(account, tmp_path, *command[1:])
    assert piped.returncode == 2
    code, seen = at_a_terminal(command, tmp_path, environment(account, tmp_path), {})
    assert code == 0, seen
    assert seen.strip() == seeded.values["watchparty/production/core#SECRET_KEY"]
    events = account.client("logs").get_log_events(
        logGroupName="/watchparty/secrets-audit", logStreamName="watchparty/production"
    )["events"]
    assert [json.loads(event["message"])["settings"] for event in events] == [["SECRET_KEY"]]


def test_a_front_runs_the_playbook(account: Moto, seeded: Seeded, tmp_path: Path) -> None:
    printed = call(account, tmp_path, "set", "production", "NO_SUCH_SETTING", "--print")
    run = call(account, tmp_path, "set", "production", "NO_SUCH_SETTING", "--json")
    assert run.returncode == 1, run.stderr
    answer = json.loads(run.stdout)
    assert not answer["ok"]
    assert printed.stdout.split() == answer["command"]
    assert "NO_SUCH_SETTING" in run.stderr
    assert [error["host"] for error in answer["errors"]] == ["web1"]
    assert "NO_SUCH_SETTING" in answer["errors"][0]["message"]


def test_a_front_leaves_the_inventory_to_ansible(
    account: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read it as well takes as long as the rest of the command."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    imports = call(account, tmp_path, "set", "production", "SECRET_KEY", "--print").stderr
    assert "commands.inventory_source" in imports
    assert "ansible.template" not in imports


def test_a_host_that_differs_is_exit_code_1(lab: harness.Lab) -> None:
    (_host,) = lab.add_hosts()
    lab.seed()
    environment = lab.environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    inventory = lab.command()[2]
    command = [SCRIPT, "diff", harness.ENVIRONMENT, "-i", inventory, "--host", "web1"]

    def compared() -> int:
        return subprocess.run(command, env=environment, timeout=120, check=False).returncode

    assert compared() == 1
    lab.deploy()
    before = lab.state()
    assert compared() == 0
    lab.seed(harness.layout("2"))
    assert compared() == 1
    assert lab.state() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("who", "production", "SECRET_KEY", "--json"),
        ("doctor", "production", "--json"),
        ("set", "production", "SECRET_KEY", "--json"),
        ("diff", "production", "staging", "--json"),
        ("complete", "--", "get", "production", ""),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_value_is_shown(account: Moto, seeded: Seeded, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run = call(account, tmp_path, *arguments)
    assert run.stdout
    assert_no_value(seeded, run.stdout + run.stderr)
