# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A user's acts that come late or twice: the gate lets one rotation in, and nothing of a later one is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of, gate_digest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import all_nodes
from sandbox.valkey import Valkey
from tests.integration.valkey_lab import LOCAL, Run, dead, digests, new_password, node, runner, session


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


def test_the_gate_lets_one_rotation_in(server: Valkey, run: Run) -> None:
    new = new_password()
    urls = {"admin_url": server.admin_url(), "login_url": server.url(password=new)}
    closed = run("present", gate="r-1", **urls)
    assert "no mark of this rotation" in closed["msg"]
    assert digests(server) == {digest_of(server.password)}
    assert run("open", gate="r-1", **urls)["changed"]
    assert not run("open", gate="r-1", **urls)["changed"]
    assert "no mark of this rotation" in run("present", gate="r-2", **urls)["msg"]
    added = run("present", gate="r-1", **urls)
    assert (added["changed"], added["passwords"]) == (True, 2)
    assert digests(server) == {digest_of(server.password), digest_of(new)}
    assert not run("present", gate="r-1", **urls)["changed"]
    assert not run("open", gate="r-1", **urls)["changed"], "it has been used"


def test_a_late_present_after_an_abort_adds_nothing(server: Valkey, run: Run) -> None:
    new = new_password()
    urls = {"admin_url": server.admin_url(), "login_url": server.url(password=new)}
    run("open", gate="r-1", **urls)
    aborted = run("revoked", gate="r-1", known_addresses=LOCAL, **urls)
    assert (aborted["changed"], aborted["passwords"], aborted["refused"]) == (True, 1, [node(server)])
    assert run("present", gate="r-1", **urls)["failed"]
    assert not server.accepts(new)
    assert digests(server) == {digest_of(server.password)}


def test_the_abort_may_come_between_the_look_and_the_act(
    server: Valkey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = new_password()
    urls = {"admin_url": server.admin_url(), "login_url": server.url(password=new)}
    run("open", gate="r-1", **urls)
    act = all_nodes.act

    def paused(*args: Any) -> None:
        monkeypatch.setattr(all_nodes, "act", act)
        server.execute("ACL", "SETUSER", "default", f"!{gate_digest('r-1')}")
        act(*args)

    monkeypatch.setattr(all_nodes, "act", paused)
    late = run("present", gate="r-1", **urls)
    assert "no password was added, because this rotation was aborted" in late["msg"]
    assert digests(server) == {digest_of(server.password)}


def test_a_late_absent_touches_no_other_password(server: Valkey, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The removal of an aborted rotation's digest D, again after the next rotation's E came into use."""
    aborted, later = new_password(), new_password()
    url = server.url(password=aborted)
    first = run("present", admin_url=server.admin_url(), login_url=url)
    run("revoked", admin_url=server.admin_url(), login_url=url, known_addresses=LOCAL)
    run("present", admin_url=server.admin_url(), login_url=server.url(password=later))
    worker = session(server, later)
    late = run(
        "revoked",
        admin_url=server.admin_url(),
        login_url=url,
        known_addresses=LOCAL,
        last_client=first["last_client"],
    )
    assert not late["changed"]
    assert server.accepts(later)
    assert not dead(worker)


def test_a_late_absent_of_an_alternating_user_ends_no_later_session(
    server: Valkey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused between its look and its act, while the user came into use again by another password."""
    old, later = new_password(), new_password()
    server.create_user("app_a", old)
    url = server.url(user="app_a", password=old)
    act, workers = all_nodes.act, []

    def paused(*args: Any) -> None:
        server.execute("ACL", "SETUSER", "app_a", f"!{digest_of(old)}")
        server.execute("ACL", "SETUSER", "app_a", f"#{digest_of(later)}")
        workers.append(session(server, later, "app_a"))
        act(*args)

    monkeypatch.setattr(all_nodes, "act", paused)
    late = run("revoked", admin_url=server.admin_url(), login_url=url, overlap="users", known_addresses=LOCAL)
    assert late["ended"] == {}
    assert server.accepts(later, "app_a")
    assert not dead(workers[0])


def test_without_a_gate_a_late_present_adds_again_and_absent_takes_it_away(server: Valkey, run: Run) -> None:
    new = new_password()
    urls = {"admin_url": server.admin_url(), "login_url": server.url(password=new)}
    run("present", **urls)
    run("revoked", known_addresses=LOCAL, **urls)
    assert run("present", **urls)["changed"]
    assert run("revoked", known_addresses=LOCAL, **urls)["changed"]
    assert digests(server) == {digest_of(server.password)}
