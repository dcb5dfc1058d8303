# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a leak response searches besides .env, and what it says of files that it could not search."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import credentials
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import stray_copies
from tests import state
from tests.unit.plugins.modules.conftest import Run
from tests.unit.plugins.modules.test_env_file_several import AS_ROOT, ONE, PEM, SYSTEMD_CREDS, files

DEAD = {"tls": [PEM % "one"]}


@SYSTEMD_CREDS
def test_a_credential_that_cannot_be_decrypted_is_named(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(ONE, snapshot="s-1", **files("one", "db", credential="database"))
    run(state="healthy", snapshot="s-1")
    monkeypatch.setattr(credentials, "PROGRAM", "no-such-systemd-creds")
    present, copy = stray_copies.scrub(path, DEAD).remaining
    reason = "cannot be decrypted on this host, so it was not searched: deploy to this host"
    assert present == f"{tmp_path}/db {reason}"
    assert copy == f"{tmp_path}/db in {state.directory(path)}/healthy.files {reason}"


@AS_ROOT
def test_a_token_in_base64_is_no_credential(run: Run, path: str) -> None:
    token = "Y2FuYXJ5" * 12
    run(ONE, files=[{"path": "token", "settings": ["TOKEN"], "mode": "0600"}], file_contents={"token": token})
    (message,) = stray_copies.scrub(path, {"api": [token]}).remaining
    assert message.endswith("token itself holds a revoked value of api: deploy to this host")


@AS_ROOT
def test_a_temporary_file_in_another_directory_is_removed(run: Run, path: str, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    run(ONE, snapshot="s-1", **files("one", "keys/tls"))
    left = tmp_path / "keys" / f"tls.tmp-{os.urandom(8).hex()}"
    left.write_text(PEM % "one")
    stray_copies.scrub(path, DEAD, check=True)
    assert left.exists()
    stray_copies.scrub(path, DEAD)
    assert not left.exists()
    assert (tmp_path / "keys" / "tls").exists()


@AS_ROOT
def test_a_damaged_mark_hides_no_file_of_the_last_healthy_deploy(run: Run, path: str, tmp_path: Path) -> None:
    run(ONE, snapshot="s-1", **files("one", "a"))
    run(state="healthy", snapshot="s-1")
    (state.directory(path) / "mark").write_text("{")
    remaining = stray_copies.scrub(path, DEAD).remaining
    assert "invalid deploy marker" in remaining[0]
    assert remaining[0].endswith("Only .env and the files of the last healthy deploy were searched")
    assert remaining[1] == f"{tmp_path}/a itself holds a revoked value of tls: deploy to this host"
