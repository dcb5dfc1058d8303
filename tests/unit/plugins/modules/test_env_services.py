# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the mark says after a restart that went well, failed, or was killed in the middle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils import _envfile, _services
from ansible_collections.watchparty.secrets.plugins.modules import env_services
from tests.modules import run_module

Run = Callable[..., dict[str, Any]]
ONE = {"KEY": "canary-one"}
TWO = {"KEY": "canary-two"}


@pytest.fixture
def restart(path: str, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(**args: Any) -> dict[str, Any]:
        given = {"path": path, "snapshot": "env_snapshot", "snapshot_id": "s-1", "command": "true", **args}
        answer, text = run_module(env_services.main, given, capsys)
        assert "canary" not in text
        return answer

    return call


def is_proven(path: str) -> bool:
    return _envfile.Mark(path).is_settled(_envfile.digest(Path(path).read_bytes()))


def test_a_restart_that_goes_well_is_recorded(run: Run, restart: Run, path: str) -> None:
    assert run(ONE)["restart_needed"] is True
    answer = restart()
    assert (answer["changed"], answer["proven"], answer["snapshot_id"]) == (True, True, "s-1")
    assert is_proven(path)
    assert run(ONE)["restart_needed"] is False


def test_without_record_the_mark_stays(run: Run, restart: Run, path: str) -> None:
    run(ONE)
    assert restart(record=False)["proven"] is False
    assert not is_proven(path)


def test_check_mode_restarts_nothing(run: Run, restart: Run, path: str, tmp_path: Path) -> None:
    run(ONE)
    answer = restart(command=f"touch {tmp_path / 'restarted'}", _ansible_check_mode=True)
    assert (answer["changed"], answer["proven"]) == (True, False)
    assert not (tmp_path / "restarted").exists()
    assert not is_proven(path)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"command": "false"}, "the restart command ended with 1"),
        ({"health_urls": ["http://127.0.0.1:9/"], "health_retries": 0}, "Connection refused"),
    ],
)
def test_what_fails_is_not_recorded(run: Run, restart: Run, path: str, args: dict[str, Any], words: str) -> None:
    run(ONE)
    answer = restart(**args)
    assert answer["failed"] is True
    assert words in answer["msg"]
    assert not is_proven(path)


def test_a_file_that_another_run_wrote_meanwhile_is_not_recorded(
    run: Run, restart: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run writes while this one waits for health."""
    run(ONE, snapshot="s-1", journal=1)
    real = _services.wait_healthy

    def meanwhile(health: _services.Health) -> list[dict[str, Any]]:
        run(TWO, snapshot="s-2", journal=2)
        return real(health)

    monkeypatch.setattr(_services, "wait_healthy", meanwhile)
    assert "the file is no longer the one of snapshot s-1" in restart()["msg"]
    assert not is_proven(path)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (_services, "restart"),
        (_services, "wait_healthy"),
        (_services, "require_running"),
        (_envfile.Mark, "prove"),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_the_next_run_restarts_or_is_proven(
    run: Run, restart: Run, path: str, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool
) -> None:
    run(ONE)
    real = getattr(owner, name)

    def die(*args: Any) -> None:
        if after:
            real(*args)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        with pytest.raises(Killed):
            restart()
    assert run(ONE)["restart_needed"] is not (name == "prove" and after)
    restart()
    assert is_proven(path)
