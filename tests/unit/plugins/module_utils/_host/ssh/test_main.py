# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ssh_key does on a host, in this process; sessions are played, since this machine's are somebody's."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import main as ssh_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import sessions as ssh_sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh.authorized_keys import blob_of
from tests import state
from tests.integration.by_hand import enabling
from tests.modules import run_module
from tests.unit.plugins.module_utils._host.ssh.test_authorized_keys import NEW, OLD, OTHER

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked to be ended."""
    asked: list[Any] = []

    def end(account: str, keys: set[str], *, leak: bool, check: bool) -> ssh_sessions.EndedSessions:
        asked.append((account, *keys, leak, check))
        return ssh_sessions.EndedSessions(["203.0.113.7"] if leak else [], 2)

    monkeypatch.setattr(ssh_sessions, "end", end)
    return asked


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The host's accounts and their files."""
    homes = {name: tmp_path / name for name in ("other", "nobody")}
    users = [SimpleNamespace(pw_name=name, pw_dir=str(home)) for name, home in homes.items()]
    monkeypatch.setattr(all_accounts.pwd, "getpwall", lambda: users)
    monkeypatch.setattr(all_accounts, "SSHD", str(tmp_path / "sshd_config"))
    (tmp_path / "sshd_config").write_text(f"AuthorizedKeysFile {tmp_path}/authorized_keys %h/keys\n")
    for home in homes.values():
        home.mkdir()
    return {name: home / "keys" for name, home in homes.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "authorized_keys"
    path.write_text(f"{OTHER}\nno-pty {OLD} ci\n")
    return path


def answer(file: Path, state: str, *, check: bool = False, **extra: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in ssh_main.ARGUMENT_SPEC.items()}
    given = {"file": str(file), "old": OLD, "new": NEW, "state": state, "account": ME, **extra}
    return ssh_main.answer({**params, **given}, check=check)


def test_from_the_first_look_to_the_end(file: Path, ended: list[Any]) -> None:
    assert answer(file, "looked", new=None) == {
        "changed": False,
        "account": ME,
        "file": str(file),
        "old": True,
        "new": False,
    }
    for changed in (True, False):  # each again, as after a kill
        result = answer(file, "present")
        assert (result["changed"], result["old"], result["new"]) == (changed, True, True)
    assert answer(file, "usable")["new"]
    assert ended == []
    result = answer(file, "revoked")
    assert (result["changed"], result["ended"], result["remaining_sessions"]) == (True, [], 2)
    assert result["others"] == [fingerprints.of_ssh_key(blob_of(OTHER))]
    again = answer(file, "revoked")
    assert (again["changed"], again["old"], again["new"]) == (False, False, True)
    assert file.read_text() == f"{OTHER}\nno-pty {NEW}\n"
    assert ended == [(ME, fingerprints.of_ssh_key(blob_of(OLD)), False, False)] * 2


def test_rolled_back(file: Path, ended: list[Any]) -> None:
    before = file.read_bytes()
    answer(file, "present")
    result = answer(file, "revoked", rollback=True, leak=True)
    assert result["changed"]
    assert file.read_bytes() == before
    assert ended == [(ME, fingerprints.of_ssh_key(blob_of(NEW)), False, False)], (
        "nobody else's session goes with a key of ours"
    )


def test_keys_that_somebody_added_go_with_a_leaked_one(file: Path, ended: list[Any]) -> None:
    thief = fingerprints.of_ssh_key(blob_of(OTHER))
    given: dict[str, Any] = {"evict": [thief, "SHA256:not there"]}
    answer(file, "present")
    assert answer(file, "revoked", **given)["others"] == [thief], "only in a leak"
    assert answer(file, "revoked", leak=True, check=True, **given)["evicted"] == [thief]
    result = answer(file, "revoked", leak=True, **given)
    assert (result["evicted"], result["others"], result["changed"]) == ([thief], [], True)
    assert file.read_text() == f"no-pty {NEW}\n"
    assert {*ended[-1][1:-2]} == {thief, fingerprints.of_ssh_key(blob_of(OLD))}
    assert answer(file, "revoked", leak=True, **given)["evicted"] == []


def test_a_leak(file: Path, ended: list[Any]) -> None:
    answer(file, "present")
    assert answer(file, "revoked", leak=True)["ended"] == ["203.0.113.7"]
    result = answer(file, "revoked", leak=True)
    assert (result["changed"], result["elsewhere"], result["unread"]) == (True, [], 0), "sessions were ended"
    assert ended[0] == (ME, fingerprints.of_ssh_key(blob_of(OLD)), True, False)


def test_a_leaked_key_is_disabled_before_there_is_a_new_one(file: Path, ended: list[Any]) -> None:
    thief = fingerprints.of_ssh_key(blob_of(OTHER))
    for changed in (True, False):  # again, as after a kill
        result = answer(file, "blocked", new=None, leak=True, evict=[] if changed else [thief])
        assert (result["changed"], result["old"], result["ended"]) == (True, True, ["203.0.113.7"])
    assert [line[0] for line in file.read_text().splitlines()] == ["#"]
    assert answer(file, "looked")["old"], "it is still the place of the new one"
    disabled = file.read_text()
    subprocess.run(shlex.split(enabling("ssh_key", {".ssh/authorized_keys": str(file)})), check=True)
    assert file.read_text() == f"no-pty {OLD} ci\n"
    file.write_text(disabled)
    answer(file, "present")
    answer(file, "revoked", leak=True)
    assert file.read_text() == f"no-pty {NEW}\n"
    assert len(ended) == 3


class TestElsewhere:
    """A leaked key that is authorized for another account, too."""

    def test_it_is_reported_and_left_there(self, file: Path, accounts: dict[str, Path]) -> None:
        accounts["other"].write_text(f"{OLD} ci\n")
        accounts["nobody"].write_text(f"{NEW}\n")
        answer(file, "present")
        for check in (True, False):
            result = answer(file, "revoked", leak=True, check=check)
            assert (result["elsewhere"], result["unread"]) == ([str(accounts["other"])], 0)
        assert accounts["other"].read_text() == f"{OLD} ci\n"

    def test_what_cannot_be_read(self, file: Path, accounts: dict[str, Path]) -> None:
        os.mkfifo(accounts["other"])
        answer(file, "present")
        result = answer(file, "revoked", leak=True)
        assert (result["elsewhere"], result["unread"]) == ([], 1)

    @pytest.mark.parametrize("extra", [{"leak": False}, {"leak": True, "rollback": True}])
    def test_nobody_looks_without_a_leak(self, file: Path, accounts: dict[str, Path], extra: dict[str, bool]) -> None:
        accounts["other"].write_text(f"{OLD}\n{NEW}\n")
        answer(file, "present")
        assert "elsewhere" not in answer(file, "revoked", **extra)


def test_check_mode(file: Path, ended: list[Any]) -> None:
    before = file.read_bytes()
    assert answer(file, "present", check=True)["changed"]
    assert file.read_bytes() == before
    answer(file, "present")
    assert answer(file, "revoked", check=True)["changed"]
    assert ended[-1][-1] is True


def test_a_host_that_has_neither_key(file: Path) -> None:
    file.write_text(f"{OTHER}\n")
    result = answer(file, "present")
    assert (result["changed"], result["old"], result["new"]) == (False, False, False)
    assert answer(file, "revoked")["changed"] is False
    assert file.read_text() == f"{OTHER}\n"


class TestLate:
    """A run that was overtaken comes after the key was taken away again."""

    def mark(self, folder: Path, **entries: Any) -> str:
        state.put(state.mark(folder / ".env"), json.dumps(entries))
        return str(folder / ".env")

    def test_a_lower_number_than_the_marks(self, file: Path, tmp_path: Path) -> None:
        env = self.mark(tmp_path, accepted={"journal": 12}, healthy={"journal": 9})
        before = file.read_bytes()
        with pytest.raises(HostError, match=r"journal \(number 12; this run read number 11\)\. No key"):
            answer(file, "present", env_path=env, journal=11)
        assert file.read_bytes() == before
        assert answer(file, "present", env_path=env, journal=12)["changed"]

    def test_it_takes_keys_away_whatever_the_number_is(self, file: Path, tmp_path: Path) -> None:
        env = self.mark(tmp_path, accepted={"journal": 12})
        answer(file, "present", journal=12)
        assert answer(file, "revoked", env_path=env, journal=11)["changed"]

    def test_a_host_without_a_mark(self, file: Path, tmp_path: Path) -> None:
        for env in (tmp_path / ".env", tmp_path / "none" / ".env"):
            assert answer(file, "present", env_path=str(env), journal=1, check=True)["changed"]

    def test_a_mark_that_is_none(self, file: Path, tmp_path: Path) -> None:
        state.put(state.mark(tmp_path / ".env"), "x")
        with pytest.raises(HostError, match="invalid deploy marker"):
            answer(file, "present", env_path=str(tmp_path / ".env"), journal=1)


@pytest.mark.parametrize(
    ("extra", "message"),
    [({"old": None}, "option old is missing"), ({"new": None, "rollback": True}, "option new is missing")],
)
def test_what_is_missing(file: Path, extra: dict[str, Any], message: str) -> None:
    with pytest.raises(HostError, match=message):
        answer(file, "revoked", **extra)


def test_as_a_module(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"file": str(file), "old": OLD, "new": NEW, "account": ME}
    result, _output = run_module(ssh_main.main, {**given, "state": "present"}, capsys)
    assert result["changed"]
    result, _output = run_module(ssh_main.main, {**given, "account": "no-such-account"}, capsys)
    assert result["msg"].startswith("this host has no account no-such-account")
    result, _output = run_module(ssh_main.main, {**given, "old": "nonsense"}, capsys)
    assert result["msg"] == "old or new is not a public SSH key"
