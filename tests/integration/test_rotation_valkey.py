# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations of kind valkey_user from end to end: a password of one user, and two users that alternate."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from sandbox.process import wait_until
from sandbox.seed import Layout
from sandbox.valkey import Valkey
from tests.integration import harness
from tests.integration.harness import Lab, Run
from tests.integration.valkey_lab import dead, digests, in_step, new_password, node, session

ROTATE = "playbooks/rotate.yml"
pytestmark = pytest.mark.slow


@pytest.fixture
def servers() -> Iterator[tuple[Valkey, Valkey]]:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        yield primary, replica


def prepare(lab: Lab, url: str, servers: tuple[Valkey, Valkey]) -> None:
    admin = servers[0].admin_url()
    lab.catalog = harness.catalog(
        extra={"CACHE_URL": {"group": "core", "schemes": ["redis"], "sensitivity": "high"}},
        credentials={
            "cache": {"kind": "valkey_user", "admin": "cache_admin", "appears_in": [{"setting": "CACHE_URL"}]},
            "cache_admin": {
                "kind": "valkey_user",
                "server": {"address": node(servers[0]), "nodes": [node(servers[1])]},
                "appears_in": [{"secret": "shop/{environment}/cache-admin", "keys": ["username", "password"]}],
            },
        },
    )
    lab.add_hosts(1)
    base = harness.layout()
    core = {**base.secrets["shop/production/core"], "CACHE_URL": url}
    parts = urlsplit(admin)
    held = {"username": parts.username or "", "password": unquote(parts.password or "")}
    secrets = {**base.secrets, "shop/production/core": core, "shop/production/cache-admin": held}
    lab.seed(Layout(secrets, base.parameters))
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    lab.deploy()


def rotate(lab: Lab, *arguments: str) -> Run:
    run = lab.run("-e", "rotation_credentials=cache", "-e", "rotation_force=true", *arguments, playbook=ROTATE)
    assert "canary" not in run.output
    return run


def login(lab: Lab) -> tuple[str, str]:
    parts = urlsplit(lab.hosts[0].values()["CACHE_URL"])
    return parts.username or "default", unquote(parts.password or "")


def baseline(lab: Lab) -> bytes:
    bucket, key = catalog_parser.parse(lab.catalog, "production").baseline_place
    content: bytes = lab.moto.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def test_a_password_of_one_user(lab: Lab, servers: tuple[Valkey, Valkey]) -> None:
    """What somebody added to a server is named at the end, and the baseline does not change."""
    old = servers[0].password
    worker = session(servers[0], old)
    prepare(lab, servers[0].url(), servers)
    given = {"rotation_host": "localhost", "rotation_python": sys.executable}
    recorded = lab.run("-e", json.dumps(given), playbook="playbooks/baseline.yml")
    assert recorded.code == 0, recorded.output
    servers[0].create_user("thief", new_password())
    before = baseline(lab)
    run = rotate(lab)
    assert run.code == 0, run.output
    named = f"user thief at {node(servers[0])} is not in the baseline"
    assert f"cache: not as in the baseline: {named}" in run.text
    assert baseline(lab) == before
    user, new = login(lab)
    assert (user, new != old) == ("default", True)
    assert new not in run.output
    assert dead(worker)
    for valkey in servers:
        assert valkey.accepts(new)
        assert not valkey.accepts(old)
        assert len(digests(valkey)) == 1
    assert in_step(servers[1])


def test_two_users_take_turns_and_a_rollout_that_fails_is_rolled_back(lab: Lab, servers: tuple[Valkey, Valkey]) -> None:
    old = new_password()
    for valkey in servers:
        valkey.create_user("app_a", old, "~*", "&*", "+@all", "-@dangerous")
    prepare(lab, servers[0].url(user="app_a", password=old), servers)
    lab.hosts[0].behaves(g1="500")
    failed = rotate(lab)
    assert failed.code != 0
    lab.hosts[0].behaves()
    back = rotate(lab, "-e", "rotation_abort=true")
    assert login(lab) == ("app_a", old), back.output
    for valkey in servers:
        assert valkey.accepts(old, "app_a")
        assert digests(valkey, "app_b") == set()

    run = rotate(lab)
    assert run.code == 0, run.output
    user, new = login(lab)
    assert user == "app_b"
    for valkey in servers:
        assert valkey.accepts(new, "app_b")
        assert not valkey.accepts(old, "app_a")
        assert (len(digests(valkey, "app_a")), len(digests(valkey, "app_b"))) == (0, 1)
