# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation of an AUTH token from end to end, against the stand-in for ElastiCache and real servers behind it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest

from sandbox.process import wait_until
from sandbox.seed import Layout
from sandbox.valkey import Valkey
from tests.integration import harness
from tests.integration.elasticache_server import ElastiCache
from tests.integration.harness import Lab, Run
from tests.integration.leak_lab import newest_post_mortem, respond
from tests.integration.rotation_lab import sentences
from tests.integration.valkey_lab import dead, in_step, new_password, node, session, session_from, thief

ROTATE = "playbooks/rotate.yml"
pytestmark = pytest.mark.slow


@pytest.fixture
def servers() -> Iterator[tuple[Valkey, Valkey]]:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        yield primary, replica


def prepare(lab: Lab, api: ElastiCache, primary: Valkey) -> None:
    credential = {
        "kind": "elasticache_auth_token",
        "options": {"replication_group": api.group},
        "appears_in": [{"setting": "CACHE_URL"}],
    }
    lab.catalog = harness.catalog(
        extra={"CACHE_URL": {"group": "core", "schemes": ["redis"], "sensitivity": "high"}},
        credentials={"cache": credential},
    )
    lab.add_hosts(1)
    base = harness.layout()
    core = {**base.secrets["shop/production/core"], "CACHE_URL": primary.url(0)}
    lab.seed(Layout({**base.secrets, "shop/production/core": core}, base.parameters))
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    lab.deploy()


def rotate(lab: Lab, api: ElastiCache, *arguments: str) -> Run:
    chosen = ("-e", "rotation_credentials=cache", "-e", "rotation_force=true", *arguments)
    run = lab.run(*chosen, playbook=ROTATE, environment={"AWS_ENDPOINT_URL_ELASTICACHE": api.url})
    assert "canary" not in run.output
    return run


def test_a_leaked_token_leaves_no_session(lab: Lab, servers: tuple[Valkey, Valkey]) -> None:
    """Whoever is logged in is in the evidence; who logs in until the token is refused is gone afterwards, too."""
    old = servers[0].password
    with ElastiCache(servers, looks=0) as api, session_from("127.0.0.9", servers[1], old):
        prepare(lab, api, servers[0])
        with thief(servers[0], old) as kept:
            run = respond(
                lab,
                *("-e", "leak_credentials=cache", "-e", "leak_evidence_seconds=60", "-e", "leak_sessions=false"),
                environment={"AWS_ENDPOINT_URL_ELASTICACHE": api.url},
            )
        assert not any(valkey.accepts(old) for valkey in servers), run.output
        assert len(kept) > 2
        assert [redis for redis in kept if not dead(redis)] == []
    assert "canary" not in run.output
    page = newest_post_mortem(lab)
    (line,) = (line for line in page.splitlines() if line.startswith("- cache: {"))
    assert node(servers[1]) in line
    assert "127.0.0.9" in line


def test_sessions_that_nobody_may_end_are_open_in_the_report(lab: Lab, servers: tuple[Valkey, Valkey]) -> None:
    """The old token is refused, and who logged in with it stays: the server asks once."""
    old = servers[0].password
    with ElastiCache(servers, looks=0) as api:
        prepare(lab, api, servers[0])
        for valkey in servers:
            valkey.execute("ACL", "SETUSER", "default", "-client|kill")
        kept = session(servers[1], old)
        run = respond(
            lab,
            *("-e", "leak_credentials=cache", "-e", "leak_sessions=false"),
            environment={"AWS_ENDPOINT_URL_ELASTICACHE": api.url},
        )
        assert not any(valkey.accepts(old) for valkey in servers), run.output
        assert not dead(kept)
    assert run.code == 0, run.output
    (line,) = (
        line for line in newest_post_mortem(lab).partition("## Still open")[2].splitlines() if "sessions" in line
    )
    assert line.startswith("- cache: sessions of its old value could not be ended")
    assert f": {node(servers[1])}: the user of" in line, "where it is"
    assert "CLIENT KILL TYPE normal" in line
    assert f"open: {line[2:]}" in " ".join(run.output.split())


def in_use(lab: Lab) -> str:
    return unquote(urlsplit(lab.hosts[0].values()["CACHE_URL"]).password or "")


def test_a_token_rotates_from_end_to_end(lab: Lab, servers: tuple[Valkey, Valkey]) -> None:
    old = servers[0].password
    with ElastiCache(servers, looks=0) as api:
        prepare(lab, api, servers[0])
        # A program outside the inventory has the old token: it is named, and keeps it until somebody decides.
        with session_from("127.0.0.9", servers[1], old):
            run = rotate(lab, api)
        assert run.code != 0
        sentences(run, "the old token was kept: user default is logged in from unknown addresses: 127.0.0.9 (1)")
        sentences(run, "stopped at step revoke")
        assert all(valkey.accepts(old) for valkey in servers)
        run = rotate(lab, api)
        assert run.code == 0, run.output
        new = in_use(lab)
        assert new != old
        assert new not in run.output
        assert all(valkey.accepts(new) and not valkey.accepts(old) for valkey in servers)
        assert api.tokens == [new]
        changes = [call for call in api.calls if call != "DescribeReplicationGroups"]
        assert changes == ["ModifyReplicationGroup ROTATE", "ModifyReplicationGroup SET"]


def test_a_rollout_that_fails_takes_the_new_token_back(lab: Lab, servers: tuple[Valkey, Valkey]) -> None:
    old = servers[0].password
    with ElastiCache(servers, looks=0) as api:
        prepare(lab, api, servers[0])
        # The answer to ROTATE is lost, and AWS has done it.
        api.faults = ["lose"]
        lab.hosts[0].behaves(g1="500")
        failed = rotate(lab, api)
        assert failed.code != 0
        lab.hosts[0].behaves()
        back = rotate(lab, api, "-e", "rotation_abort=true")
        assert in_use(lab) == old, back.output
        assert all(valkey.accepts(old) for valkey in servers)
        assert api.tokens == [old]
        changes = [call for call in api.calls if call != "DescribeReplicationGroups"]
        assert changes == ["ModifyReplicationGroup ROTATE", "ModifyReplicationGroup SET"]
