# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/runbooks/by-hand.md on a token of ElastiCache and on an access key, in bash, with the real programs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import aws_cli
from sandbox.aws import Moto
from sandbox.process import clean_environment, write_private
from sandbox.valkey import Valkey
from tests.integration import harness
from tests.integration.access_key_lab import OPERATOR, authorization, keys, new_user
from tests.integration.by_hand import blocks, missing_programs, valkey_cli
from tests.integration.elasticache_server import ElastiCache
from tests.integration.valkey_lab import dead, new_password, session

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
]
USER, CORE, OWN = "watchparty-storage", "watchparty/production/core", "watchparty-rotation-logins/production/r-1"
HOUR = 3600
FUNCTIONS = next(name for name in blocks()["Begin"] if name.startswith("umask")).partition("\n")[2]


@pytest.fixture
def moto(account: Moto) -> Moto:
    harness.reset(account)
    return account


class Page:
    """Runs blocks of one section in one folder, each in a bash of its own, as if its first block had just been read."""

    def __init__(self, folder: Path, heading: str, around: str, environment: Mapping[str, str]) -> None:
        self.folder, self.around, self.blocks = folder, around, blocks()[heading]
        programs = folder / "bin"
        programs.mkdir()
        for name, path in (("aws", aws_cli.program()), ("valkey-cli", valkey_cli())):
            (programs / name).symlink_to(str(path))
        self.environment = clean_environment(**environment, PATH=f"{programs}:{os.environ['PATH']}", HOME=str(folder))

    def run(self, *numbers: int, stays: str = "new", goes: str = "old") -> str:
        parts = ["set -e; set -o pipefail", FUNCTIONS, self.around, f"stays={stays} goes={goes}", self.blocks[0]]
        script = "\n".join([*parts, *(self.blocks[number] for number in numbers)])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        assert "canary" not in output
        return output


# --- a token of ElastiCache -----------------------------------------------------------------------------------------

SET, TEST, REMOVE, END = 1, 2, 3, 4


@pytest.fixture
def servers() -> Iterator[tuple[Valkey, Valkey]]:
    password = new_password()
    with Valkey(password=password) as item, Valkey(password=password) as other:
        yield item, other


def token_page(folder: Path, moto_env: Mapping[str, str], api: ElastiCache, servers: tuple[Valkey, Valkey]) -> Page:
    old, new = servers[0].password, new_password()
    for name, password in (("old", old), ("new", new)):
        text = json.dumps({"cache": {"username": "default", "password": password}})
        write_private(folder / f"{name}.logins", text)
    around = f"cache=(-h {servers[0].host} -p {servers[0].port})"
    page = Page(folder, "An ElastiCache token", around, {**moto_env, "AWS_ENDPOINT_URL_ELASTICACHE": api.url})
    page.blocks[0] = page.blocks[0].replace("watch-party-valkey-001", api.group)
    return page


def test_a_token_is_set_and_removed(moto: Moto, servers: tuple[Valkey, Valkey], tmp_path: Path) -> None:
    with ElastiCache(servers, looks=0) as api:
        page = token_page(tmp_path, moto.env(), api, servers)
        old, new = (
            json.loads((tmp_path / f"{name}.logins").read_text())["cache"]["password"] for name in ("old", "new")
        )
        refused = page.run(REMOVE)
        assert "do Set first" in refused
        assert api.tokens == [old]
        thief = session(servers[1], old)
        page.run(SET)
        listed = page.run(SET, TEST)
        assert all(f"{valkey.host} {valkey.port}" in listed for valkey in servers)
        assert api.tokens == [new, old]
        assert "STILL" not in page.run(REMOVE)
        assert "STILL" not in page.run(REMOVE)
        assert api.tokens == [new]
        assert not any(valkey.accepts(old) for valkey in servers)
        assert not dead(thief)
        page.run(END)
        assert dead(thief)
        changes = [call for call in api.calls if call != "DescribeReplicationGroups"]
        assert changes == ["ModifyReplicationGroup ROTATE", "ModifyReplicationGroup SET"]


def test_a_token_is_rolled_back(moto: Moto, servers: tuple[Valkey, Valkey], tmp_path: Path) -> None:
    with ElastiCache(servers, looks=0) as api:
        page = token_page(tmp_path, moto.env(), api, servers)
        old = api.tokens[0]
        page.run(SET)
        page.run(REMOVE, stays="old", goes="new")
        assert api.tokens == [old]


# --- an access key --------------------------------------------------------------------------------------------------

CREATE, PROVE, USED, TAKE, TIDY, DENY = 1, 2, 3, 4, 5, 6


def key_page(folder: Path, moto: Moto) -> Page:
    """A rotation that was opened and did nothing yet."""
    old = new_user(moto, USER)
    core = {"AWS_ACCESS_KEY_ID": old.username, "AWS_SECRET_ACCESS_KEY": old.password, "OTHER": "canary-other"}
    client = moto.client("secretsmanager")
    version = client.create_secret(Name=CORE, SecretString=json.dumps(core))["VersionId"]
    (folder / "plan.json").write_text(json.dumps({"credentials": {"storage": {}}, "secrets": {CORE: version}}))
    write_private(folder / "old.json", json.dumps(core))
    operator = new_user(moto, OPERATOR)
    run_by = {"AWS_ACCESS_KEY_ID": str(operator.username), "AWS_SECRET_ACCESS_KEY": str(operator.password)}
    return Page(folder, "An access key", f"core={CORE} own={OWN} rotation=r-1", {**moto.env(), **run_by})


def test_a_key_is_made_healthy_and_removed(moto: Moto, tmp_path: Path) -> None:
    page, iam = key_page(tmp_path, moto), moto.client("iam")
    (old,) = keys(iam, USER)
    page.run(CREATE)
    before = keys(iam, USER)
    page.run(CREATE)
    assert keys(iam, USER) == before
    (new,) = set(before) - {old}
    client = moto.client("secretsmanager")
    staged = json.loads(client.get_secret_value(SecretId=CORE, VersionStage="AWSPENDING")["SecretString"])
    assert (staged["AWS_ACCESS_KEY_ID"], staged["OTHER"]) == (new, "canary-other")
    kept = json.loads(client.get_secret_value(SecretId=f"{OWN}/storage")["SecretString"])
    assert kept == {"username": new, "password": staged["AWS_SECRET_ACCESS_KEY"]}
    with authorization(moto.url):
        assert f"user/applications/{USER}" in page.run(PROVE)
        taken = page.run(USED, TAKE)
        assert "STILL" not in taken
        assert "InvalidClientTokenId" in taken
        assert "STILL" not in page.run(TAKE)
    assert keys(iam, USER) == {new: "Active"}
    page.run(DENY)
    (denied,) = iam.get_user_policy(UserName=USER, PolicyName="AWSRevokeOlderSessions")["PolicyDocument"]["Statement"]
    assert denied["Effect"] == "Deny"
    issued = datetime.fromisoformat(denied["Condition"]["DateLessThan"]["aws:TokenIssueTime"])
    assert abs((datetime.now(UTC) - issued).total_seconds()) < HOUR
    page.run(TIDY)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_secret_value(SecretId=f"{OWN}/storage")


def test_a_key_is_rolled_back(moto: Moto, tmp_path: Path) -> None:
    page, iam = key_page(tmp_path, moto), moto.client("iam")
    (old,) = keys(iam, USER)
    page.run(TAKE, stays="old", goes="new")
    page.run(CREATE)
    with authorization(moto.url):
        page.run(TAKE, stays="old", goes="new")
    assert keys(iam, USER) == {old: "Active"}
