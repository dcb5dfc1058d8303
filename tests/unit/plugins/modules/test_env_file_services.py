# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the mark says after a restart that went well, failed, or was killed in the middle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import services as _services
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from tests import state

Run = Callable[..., dict[str, Any]]
ONE = {"KEY": "canary-one"}
TWO = {"KEY": "canary-two"}


@pytest.fixture
def deliver(run: Run, tmp_path: Path) -> Run:
    """Delivers or restores, with a restart that leaves a trace."""

    def call(values: dict[str, str] | None = None, *, services: dict[str, Any] | None = None, **extra: Any) -> Any:
        command = f"touch {tmp_path / 'restarted'}"
        return run(values, services={"command": command, **(services or {})}, **extra)

    return call


@pytest.fixture
def restarts(tmp_path: Path) -> Callable[[], bool]:
    """Whether there was a restart since the last question."""

    def call() -> bool:
        trace = tmp_path / "restarted"
        is_found = trace.exists()
        trace.unlink(missing_ok=True)
        return is_found

    return call


def is_healthy(path: str) -> bool:
    with state.held_mark(path) as mark:
        return mark.is_settled(atomic_file.digest(Path(path).read_bytes()))


def test_a_restart_that_goes_well_is_recorded(deliver: Run, restarts: Callable[[], bool], path: str) -> None:
    answer = deliver(ONE)
    assert (answer["changed"], answer["restart_needed"], answer["healthy"]) == (True, True, True)
    assert (answer["health"], answer["snapshot_id"]) == ([], "s-1")
    assert restarts()
    assert is_healthy(path)
    again = deliver(ONE)
    assert (again["changed"], again["restart_needed"], again["healthy"]) == (False, False, True)
    assert "health" not in again
    assert not restarts()


def test_a_file_that_was_written_but_not_healthy_is_restarted_on(
    run: Run, deliver: Run, restarts: Callable[[], bool], path: str
) -> None:
    run(ONE)
    answer = deliver(ONE)
    assert (answer["changed"], answer["healthy"]) == (True, True)
    assert restarts()
    assert is_healthy(path)


def test_a_module_that_is_late_does_not_record_what_another_run_wrote_meanwhile(
    run: Run, deliver: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the same snapshot: between the two the services ran on another file, and may still do."""

    def meanwhile(_services: Any, _path: str) -> list[Any]:
        run(TWO, snapshot="s-2")
        run(ONE)
        return []

    monkeypatch.setattr(_services, "restarted_and_healthy", meanwhile)
    answer = deliver(ONE)
    assert "another run wrote it; deploy again" in answer["msg"]
    assert not is_healthy(path)
    back = run(state="restored", delivery=answer["delivery"])
    assert "nothing was restored, because another run has written snapshot s-1 since" in back["msg"]


def test_two_deploys_of_one_snapshot_are_both_done(
    run: Run, deliver: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_services, "restarted_and_healthy", lambda _services, _path: [run(ONE), []][1])
    assert deliver(ONE)["healthy"] is True
    assert is_healthy(path)


def test_without_record_the_mark_stays(deliver: Run, restarts: Callable[[], bool], path: str) -> None:
    assert deliver(ONE, services={"record": False})["healthy"] is False
    assert restarts()
    assert not is_healthy(path)


@pytest.mark.parametrize("other", [{"mark": False}, {"assume_healthy": True}, {"state": "healthy"}])
def test_what_contradicts_it_is_refused_before_the_write(deliver: Run, path: str, other: dict[str, Any]) -> None:
    answer = deliver(ONE, **other)
    assert answer["failed"] is True
    assert answer["msg"] == "services: cannot be combined with assume_healthy=true, mark=false or state=healthy"
    assert not Path(path).exists()


def test_a_defect_is_not_taken_for_an_end_from_outside(
    deliver: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_services, "wait_healthy", lambda _health: {}["canary"])
    answer = deliver(ONE)
    assert answer["msg"] == "unexpected error in the restart or health check: KeyError (please report it)"
    assert (answer["failed"], answer["restart_needed"]) == (True, True)
    assert not is_healthy(path)


def test_numbers_below_zero_count_as_none(deliver: Run) -> None:
    services = {"health_urls": ["http://127.0.0.1:9/"], "health_retries": -1, "health_delay": -1}
    assert "asked 1 times" in deliver(ONE, services=services)["msg"]


def test_check_mode_restarts_nothing(deliver: Run, restarts: Callable[[], bool], path: str) -> None:
    assert deliver(ONE, _ansible_check_mode=True)["restart_needed"] is True
    assert not Path(path).exists()
    deliver(ONE, services={"record": False})
    restarts()
    answer = deliver(ONE, _ansible_check_mode=True)
    assert (answer["changed"], answer["restart_needed"]) == (True, True), "the same bytes, and not healthy"
    assert not restarts()


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"command": "false"}, "the restart command's exit code was 1"),
        ({"health_urls": ["http://127.0.0.1:9/"], "health_retries": 0}, "Connection refused"),
    ],
)
def test_what_fails_is_not_recorded_and_tells_what_was_written(
    deliver: Run, path: str, services: dict[str, Any], message: str
) -> None:
    """Whoever restores the former file must know that there is something to restore."""
    answer = deliver(ONE, services=services)
    assert answer["failed"] is True
    assert message in answer["msg"]
    assert (answer["changed"], answer["restart_needed"], answer["healthy"]) == (True, True, False)
    assert Path(path).exists()
    assert not is_healthy(path)


def test_what_fails_before_the_write_does_not(deliver: Run, restarts: Callable[[], bool], path: str) -> None:
    Path(path).mkdir()
    answer = deliver(ONE)
    assert answer["failed"] is True
    assert "restart_needed" not in answer
    assert not restarts()


def test_a_file_that_is_put_back_is_restarted_on_and_not_recorded(
    deliver: Run, restarts: Callable[[], bool], path: str
) -> None:
    deliver(ONE)
    assert deliver(TWO, snapshot="s-2", services={"command": "false"})["failed"] is True
    restarts()
    answer = deliver(state="restored", snapshot="s-2")
    assert (answer["restored"], answer["health"]) == (True, [])
    assert restarts()
    assert "canary-one" in Path(path).read_text()
    assert not is_healthy(path)
    failed = deliver(state="restored", snapshot="s-2", services={"command": "false"})
    assert (failed["failed"], failed["restored"]) == (True, True)


def test_an_empty_place_that_is_put_back_is_not_restarted_on(deliver: Run, restarts: Callable[[], bool]) -> None:
    deliver(ONE, services={"command": "false"})
    assert deliver(state="restored")["restored"] is False
    assert not restarts()


def test_services_are_stopped_and_the_file_is_left(run: Run, path: str, tmp_path: Path) -> None:
    run(ONE)
    before = Path(path).read_bytes()
    stop = ["touch", str(tmp_path / "stopped")]
    managed = [
        {"service": "worker", "manager": "command", "restart": ["true"]},
        {"service": "web", "manager": "command", "restart": ["true"], "stop": stop},
    ]
    assert run(state="stopped", services={"managed": managed[1:]}, _ansible_check_mode=True)["changed"]
    assert not (tmp_path / "stopped").exists()
    answer = run(state="stopped", services={"managed": managed})
    assert answer["msg"] == "the catalog has no services.worker.stop; add it"  # and the others are stopped all the same
    assert (tmp_path / "stopped").exists()
    assert Path(path).read_bytes() == before
    assert run(state="stopped")["msg"] == "state=stopped needs services"


def test_a_file_that_another_run_wrote_meanwhile_is_not_recorded(
    run: Run, deliver: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run writes while this one waits for health."""
    real = _services.wait_healthy
    answers: list[dict[str, Any]] = []

    def meanwhile(health: _services.Health) -> list[dict[str, Any]]:
        answers.append(run(TWO, snapshot="s-2", journal=2))
        return real(health)

    monkeypatch.setattr(_services, "wait_healthy", meanwhile)
    answer = deliver(ONE, snapshot="s-1", journal=1)
    assert answers[0]["changed"]
    assert "the file no longer holds snapshot s-1" in answer["msg"]
    assert not is_healthy(path)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (_services, "restart"),
        (_services, "wait_healthy"),
        (_services, "require_running"),
        (env_file_mark.Mark, "record_healthy"),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_the_next_run_restarts_or_is_healthy(
    deliver: Run,
    restarts: Callable[[], bool],
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: Any,
    name: str,
    after: bool,
) -> None:
    real = getattr(owner, name)

    def die(*args: Any) -> None:
        if after:
            real(*args)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        with pytest.raises(Killed):
            deliver(ONE)
    # What it said before is what the controller goes by.
    last = json.loads(capsys.readouterr().out.strip().rpartition("\n")[2])
    assert (last["failed"], last["changed"], last["restart_needed"], last["healthy"]) == (True, True, True, False)
    assert "killed on the host before the services were healthy" in last["msg"]
    restarts()
    assert deliver(ONE)["restart_needed"] is not (name == "record_healthy" and after)
    assert restarts() is not (name == "record_healthy" and after)
    assert is_healthy(path)
