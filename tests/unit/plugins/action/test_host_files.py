# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One execution on the host, whose sources are all sent; run over a local connection."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.action import host_files
from tests.unit.plugins.action.local_action import run_action

act = partial(run_action, host_files.ActionModule)


def test_a_directory_and_a_checkout(tmp_path: Path) -> None:
    path = tmp_path / "app"
    args = {"directory": str(path), "mode": "0700", "checkout": str(path)}
    assert act(check=True, **args)["changed"]
    assert not path.exists()
    assert act(**args)["changed"]
    assert path.stat().st_mode & 0o777 == 0o700
    (path / ".git").mkdir()
    assert act(**args)["changed"]
    assert (path / ".gitignore").read_text().splitlines()[1:3] == [".env*", "!.env.example"]
    assert not act(**args)["changed"]


def test_what_is_refused_is_reported(tmp_path: Path) -> None:
    assert "this host has no account no-such-account" in act(account="no-such-account")["msg"]
    (tmp_path / "file").write_text("")
    assert "is not a directory" in act(directory=str(tmp_path / "file"))["msg"]
