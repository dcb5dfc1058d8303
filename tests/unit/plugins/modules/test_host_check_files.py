# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What verification finds at files beside .env, in each format."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files, dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from tests.modules import run_module
from tests.unit.plugins.modules.host_world import NOBODY, READERS, SECRET_KEY, VALUES, HostWorld
from tests.unit.plugins.modules.planted_mistakes import grant

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's files; not tested here: owners and access lists")

FORMATS = {
    "dotenv": {"settings": ["SECRET_KEY", "PORT"]},
    "json": {"settings": ["SECRET_KEY", "PORT"]},
    "yaml": {"settings": ["SECRET_KEY", "PORT"]},
    "value": {"settings": ["SECRET_KEY"]},
    "systemd_credential": {"settings": ["SECRET_KEY"]},
}


class FilesWorld(HostWorld):
    """A host whose deploy writes one file more."""

    def declare(self, file_format: str) -> Path:
        entry = {"name": "web", "path": "web", "format": file_format, **FORMATS[file_format]}
        self.file = catalog_files.output_file({**entry, "owner": str(NOBODY)})
        self.files = [self.file.data]
        self.write_all(VALUES)
        return self.app / "web"

    def write_all(self, values: dict[str, str]) -> None:
        """As a deploy does it."""
        in_env = catalog_files.in_env([self.file], values)
        declared = {name: getattr(self.file, name) for name in ("path", "owner", "group", "mode", "credential")}
        args: dict[str, Any] = {
            "path": str(self.env),
            "owner": str(NOBODY),
            "snapshot_id": "s-2",
            "journal": 2,
            "content": dotenv.to_dotenv(in_env, READERS, atomic_file.HEADER),
            "files": [{**declared, "settings": list(self.file.settings)}],
            "file_contents": {"web": self.file.content(values, READERS, atomic_file.HEADER)},
            "assume_healthy": True,
        }
        result, _text = run_module(env_file_main.main, args, self._capsys)
        assert result.get("healthy"), result


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> FilesWorld:
    return FilesWorld(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=FORMATS)
def web(world: FilesWorld, request: pytest.FixtureRequest) -> Path:
    if request.param == "systemd_credential" and not shutil.which("systemd-creds"):
        pytest.skip("no systemd-creds; not tested here: credentials")
    return world.declare(request.param)


def test_what_a_deploy_wrote_passes(world: FilesWorld, web: Path) -> None:
    assert world.judged() == {}
    (row,) = world.answer()["other_files"]
    assert (row["path"], row["mode"], row["differs"], "problem" in row) == (str(web), "0600", [], False)


def test_a_unit_may_read_a_file_of_its_own(world: FilesWorld) -> None:
    web = world.declare("dotenv")
    world.unit["EnvironmentFiles"] += f"\n{web} (ignore_errors=no)"
    assert world.judged() == {}


def test_another_value_is_named_by_its_setting(world: FilesWorld, web: Path) -> None:
    world.write_all({**VALUES, "SECRET_KEY": "canary-of-the-deploy-before"})
    assert world.judged()["WPS301"] == [f"{web} holds other values of SECRET_KEY"]


def test_a_setting_that_stands_in_env_too_by_hand(world: FilesWorld, web: Path) -> None:
    with world.env.open("a") as handle:
        handle.write(f"SECRET_KEY='{SECRET_KEY}'\n")
    found = world.judged()["WPS301"]
    assert "holds SECRET_KEY, which the next deploy removes" in found
    assert "the file is not the one that a deploy wrote" in found


@pytest.mark.parametrize(
    "how", ["missing", "mode", "owner", "group", "acl", "replaceable", "link", "directory", "damaged"]
)
def test_what_is_wrong_with_a_file(world: FilesWorld, how: str) -> None:
    web = world.declare("json")
    if how == "mode":
        web.chmod(0o644)
    elif how == "owner":
        os.chown(web, 0, 0)
    elif how == "group":
        world.files[0]["group"] = "root"
        os.chown(web, NOBODY, NOBODY)
    elif how == "acl":
        grant(web, 0x02, 4)
    elif how == "replaceable":
        keys = world.app / "keys"
        keys.mkdir()
        os.chown(keys, NOBODY, NOBODY)
        web = web.rename(keys / "web")
        world.files[0]["path"] = "keys/web"
    elif how == "damaged":
        web.write_text("{")
    else:
        web.unlink()
    if how == "link":
        web.symlink_to("/etc/hostname")
    elif how == "directory":
        web.mkdir()
    check, message = {
        "missing": ("WPS301", "does not exist"),
        "mode": ("WPS201", "has mode 0644 instead of 0600"),
        "owner": ("WPS202", f"belongs to root instead of {NOBODY}"),
        "group": ("WPS202", "instead of root"),
        "acl": ("WPS203", "may read it"),
        "replaceable": ("WPS206", "belongs to nobody, which can replace"),
        "link": ("WPS301", "is a symbolic link"),
        "directory": ("WPS301", "is not a regular file"),
        "damaged": ("WPS301", "cannot be parsed as json"),
    }[how]
    assert any(f"{web}" in line and message in line for line in world.judged()[check])


def test_copies_of_a_value_that_stands_in_another_file_are_found(world: FilesWorld) -> None:
    web = world.declare("value")
    copy = web.with_name("backup-of-web")
    copy.write_text(SECRET_KEY)
    assert any(str(copy) in line for line in world.judged()["WPS205"])


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_file_that_the_catalog_no_longer_has(world: FilesWorld, is_edited: bool) -> None:
    """Such as on a host that the last deploy left out."""
    web = world.declare("value")
    world.files = []
    if is_edited:
        web.write_text(SECRET_KEY[::-1])
    message = f"{web} is not in files of the catalog for this host; the next deploy removes it, unless "
    assert [text for text in world.judged()["WPS301"] if text.startswith(message)]
    web.unlink()
    assert world.answer()["undeclared_files"] == []
