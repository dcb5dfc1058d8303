# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Since when a key is in its file: what we write there makes no other key look new."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.fingerprints import of_ssh_key
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_accounts import OpenedAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.ways_in import FootholdSearch
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts, key_times
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh.authorized_keys import blob_of
from tests.unit.plugins.module_utils._host.ssh.public_keys import key


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "state").mkdir()
    monkeypatch.setattr(atomic_file, "STATE", str(tmp_path / "state"))
    monkeypatch.setattr(atomic_file.safe_files, "require_owners", lambda *_args: None)  # its folder is below /tmp
    path = tmp_path / "authorized_keys"
    path.write_text(f"{key('colleague')}\n{key('old')}\n")
    return path


def added(path: Path, name: str, options: str = "") -> None:
    time.sleep(0.02)
    path.write_text(f"{path.read_text()}{options}{key(name)}\n")


def times(path: Path) -> dict[str, float]:
    file = all_accounts.file(str(path))
    assert file is not None
    return key_times.times(file)


def name_of(name: str) -> str:
    return of_ssh_key(blob_of(key(name)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root records them")
def test_each_key_keeps_its_time(file: Path) -> None:
    first = times(file)
    for name in ("new", "newer"):
        key_times.record(str(file))
        added(file, name)
    now = times(file)
    assert [now[name_of(name)] for name in ("colleague", "old")] == [*first.values()]
    assert first[name_of("old")] < now[name_of("new")] < now[name_of("newer")] == os.stat(file).st_ctime


def test_without_a_record_the_files_own_time_counts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_times.os, "geteuid", lambda: 1000)
    key_times.record(str(file))
    assert list((file.parent / "state").iterdir()) == []
    added(file, "new")
    assert set(times(file).values()) == {os.stat(file).st_ctime}


def test_what_cannot_be_recorded_keeps_no_key_valid(file: Path) -> None:
    (file.parent / "state").rmdir()
    (file.parent / "state").write_text("no directory")
    key_times.record(str(file))
    os.remove(file)
    key_times.record(str(file))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root records them")
@pytest.mark.parametrize("record", ["[]", "1", '{"SHA256:x": null}', "{"])
def test_a_broken_record_is_none(file: Path, record: str) -> None:
    key_times.record(str(file))
    (path,) = [path for path in (file.parent / "state").rglob("key-times") if path.is_file()]
    path.write_text(record)
    assert set(times(file).values()) == {os.stat(file).st_ctime}


FORCED = 'command="/home/deploy/.x",no-pty '


@pytest.mark.parametrize("options", [FORCED, 'no-pty,environment="PATH=/home/deploy/bin" ', 'Command="x" '])
def test_a_key_of_ours_that_runs_what_somebody_wrote(tmp_path: Path, options: str) -> None:
    """Each login of ours would go through it."""
    path = tmp_path / "authorized_keys"
    since = time.time() - 1
    path.write_text(f'{options}{key("ours")}\nfrom="10.0.0.1" {key("other")}\n')
    search = FootholdSearch([OpenedAccount("deploy", 2000, str(tmp_path), "deploy_ssh")], since, "/")
    file = all_accounts.file(str(path))
    assert file is not None
    search._keys_of(file, "deploy_ssh", {name_of("ours"), name_of("other")})
    (found,) = search.footholds
    assert found.text.startswith(f"key {name_of('ours')} in {path} got command= or environment= at ")
    assert found.text.endswith(f": check these options by sudoedit {path}")
    assert found.key == "", "ours is not removed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root records them")
def test_an_option_that_was_there_before_is_not_named(file: Path) -> None:
    file.write_text(f"{FORCED}{key('old')}\n")
    before = times(file)
    key_times.record(str(file))
    added(file, "new")
    forced = [name for name in before if key_times.WITH_OPTIONS in name]
    assert [times(file)[name] for name in forced] == [before[name] for name in forced]
    assert len(forced) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root records them")
def test_our_new_key_with_the_options_of_the_old_one_is_not_named(file: Path) -> None:
    """A rotation adds it under the same options, and removes the old line."""
    file.write_text(f"{FORCED}{key('old')}\n")
    time.sleep(0.02)
    since = time.time()
    key_times.record(str(file))
    added(file, "new", FORCED)
    key_times.record(str(file))
    file.write_text(f"{FORCED}{key('new')}\n")
    search = FootholdSearch([OpenedAccount("deploy", 2000, str(file.parent), "deploy_ssh")], since, "/")
    for options in (FORCED, 'command="/tmp/x" '):
        file.write_text(f"{options}{key('new')}\n")
        found = all_accounts.file(str(file))
        assert found is not None
        search._keys_of(found, "deploy_ssh", {name_of("new")})
        assert len(search.footholds) == (options != FORCED)
