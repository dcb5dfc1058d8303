# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guide's own commands, as the guide writes them, and the lookups behind the same read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.aws import Moto
from sandbox.process import REPOSITORY
from sandbox.seed import Seeded, random_value, seed, watchparty
from tests.integration import harness

SCRIPT = REPOSITORY / "scripts" / "env-validator.sh"
CORE = "AWS_SECRETS_MANAGER_SECRET_ID=watchparty/production/core"
EXAMPLE = REPOSITORY / "examples" / "watchparty" / "hosts.yml"
PATH = "AWS_SSM_PARAM_PATH=/WatchParty/production"


@pytest.fixture(scope="module")
def moto(account: Moto) -> Moto:
    harness.reset(account)
    return account


@pytest.fixture(scope="module")
def seeded(moto: Moto) -> Seeded:
    password = random_value()
    urls = [f"rediss://:{password}@cache.example.com:6379/{number}" for number in range(4)]
    layout = watchparty(
        "production",
        database_url=f"postgresql://app:{password}@db.example.com:5432/watchparty",
        cache_urls=(urls[0], urls[1], urls[2], urls[3]),
    )
    return seed(moto.client, layout)


def call(
    moto: Moto, place: Path, *arguments: str, cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_"))}
    env |= {**moto.env(), "PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "ANSIBLE_HOME": str(place / "home")}
    env |= {"ANSIBLE_INVENTORY": str(EXAMPLE), **extra}
    return subprocess.run(
        [SCRIPT, *arguments],
        cwd=cwd or place,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def names(file: Path) -> set[str]:
    return {line.partition("=")[0] for line in file.read_text(encoding="utf-8").splitlines() if "=" in line}


@pytest.mark.usefixtures("seeded")
def test_the_guides_command_in_the_clone_names_the_example_and_finds_it_good(moto: Moto, tmp_path: Path) -> None:
    run = call(moto, tmp_path, "validate", "production", cwd=REPOSITORY, ANSIBLE_INVENTORY="")
    assert run.returncode == 0, run.stdout
    assert run.stdout.startswith(f"catalog: the Watch Party example, {EXAMPLE} (another one: -i INVENTORY)\n")
    assert "24 settings with a value in the stores of production" in run.stdout
    assert not (tmp_path / ".env").exists()


def test_elsewhere_no_example_is_judged_unasked(moto: Moto, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY=x\n", encoding="utf-8")
    run = call(moto, tmp_path, "validate", "production", "--file", ".env", ANSIBLE_INVENTORY="")
    assert run.returncode == 2
    assert "no inventory: this folder has none of inventory, inventory.yml and hosts.yml" in run.stderr
    assert f"-i {EXAMPLE} for the Watch Party example" in run.stderr
    (tmp_path / "hosts.yml").write_text("app_hosts: {vars: {secrets_catalog: {}}}\n", encoding="utf-8")
    run = call(moto, tmp_path, "validate", "production", "--file", ".env", ANSIBLE_INVENTORY="")
    assert run.stdout.startswith("catalog: inventory ./hosts.yml\n")
    assert run.returncode == 1
    assert "Watch Party" not in run.stdout


@pytest.mark.usefixtures("seeded")
def test_an_empty_environment_is_invalid(moto: Moto, tmp_path: Path) -> None:
    run = call(moto, tmp_path, "validate", "staging")
    assert run.returncode == 1
    assert "SECRET_KEY: is missing; secret watchparty/staging/core is missing" in run.stdout


@pytest.mark.parametrize("form", ["before", "after"])
def test_fetch_writes_what_the_given_places_hold(moto: Moto, seeded: Seeded, tmp_path: Path, form: str) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nOWN=kept\nEMAIL_HOST=old\n", encoding="utf-8")
    given = dict(pair.split("=", 1) for pair in (CORE, PATH))
    after, exported = ([CORE, PATH], {}) if form == "after" else ([], given)
    run = call(moto, tmp_path, "fetch-secrets", "production", *after, **exported)
    assert run.returncode == 0, run.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    assert {"OWN", "DATABASE_URL", "ALLOWED_HOSTS", "RATE_LIMIT_LOGIN"} <= names(file)
    assert "TWITCH_CLIENT_ID" not in names(file)
    assert "# mine\nOWN=kept\n" in file.read_text(encoding="utf-8")
    secret = seeded.values["watchparty/production/core#SECRET_KEY"]
    assert secret in file.read_text(encoding="utf-8")
    assert secret not in run.stdout + run.stderr


@pytest.mark.usefixtures("seeded")
def test_a_check_run_writes_nothing(moto: Moto, tmp_path: Path) -> None:
    run = call(moto, tmp_path, "fetch-secrets", "production", CORE, "--", "--check", "--diff")
    assert run.returncode == 0, run.stdout
    assert "+DATABASE_URL fingerprint " in run.stdout
    assert not (tmp_path / ".env").exists()


def test_a_file_is_asked_without_aws(moto: Moto, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("SECRET_KEY=change_me\nDEBUG=True\n", encoding="utf-8")
    before = moto.count()
    run = call(moto, tmp_path, "validate", "production", "--file", "bad", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert run.returncode == 1
    assert "DEBUG: is on; turn it off in production" in run.stdout
    assert "change_me" not in run.stdout
    assert moto.count() == before


@pytest.mark.usefixtures("seeded")
def test_encrypt_and_decrypt(moto: Moto, tmp_path: Path) -> None:
    kms = moto.client("kms")
    kms.create_alias(AliasName="alias/watchparty-production", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    run = call(moto, tmp_path, "encrypt", "production", "--file", "production.env.enc")
    assert run.returncode == 0, run.stdout
    assert f"{tmp_path / 'production.env.enc'} is written" in run.stdout
    run = call(moto, tmp_path, "decrypt", "production", "--file", "production.env.enc")
    assert run.returncode == 0, run.stdout
    assert len(names(tmp_path / ".env")) == 24
    (tmp_path / "production.env.enc").write_text("no such file", encoding="utf-8")
    run = call(moto, tmp_path, "decrypt", "production", "--file", "production.env.enc")
    assert run.returncode == 1, run.stdout
    run = call(moto, tmp_path, "encrypt", "production", "--file", "new", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert run.returncode == 3, run.stdout


def test_no_way_to_aws_is_no_access(moto: Moto, tmp_path: Path) -> None:
    run = call(moto, tmp_path, "fetch-secrets", "production", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert run.returncode == 3, run.stdout
    assert "AWS could not be reached" in run.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("frobnicate",),
        ("validate",),
        ("validate", "Prod uction"),
        ("validate", "production", "--file"),
        ("validate", "production", "--file", "absent"),
        ("validate", "production", "-i", "absent"),
        ("fetch-secrets", "production", "--file", "x"),
        ("decrypt", "production", "--file", "absent"),
        ("encrypt", "production", CORE),
        ("fetch-secrets", "production", "SECRET_KEY=oops"),
        ("validate", "production", "--file", "x", CORE),
    ],
    ids=" ".join,
)
def test_wrong_usage(moto: Moto, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run = call(moto, tmp_path, *arguments)
    assert run.returncode == 2
    assert "env-validator.sh" in run.stderr
    assert "oops" not in run.stderr


def test_the_lookups_keep_types_and_names(moto: Moto, seeded: Seeded, tmp_path: Path) -> None:
    name = "odd.name+with@signs/1"
    moto.client("secretsmanager").create_secret(
        Name=name, SecretString='{"flag": true, "rate": 1.5, "jinja": "{{ 1+1 }}"}'
    )
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {
                    "ansible.builtin.copy": {
                        "content": "{{ {'flag': lookup('watchparty.secrets.secret', name, key='flag'),"
                        " 'jinja': lookup('watchparty.secrets.secret', name, key='jinja'),"
                        " 'parameters': lookup('watchparty.secrets.parameters', '/WatchParty/production'),"
                        " 'env': lookup('watchparty.secrets.env', 'production')} | to_json }}",
                        "dest": str(tmp_path / "found.json"),
                        "mode": "0600",
                    },
                    "no_log": True,
                    "vars": {"name": name},
                }
            ],
        }
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "AWS_"))}
    env |= {**moto.env(), "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
    catalog = REPOSITORY / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"
    argv = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", f"@{catalog}"]
    argv += [tmp_path / "play.yml"]
    run = subprocess.run(
        [str(item) for item in argv], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert (result["flag"], result["jinja"]) == (True, "{{ 1+1 }}")
    assert result["parameters"]["DB/URL"] == seeded.values["/WatchParty/production/DB/URL"]
    assert result["env"]["SECRET_KEY"] == seeded.values["watchparty/production/core#SECRET_KEY"]
    assert result["env"]["DEBUG"] == "False"
