# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run makes of what a killed one left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark

Run = Callable[..., dict[str, Any]]
ONE = {"KEY": "canary-one", "PORT": "1"}
TWO = {"KEY": "canary-two", "HOST": "h"}


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the module may catch it."""


def content(path: str) -> dict[str, str] | None:
    file = Path(path)
    return dotenv.from_dotenv(file.read_text()) if file.exists() else None


@contextlib.contextmanager
def killed_at(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, nth: int = 1, after: bool = False
) -> Iterator[None]:
    """Kills the module at its nth call of ``owner.name``, or once that call has done its work."""
    real = getattr(owner, name)
    left = [nth]

    def die(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0]:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        patched.setattr(os, "unlink", lambda _path, **_more: None)  # the dead clean up nothing
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        yield


MARK = env_file_mark.Mark
KILLS = [
    *(
        (owner, name, nth, True)
        for owner, name in ((os, "write"), (os, "rename"), (atomic_file, "write"))
        for nth in (1, 2, 3)
    ),
    *((os, name, nth, False) for name in ("open", "fchmod", "fsync", "rename") for nth in (1, 2, 3, 5)),
    *((os, "open", nth, False) for nth in range(10, 40, 3)),
    (MARK, "keep", 1, True),
    (MARK, "accept", 1, False),
    (MARK, "accept", 1, True),
]


@pytest.mark.parametrize(("owner", "name", "nth", "after"), KILLS)
@pytest.mark.parametrize("before", ["nothing", "by hand", "healthy"])
def test_killed_anywhere_the_next_run_ends_on_the_new_file_and_restarts(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, nth: int, after: bool, before: str
) -> None:
    former = None if before == "nothing" else ONE
    if before == "by hand":
        Path(path).write_text(dotenv.to_dotenv(ONE))
    elif before == "healthy":
        run(ONE, snapshot="s-1", journal=1)
        run(state="healthy", snapshot="s-1")
    args = {"path": path, "snapshot_id": "s-2", "journal": 2, "content": dotenv.to_dotenv(TWO)}
    # A call that this case does not make as often lets the module end by itself.
    with (
        killed_at(monkeypatch, owner, name, nth=nth, after=after),
        patch_module_args(args),
        pytest.raises((Killed, SystemExit)),
    ):
        env_file_main.main()
    assert content(path) in (former, TWO), "never half a file"
    again = run(TWO, snapshot="s-2", journal=2)
    assert again["restart_needed"] is True
    assert content(path) == TWO
    assert not [left for left in os.listdir(os.path.dirname(path)) if ".tmp-" in left]
    run(state="restored", snapshot="s-2")
    assert content(path) == former
    run(TWO, snapshot="s-2", journal=2)
    run(state="healthy", snapshot="s-2")
    assert run(TWO, snapshot="s-2", journal=2)["restart_needed"] is False


@pytest.mark.parametrize("name", ["write", "_save"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_while_recording_the_next_run_can_record(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    run(ONE, snapshot="s-1")
    owner = MARK if name == "_save" else atomic_file
    args = {"path": path, "snapshot_id": "s-1", "state": "healthy"}
    with killed_at(monkeypatch, owner, name, after=after), patch_module_args(args), pytest.raises(Killed):
        env_file_main.main()
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    assert run(ONE, snapshot="s-1")["restart_needed"] is False
    run(TWO, snapshot="s-2")
    run(state="restored", snapshot="s-2")
    assert content(path) == ONE


@pytest.mark.parametrize(
    ("name", "nth"), [("rename", 1), ("rename", 2), ("write", 1), ("fsync", 3), ("open", 4), ("open", 30)]
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_on_the_way_back_the_next_run_restarts_whichever_file_it_brings(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch, name: str, nth: int, after: bool
) -> None:
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2")
    args = {"path": path, "state": "restored", "snapshot_id": "s-2"}
    with (
        killed_at(monkeypatch, os, name, nth=nth, after=after),
        patch_module_args(args),
        pytest.raises((Killed, SystemExit)),
    ):
        env_file_main.main()
    assert content(path) in (ONE, TWO)
    for values, snapshot in ((ONE, "s-1"), (TWO, "s-2"), (ONE, "s-1")):
        assert run(values, snapshot=snapshot, _ansible_check_mode=True)["restart_needed"] is True
    run(state="restored", snapshot="s-2")
    assert content(path) == ONE
