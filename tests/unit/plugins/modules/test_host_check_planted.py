# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes on a host, each with the check that finds it: how it is planted, and in which of its kind."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import socket
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_facts
from tests.unit.plugins.modules.host_world import NOBODY, PASSWORD, SECRET_KEY, VALUES, HostWorld

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's files; not tested here: owners and access lists")

Plant = Callable[[HostWorld], Any]
FILE = "\n".join(f"{name}={value}" for name, value in VALUES.items()) + "\n"
OLD = f"SECRET_KEY=former-{'y' * 40}\n"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> HostWorld:
    tmp_path.chmod(0o755)
    return HostWorld(tmp_path, monkeypatch, capsys)


# --- copies: each container in each place -----------------------------------------------------------------------------


def zipped(content: bytes, name: str = "a/.env") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def tarred(content: bytes, mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("a/.env")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


CONTAINERS: dict[str, bytes] = {
    "as it is": FILE.encode(),
    "in the middle of a log": b"x" * 4000 + SECRET_KEY.encode() + b"y" * 4000,
    "larger than 2 MB": os.urandom(3 << 20) + SECRET_KEY.encode(),
    "over the edge of two pieces": b"z" * ((1 << 20) - 5) + SECRET_KEY.encode(),
    "URL-encoded": quote(PASSWORD, safe="").encode(),
    "JSON": json.dumps({"password": PASSWORD, "key": SECRET_KEY}).encode(),
    "HTML": SECRET_KEY.replace("&", "&amp;").encode(),
    "base64": base64.b64encode(FILE.encode()),
    "base64 in lines of 76": base64.encodebytes(FILE.encode() * 3),
    "base64 in lines of 64": b"\n".join(base64.b64encode(FILE.encode())[at : at + 64] for at in range(0, 200, 64)),
    "hexadecimal": FILE.encode().hex().encode(),
    "gzip": gzip.compress(FILE.encode()),
    "bzip2": bz2.compress(FILE.encode()),
    "xz": lzma.compress(FILE.encode()),
    "zip": zipped(FILE.encode()),
    "tar": tarred(FILE.encode()),
    "tar.gz": tarred(FILE.encode(), "w:gz"),
    "tar.xz": tarred(FILE.encode(), "w:xz"),
    "a zip in a tar.gz": tarred(zipped(FILE.encode()), "w:gz"),
    "gzip in base64": base64.b64encode(b"\0" + FILE.encode()),
}
BELOW = ("srv/app/notes.txt", "srv/app/backup/.env", "srv/app/a/b/c/d/dump.sql", "srv/app/.hidden/x")


@pytest.mark.parametrize("place", BELOW)
@pytest.mark.parametrize("how", CONTAINERS)
def test_a_copy_below_the_file(world: HostWorld, how: str, place: str) -> None:
    path = world.write(place, CONTAINERS[how])
    found = world.judged()
    assert list(found) == ["WPS205"]
    assert found["WPS205"][0].startswith(f"{path} (mode 0644) holds ")


ELSEWHERE = (
    *("etc/systemd/system/shop.service.bak", "etc/systemd/system/shop.service.d/old.conf", "etc/default/shop"),
    *("etc/cron.d/backup", "tmp/env", "tmp/x/dump.sql.gz", "var/log/shop.log", "var/log/nginx/access.log"),
    *("var/backups/env.tar.gz", "home/ann/.bash_history", "home/ann/.python_history", "home/ann/.psql_history"),
    *("home/ann/.rediscli_history", "home/ann/.zsh_history", "home/ann/.local/share/fish/fish_history"),
    *("home/ann/.pgpass", "home/ann/.netrc", "home/ann/.env", "home/ann/production.env", "home/ann/.bashrc"),
    *("home/ann/shop.sql", "home/ann/.viminfo"),
)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_copy_where_copies_usually_are(world: HostWorld, place: str) -> None:
    content = CONTAINERS["tar.gz"] if place.endswith(".gz") else b"# x\n" + FILE.encode()
    path = world.write(place, content)
    found = world.judged()
    assert list(found) == ["WPS208"]
    assert found["WPS208"] == [f"{path} (mode 0644) holds DATABASE_PASSWORD, SECRET_KEY"]


NAMES = (
    ".env.bak",
    ".env~",
    "..env.swp",
    "#.env#",
    ".env.old",
    "env.backup",
    ".env.tmp-1f",
    "_.env",
    ".env.2026",
    ".env.prod",
)


@pytest.mark.parametrize("name", [*NAMES, "sub/.env", "sub/.env.old"])
def test_an_older_file(world: HostWorld, name: str) -> None:
    world.write(f"srv/app/{name}", OLD)
    assert list(world.judged()) == ["WPS205"]


# --- one table for the rest -------------------------------------------------------------------------------------------


def replaced(old: str, new: str) -> Plant:
    return lambda world: world.replace(old, new)


def added(line: str, *, first: bool = False) -> Plant:
    return lambda world: world.env.write_text(line + "\n" + world.text if first else world.text + line + "\n")


def unit(**over: str) -> Plant:
    def plant(world: HostWorld) -> None:
        world.unit.update(over)
        if over.get("MainPID") == "0":
            world.processes.clear()

    return plant


def process(**over: Any) -> Plant:
    return lambda world: world.processes[4242].update(over)


def mode(number: int) -> Plant:
    return lambda world: world.env.chmod(number)


def state(name: str, number: int) -> Plant:
    return lambda world: (world.state / name).chmod(number)


def owned(place: str, uid: int = NOBODY - 1) -> Plant:
    return lambda world: os.chown(world.root / place, uid, uid)


def owned_state(name: str) -> Plant:
    return lambda world: os.chown(world.state / name, NOBODY, NOBODY)


def instead(make: Callable[[Path], Any]) -> Plant:
    def plant(world: HostWorld) -> None:
        world.env.unlink()
        make(world.env)

    return plant


def listed(tag: int, may: int, name: str = ".env") -> Plant:
    def plant(world: HostWorld) -> None:
        path = world.env if name == ".env" else world.state / name
        rows = [
            (0x01, 6, 0xFFFFFFFF),
            (tag, may, 1),
            (0x04, 0, 0xFFFFFFFF),
            (0x10, 7, 0xFFFFFFFF),
            (0x20, 0, 0xFFFFFFFF),
        ]
        data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in sorted(rows))
        try:
            os.setxattr(path, host_facts.ACL, data)
        except OSError:
            pytest.skip("no access lists on this file system")

    return plant


def other_file(content: str, *, ignores: str = "no") -> Plant:
    def plant(world: HostWorld) -> None:
        path = world.write("srv/other.env", content, mode=0o600)
        world.unit["EnvironmentFiles"] += f"\n{path} (ignore_errors={ignores})"

    return plant


def shown(pid: int, **over: Any) -> Plant:
    return lambda world: world.processes.update({pid: over})


def preserved(world: HostWorld) -> None:
    """``cp -p`` of an older file: other bytes with an older time of modification."""
    world.env.write_text(world.text.replace("False", "True"))
    os.utime(world.env, (1, 1))


def touched_back(world: HostWorld) -> None:
    """The same content as the stores', brought by ``rsync -t`` over another deploy's; the process is older."""
    world.text = world.text.replace(atomic_file.HEADER, "another header")
    world.env.write_text(world.text)
    os.utime(world.env, (1, 1))
    world.processes[4242]["began"] = time.time() - 600


def worker(world: HostWorld) -> None:
    world.write("cgroup/system.slice/shop.service/cgroup.procs", "4242\n4243\n")
    world.unit["ControlGroup"] = "/system.slice/shop.service"
    world.processes[4243] = {"environment": {**VALUES, "SECRET_KEY": "former"}, "words": "gunicorn: worker"}


LINE = f"SECRET_KEY='{SECRET_KEY}'"
MISTAKES: list[tuple[str, str, Plant]] = [
    # the file as its readers read it
    ("a former key above the right one", "WPS301 WPS308", added(OLD.strip(), first=True)),
    ("the same assignment twice", "WPS301 WPS308", added("DEBUG=False")),
    ("another value below", "WPS301 WPS308", added("DEBUG=True")),
    ("twice with export", "WPS301 WPS308", added("export PORT=8000")),
    ("another value", "WPS301", replaced("PORT='8000'", "PORT='8001'")),
    ("a setting is missing", "WPS301", replaced("PORT='8000'\n", "")),
    ("an empty value", "WPS301", replaced("PORT='8000'", "PORT=''")),
    ("an unknown setting", "WPS301 WPS302", added("STRANGE='1'")),
    ("a dollar that shells expand", "WPS301 WPS308", replaced("PORT='8000'", 'PORT="80$HOME"')),
    ("a backtick that shells run", "WPS301 WPS308", replaced("PORT='8000'", 'PORT="8`id`"')),
    ("a comment with the present key", "WPS301 WPS308", added(f"# {SECRET_KEY}")),
    ("a comment with a former key", "WPS301 WPS308", added("# SECRET_KEY=former-key-of-the-application")),
    ("a comment with an unknown setting", "WPS301 WPS308", added("#OLD_TOKEN=0a1b2c3d4e5f")),
    ("a comment with a colon", "WPS301 WPS308", added("# API_TOKEN: 0a1b2c3d4e5f")),
    ("a comment with a URL and a password", "WPS301 WPS308", added("# postgresql://shop:hunter2@db/shop")),
    ("a comment with a bare token", "WPS301 WPS308", added("# 9f8a7b6c5d4e3f2a1b0c")),
    ("a comment behind a value", "WPS301 WPS308", replaced("PORT='8000'", "PORT='8000' # was SECRET_KEY=abcdefgh")),
    ("a comment behind a value without quotes", "WPS301 WPS308", replaced("PORT='8000'", "PORT=8000 # TOKEN=abcdefgh")),
    ("a comment with an encoded key", "WPS301 WPS308", added("# " + base64.b64encode(SECRET_KEY.encode()).decode())),
    ("a comment in the header's place", "WPS301 WPS308", added("# SECRET_KEY = 'former-value'", first=True)),
    ("an edit that changes no value", "WPS301", added("# restarted by ann")),
    ("not UTF-8", "WPS301", lambda world: world.env.write_bytes(b"A=\xff\xfe\n")),
    ("cannot be parsed", "WPS301", lambda world: world.env.write_bytes(b"A='x\n")),
    ("empty", "WPS301", lambda world: world.env.write_bytes(b"")),
    # what stands in the file's place
    ("no file", "WPS201", lambda world: world.env.unlink()),
    ("a directory", "WPS201", instead(lambda path: path.mkdir())),
    ("a pipe", "WPS201", instead(lambda path: os.mkfifo(path))),
    ("a link", "WPS201", instead(lambda path: path.symlink_to("/dev/null"))),
    ("a link to a world-readable place", "WPS201", instead(lambda path: path.symlink_to("/tmp/env"))),
    ("a dangling link", "WPS201", instead(lambda path: path.symlink_to("nowhere"))),
    ("a socket", "WPS201", instead(lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)))),
    ("a hard link", "WPS201", lambda world: os.link(world.env, world.root / "srv" / "hard")),
    # modes, owners and access lists
    *((f"mode {number:04o}", "WPS201", mode(number)) for number in (0o640, 0o604, 0o644, 0o660, 0o666, 0o700, 0o777)),
    *((f"mark {number:04o}", "WPS201", state("mark", number)) for number in (0o644, 0o640, 0o666)),
    *((f"backup {number:04o}", "WPS201", state("healthy", number)) for number in (0o644, 0o604, 0o660)),
    ("a foreign owner", "WPS202", owned("srv/app/.env")),
    ("a foreign mark", "WPS202", owned_state("mark")),
    ("a foreign backup", "WPS202", owned_state("healthy")),
    *((f"user may {may}", "WPS203", listed(0x02, may)) for may in (2, 4, 6)),
    *((f"group may {may}", "WPS203", listed(0x08, may)) for may in (2, 4, 6)),
    ("user may read the backup", "WPS203", listed(0x02, 4, "healthy")),
    ("user may read the mark", "WPS203", listed(0x02, 4, "mark")),
    ("the directory is 0777", "WPS206", lambda world: world.app.chmod(0o777)),
    ("the directory is 0775", "WPS206", lambda world: world.app.chmod(0o775)),
    ("the directory is the application's", "WPS206", owned("srv/app", NOBODY)),
    ("the directory is somebody else's", "WPS206", owned("srv/app")),
    ("the directory above is somebody else's", "WPS206", owned("srv")),
    ("the directory above is 0777", "WPS206", lambda world: (world.root / "srv").chmod(0o777)),
    # the unit
    ("masked", "WPS306", unit(LoadState="masked", UnitFileState="masked", MainPID="0", ActiveState="inactive")),
    ("gone", "WPS306", unit(LoadState="not-found", UnitFileState="", MainPID="0", ActiveState="inactive")),
    ("malformed", "WPS306", unit(LoadState="bad-setting", MainPID="0", ActiveState="inactive")),
    ("cannot be loaded", "WPS306", unit(LoadState="error", MainPID="0", ActiveState="inactive")),
    ("failed", "WPS306", unit(ActiveState="failed", SubState="failed", MainPID="0")),
    ("stopped", "WPS306", unit(ActiveState="inactive", SubState="dead", MainPID="0")),
    ("starts again and again", "WPS306", unit(ActiveState="activating", SubState="auto-restart", MainPID="0")),
    ("a job that failed", "WPS306", unit(Type="oneshot", ActiveState="inactive", Result="exit-code", MainPID="0")),
    *((f"at boot: {how}", "WPS306", unit(UnitFileState=how, WantedBy=""))
      for how in ("disabled", "linked", "static", "enabled-runtime", "masked-runtime", "indirect")),
    ("runs as root", "WPS202 WPS207", lambda world: (unit(User="")(world), process(user="root")(world))),
    ("runs as root although User= says otherwise", "WPS202 WPS207", process(user="root")),
    ("a drop-in with a former key", "WPS307", unit(Environment="SECRET_KEY=old")),
    ("a drop-in with a former key in quotes", "WPS307", unit(Environment='"SECRET_KEY=old key" LANG=C')),
    ("a drop-in with the present key", "WPS307", unit(Environment=f"SECRET_KEY={SECRET_KEY}")),
    ("a drop-in with another port", "WPS307", unit(Environment="PORT=9000")),
    ("reads another file with former values", "WPS307", other_file(OLD)),
    ("reads a second copy", "WPS307", other_file(f"SECRET_KEY='{SECRET_KEY}'\n")),
    ("reads a file with another port", "WPS307", other_file("PORT=9000\n", ignores="yes")),
    ("reads a file that is not there", "WPS307", unit(EnvironmentFiles="/nonexistent/env (ignore_errors=no)")),
    ("reads a file that cannot be parsed", "WPS307", other_file("PORT='x\n")),
    ("reads only another file", "WPS307",
     lambda world: (unit(EnvironmentFiles="")(world), other_file(OLD)(world))),
    # what runs
    ("runs with a former key", "WPS303", process(environment={**VALUES, "SECRET_KEY": "former"})),
    ("runs with another port", "WPS303", process(environment={**VALUES, "PORT": "1"})),
    ("a worker runs with a former key", "WPS303", worker),
    ("is older than the deploy", "WPS303", process(began=time.time() - 600)),
    ("cp -p of an older file", "WPS301", preserved),
    ("rsync -t over it", "WPS301 WPS303", touched_back),
    ("a value in its own arguments", "WPS209", process(words=f"gunicorn --key {SECRET_KEY}")),
    ("a value in another's arguments", "WPS209", shown(7, words=f"psql --password {PASSWORD}")),
    ("a value in a URL in arguments", "WPS209", shown(7, words=f"psql postgresql://a:{quote(PASSWORD, safe='')}@db")),
    ("a value in another's environment", "WPS209",
     shown(7, environment={"PGPASSWORD": PASSWORD}, words="cron", user="eve")),
]  # fmt: skip
BESIDE = {"WPS201": "WPS202 WPS203 WPS205 WPS301 WPS302 WPS303 WPS308 WPS208 WPS209", "WPS306": "WPS202"}
"""What cannot be checked beside a finding, where the file or the unit is gone."""
UNREADABLE = "WPS302 WPS308 WPS208 WPS209"


@pytest.mark.parametrize(("name", "checks", "plant"), MISTAKES, ids=[name for name, _checks, _plant in MISTAKES])
def test_a_planted_mistake(
    world: HostWorld, monkeypatch: pytest.MonkeyPatch, name: str, checks: str, plant: Plant
) -> None:
    monkeypatch.chdir(world.root)
    plant(world)
    found = world.judged()
    wanted = checks.split()
    more = " ".join(BESIDE.get(check, UNREADABLE if check == "WPS301" else "") for check in wanted).split()
    assert set(wanted) <= set(found) <= {*wanted, *more}, found


def test_systemd_does_not_answer(world: HostWorld) -> None:
    world.systemctl_code = 1
    found = world.judged()
    assert set(found) == {"WPS202", "WPS207", "WPS303", "WPS306", "WPS307"}, found
    assert found["WPS306"] == ["systemctl failed with code 1; run it there, and see whether systemd runs the host"]


def test_how_many() -> None:
    """The issue counts them; this says how many are planted here."""
    count = len(CONTAINERS) * len(BELOW) + len(ELSEWHERE) + len(NAMES) + 2 + len(MISTAKES)
    assert count >= 200
