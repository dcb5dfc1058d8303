# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ended before and after each command that it sends, on a primary and a replica, and run again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as valkey_connection
from sandbox.process import wait_until
from sandbox.valkey import Valkey
from tests.integration.counts import Record, tried
from tests.integration.valkey_lab import LOCAL, Run, digests, in_step, new_password, runner


class Killed(BaseException):
    """Stands for a kill: nothing of the module's runs after it."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Valkey, Valkey]]:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        yield primary, replica


def count_asks(monkeypatch: pytest.MonkeyPatch, *, kill_at: int = 0, after: bool = False) -> list[str]:
    """Lists what is asked; the *kill_at*-th command is the last one, sent or not."""
    ask, seen = valkey_connection.Connection.ask, []

    def counted(connection: valkey_connection.Connection, *arguments: Any) -> Any:
        seen.append(" ".join(str(word) for word in arguments[:2]))
        if len(seen) == kill_at and not after:
            raise Killed
        answer = ask(connection, *arguments)
        if len(seen) == kill_at:
            raise Killed
        return answer

    monkeypatch.setattr(valkey_connection.Connection, "ask", counted)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("state", ["open", "present", "revoked"])
def test_killed_at_each_command(
    state: str, pair: tuple[Valkey, Valkey], run: Run, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    primary = pair[0]
    old, new = primary.password, new_password()
    wanted: dict[str, Any] = {"admin_url": primary.admin_url(), "login_url": primary.url(password=new), "gate": "r-1"}
    wanted["nodes"] = [f"{valkey.host}:{valkey.port}" for valkey in pair]
    if state == "revoked":
        wanted |= {"login_url": primary.url(), "known_addresses": LOCAL}
    expected = {"open": (True, False), "present": (True, True), "revoked": (False, True)}[state]

    def prepare() -> None:
        for valkey in pair:
            extra = [f"#{digest_of(new)}"] if state == "revoked" else []
            valkey.execute("ACL", "SETUSER", "default", "resetpass", f"#{digest_of(old)}", *extra)
            valkey.execute("ACL", "SAVE")
        if state == "present":
            run("open", **wanted)

    def finished() -> None:
        for valkey in pair:
            assert (valkey.accepts(old), valkey.accepts(new)) == expected
            assert valkey.execute("ACL", "LIST")[1:] == (valkey.directory / "users.acl").read_text().splitlines()[1:]

    prepare()
    with monkeypatch.context() as patched:
        seen = count_asks(patched)
        run(state, **wanted)
    finished()
    points = []
    for number in range(1, len(seen) + 1):
        for after in (False, True):
            prepare()
            with monkeypatch.context() as patched:
                count_asks(patched, kill_at=number, after=after)
                with pytest.raises(Killed):
                    run(state, **wanted)
            if state != "revoked":
                assert all(valkey.accepts(old) for valkey in pair)
            else:
                assert all(valkey.accepts(new) for valkey in pair)
            assert not run(state, **wanted).get("failed")
            finished()
            assert not run(state, **wanted)["changed"]
            points.append(f"{'after' if after else 'before'} {seen[number - 1]}")
    tried(record_property, f"inside valkey_user, state={state}", points)
    assert len(points) == 2 * len(seen) > 30
    assert all(len(digests(valkey)) == {"open": 2, "present": 2, "revoked": 1}[state] for valkey in pair)
