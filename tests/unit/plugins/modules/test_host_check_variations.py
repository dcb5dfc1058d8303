# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Legitimate ways to run an application: none of them is a finding, and none is not checked."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes
from tests import planted
from tests.unit.plugins.modules.host_world import NOBODY, PASSWORD, SECRET_KEY, VALUES, HostWorld
from tests.unit.plugins.modules.planted_mistakes import tarred

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's files; not tested here: owners and access lists")


def unit(**over: str) -> Callable[[HostWorld], Any]:
    return lambda world: world.unit.update(over)


def idle(**over: str) -> Callable[[HostWorld], Any]:
    """A unit that does not run just now."""
    more = {"MainPID": "0", "ActiveState": "inactive", "SubState": "dead", **over}
    return lambda world: (world.unit.update(more), world.processes.clear(), world.wanted.update(owner="nobody"))


def file(place: str, content: str | bytes) -> Callable[[HostWorld], Any]:
    return lambda world: world.write(place, content)


def two_files(world: HostWorld) -> None:
    other = world.write("etc/default/other", "LANG=C.UTF-8\nWORKERS=4\nPORT=8000\n")
    world.unit["EnvironmentFiles"] += f"\n{other} (ignore_errors=no)\n/nonexistent/local.env (ignore_errors=yes)"


def by_pattern(world: HostWorld) -> None:
    world.write("etc/shop.d/a.env", "WORKERS=4\n")
    world.unit["EnvironmentFiles"] += f"\n{world.root}/etc/shop.d/*.env (ignore_errors=no)"


def by_link(world: HostWorld) -> None:
    """The unit names the file through the link to the current release."""
    (world.root / "srv/current").symlink_to("app")
    world.unit["EnvironmentFiles"] = f"{world.root}/srv/current/.env (ignore_errors=no)"


def owner_and_group(world: HostWorld) -> None:
    world.env.chmod(0o640)
    world.wanted.update(mode="0640", owner="nobody")


def two_units(world: HostWorld) -> None:
    world.more_units = [{**world.unit, "Id": "worker@2.service", "MainPID": "4243"}]
    world.processes[4243] = {"environment": {}, "words": "celery worker", "user": "nobody"}


def touched(world: HostWorld) -> None:
    """Its owner was given again: only the time of change is newer than the process."""
    world.processes[4242]["began"] = time.time() + 0.2
    time.sleep(0.25)
    os.chown(world.env, NOBODY, NOBODY)


def in_container(world: HostWorld) -> None:
    world.unit |= {"User": "", "ExecStart": "{ path=/usr/bin/docker ; argv[]=/usr/bin/docker run shop ; }"}
    world.processes[4242] = {"words": "docker run", "user": "root"}
    world.processes[99] = {"environment": dict(VALUES), "words": "gunicorn", "user": "999"}
    world.wanted["owner"] = "nobody"


VARIATIONS: dict[str, Callable[[HostWorld], Any]] = {
    "as deployed": lambda world: None,
    "the application reads the file itself": unit(EnvironmentFiles=""),
    "a process without settings in its environment": lambda world: world.processes[4242].update(environment={}),
    "a drop-in with other settings": unit(Environment="DJANGO_SETTINGS=shop PYTHONUNBUFFERED=1 TZ=UTC"),
    "a drop-in that repeats what is not secret": unit(Environment="PORT=8000"),
    "several files": two_files,
    "files by a pattern": by_pattern,
    "a release behind a link": by_link,
    "a templated unit and a worker": two_units,
    "a job that ran to its end": idle(Type="oneshot", Result="success"),
    "started by a timer": idle(TriggeredBy="shop.timer", UnitFileState="static", WantedBy=""),
    "started by a socket": idle(TriggeredBy="shop.socket", UnitFileState="disabled", WantedBy=""),
    "static and wanted by another unit": unit(UnitFileState="static", WantedBy="", RequiredBy="shop.target"),
    "disabled and wanted by a target": unit(UnitFileState="disabled", WantedBy="shop.target"),
    "an alias": unit(UnitFileState="alias"),
    "generated": unit(UnitFileState="generated"),
    "reloading": unit(ActiveState="reloading", SubState="reload"),
    "a container": in_container,
    "DynamicUser": lambda world: (
        world.unit.update(User="", DynamicUser="yes"),
        world.processes[4242].update(user="61234"),
        world.wanted.update(owner="nobody"),
    ),
    "the group reads it": owner_and_group,
    "a read-only file": lambda world: world.env.chmod(0o400),
    "owned again after the start": touched,
    "another application's .env below": file("srv/app/frontend/.env", "VITE_TITLE=Shop\nAPI_URL=https://example.com\n"),
    "placeholders": file("srv/app/.env.example", "SECRET_KEY=change_me\n"),
    "a schema": file("srv/app/.env.schema", "SECRET_KEY=\n"),
    "an encrypted vault": file("srv/app/.env.vault", "DOTENV_VAULT_PRODUCTION=abcdefgh\n"),
    "test values": file("srv/app/.env.test", "SECRET_KEY=only-for-tests\n"),
    "code called env": file("srv/app/env.py", "import os\n"),
    "an environment of another kind": file("srv/app/env.txt", "python 3.12\n"),
    "a template": file("srv/app/docker.env.j2", "SECRET_KEY={{ key }}\n"),
    "another application's .env elsewhere": file("opt/other/.env", "SECRET_KEY=another-one\n"),
    "a document about the environment": file("srv/app/environment.md", "SECRET_KEY=x\n"),
    "direnv": file("srv/app/.envrc", "layout python\n"),
    "a package's own .env": file("srv/app/node_modules/dotenv/.env", "SECRET_KEY=x\n"),
    "a virtual environment": file("srv/app/venv/lib/python3.12/site-packages/x/.env", "SECRET_KEY=x\n"),
    "a large packed backup": file("var/backups/db.gz", gzip.compress(bytes(40 << 20))),
    "a large upload": file("srv/app/media/film.mp4", bytes(40 << 20)),
    "packed documents in a backup": file("var/backups/d.tar.gz", tarred(gzip.compress(tarred(b"doc")), "w:gz")),
    "a log that is being packed": file("var/log/shop.gz", gzip.compress(os.urandom(9000))[:-1000]),
    "an empty zip": file("srv/app/e.zip", b"PK\5\6" + bytes(18)),
    "a text that begins as bzip2 does": file("srv/app/BZ.txt", "BZh is a mark\n"),
    "a damaged archive": file("srv/app/upload.zip", b"PK\x03\x04" + b"\0" * 100),
    "a log without values": file("var/log/shop.log", "GET /health/ 200\n" * 1000),
    "a history without values": file("home/ann/.bash_history", "ls\nsystemctl status shop\n"),
    "a process of the application's account": lambda world: world.processes.update(
        {7: {"environment": dict(VALUES), "words": "python manage.py shell", "user": "nobody"}}
    ),
    "a shell of root's": lambda world: world.processes.update(
        {7: {"environment": {"PGPASSWORD": PASSWORD}, "words": "psql", "user": "root"}}
    ),
    "a link beside it": lambda world: (world.app / "latest").symlink_to("/etc/hosts"),
    "a pipe beside it": lambda world: os.mkfifo(world.app / "control"),
    "a socket's name with odd characters": file("srv/app/a\nb\x1b[31m", "x"),
}


@planted.variations("Hosts", planted.FOLDER)
@pytest.mark.parametrize("name", VARIATIONS)
def test_no_false_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    tmp_path.chmod(0o755)
    world = HostWorld(tmp_path, monkeypatch, capsys)
    monkeypatch.setattr(
        processes, "control_groups", lambda pid: "0::/system.slice/docker-1f.scope" if pid == 99 else "0::/"
    )
    VARIATIONS[name](world)
    assert world.judged() == {}
    assert SECRET_KEY not in str(world.answer())


def test_a_unit_that_only_some_hosts_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o755)
    world = HostWorld(tmp_path, monkeypatch, capsys)
    world.more_units = [{"Id": "worker.service", "LoadState": "not-found", "ActiveState": "inactive"}]
    found = world.judged()
    assert found == {"WPS306": ["worker.service is not installed"]}, "none has it"


def test_no_link_leads_out_of_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account that could lead root by links would learn what other files hold."""
    tmp_path.chmod(0o755)
    world = HostWorld(tmp_path, monkeypatch, capsys)
    world.write("private/dump", SECRET_KEY, mode=0o600)
    for link in (world.app / "dump", world.app / "folder", world.root / "tmp/folder", world.root / "tmp/dump"):
        link.symlink_to(world.root / "private" if link.name == "folder" else world.root / "private/dump")
        os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    os.chown(world.root / "tmp", NOBODY, NOBODY)
    assert world.judged() == {}
