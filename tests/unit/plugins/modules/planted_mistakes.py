# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in a host's files, each with the checks that find it. They are planted in a folder and on real hosts."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import socket
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import file_access
from tests.unit.plugins.modules.host_world import NOBODY, PASSWORD, SECRET_KEY, VALUES


class Host(Protocol):
    """What a mistake in files is planted on."""

    root: Path
    env: Path
    text: str
    """The deployed file's."""
    home: str
    """Of a person, below ``root``."""

    @property
    def state(self) -> Path: ...

    def write(self, place: str | Path, content: str | bytes, *, mode: int = 0o644) -> Path: ...

    def replace(self, old: str, new: str) -> None: ...


ACCESS = {2: "write", 4: "read", 6: "read and write"}
Plant = Callable[[Any], Any]
FILE = "\n".join(f"{name}={value}" for name, value in VALUES.items()) + "\n"
COPY = "Copies of values below the directory of .env"
COPY_ELSEWHERE = "Copies of .env elsewhere on a host"
OLDER = "Files named like .env that hold previous values"
FILES = ".env and the files around it"
UNITS = "Units, processes and logs"
OLD = f"SECRET_KEY=former-{'y' * 40}\n"


def zipped(content: bytes, name: str = "a/.env") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def tarred(content: bytes, mode: str = "w", name: str = "a/.env") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo(name)
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
    "UTF-16": FILE.encode("utf-16"),
    "UTF-16, big-endian": b"\0x" + FILE.encode("utf-16-be"),
    "gzip in base64": base64.b64encode(b"\0" + FILE.encode()),
    "a tar.gz in lines of base64": base64.encodebytes(tarred(FILE.encode(), "w:gz")),
    "a zip behind a program": b"#!/bin/sh\n" + zipped(FILE.encode()),
    "a second tar behind a tar": tarred(b"x") + tarred(FILE.encode()),
    "a tar with a long name": tarred(FILE.encode(), name="n" * 5000),
    "gzip in a tar in a zip": zipped(tarred(gzip.compress(FILE.encode()))),
}
BELOW = ("notes.txt", "backup/.env", "a/b/c/d/dump.sql", ".hidden/x")


ELSEWHERE = (
    *("etc/systemd/system/shop.service.bak", "etc/systemd/system/shop.service.d/old.conf", "etc/default/shop"),
    *("etc/cron.d/backup", "tmp/env", "tmp/x/dump.sql.gz", "var/log/shop.log", "var/log/nginx/access.log"),
    *("var/backups/env.tar.gz", "~/.bash_history", "~/.python_history", "~/.psql_history"),
    *("~/.rediscli_history", "~/.zsh_history", "~/.local/share/fish/fish_history"),
    *("tmp/.x", "opt/shop/.env", "etc/crontab", "etc/nginx/conf.d/shop.conf", "etc/shop/x.conf", "~/.ssh/environment"),
    *("var/lib/cloud/instances/i-1/user-data.txt", "~/.config/fish/fish_history", "~/.docker/config.json"),
    *("~/.pgpass", "~/.netrc", "~/.env", "~/production.env", "~/.bashrc"),
    *(
        "~/shop.sql",
        "~/.viminfo",
        "~/notes.txt",
        "~/backup.tar.gz",
        "~/shop/.env",
        "~/Downloads/.env.old",
        "~/deploy.sh",
    ),
    *("~/.zshenv", "~/.pam_environment", "~/.aws/config", "~/.npmrc", "~/.pypirc", "~/.s3cfg", "~/.gitconfig"),
    *("~/.config/systemd/user/shop.service", "~/.config/environment.d/x.conf", "~/.config/rclone/rclone.conf"),
    *("~/.local/state/bash/history", "etc/supervisord.conf", "etc/shop.env", "etc/shop/env", "etc/rc.local"),
    *("etc/nginx/sites-enabled/shop", "etc/uwsgi/apps-enabled/shop.ini", "etc/init.d/shop", "etc/sudoers.d/shop"),
    *(
        "~/nohup.out",
        "~/screenlog.0",
        "~/typescript",
        "~/tmux.log",
        "~/deploy/vars.yml",
        "~/.local/state/python_history",
    ),
    *("~/.emacs.d/backups/!srv!app!.env~", "~/.vim/undo/%srv%app%.env", "~/.ipython/profile_default/history.sqlite"),
    *(
        "opt/stack/shop/docker-compose.yml",
        "etc/apache2/envvars",
        "etc/php/8.2/fpm/pool.d/www.conf",
        "etc/monit/conf.d/x",
    ),
    *("etc/credstore/shop", "etc/pgbouncer/userlist.txt", "var/spool/cron/crontabs/root", "~/.irb_history"),
    *("var/www/shop/.env", "var/www/html/.env.bak", "var/lib/shop/.env", "var/mail/root", "run/shop.env"),
)


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
    *("env", "env.txt", "old.env", ".envrc", ".flaskenv", ".ENV", "Copy of .env", "dotenv", "prod.env.bak"),
)


def replaced(old: str, new: str) -> Plant:
    return lambda world: world.replace(old, new)


def added(line: str, *, first: bool = False) -> Plant:
    return lambda world: world.env.write_text(line + "\n" + world.text if first else world.text + line + "\n")


def mode(number: int) -> Plant:
    return lambda world: world.env.chmod(number)


def state(name: str, number: int) -> Plant:
    return lambda world: (world.state / name).chmod(number)


def owned(place: Callable[[Host], Path], uid: int = NOBODY - 1) -> Plant:
    return lambda world: os.chown(place(world), uid, uid)


def owned_state(name: str) -> Plant:
    return lambda world: os.chown(world.state / name, NOBODY, NOBODY)


def instead(make: Callable[[Path], Any]) -> Plant:
    def plant(world: Host) -> None:
        world.env.unlink()
        make(world.env)

    return plant


def listed(tag: int, may: int, name: str = ".env") -> Plant:
    return lambda world: grant(world.env if name == ".env" else world.state / name, tag, may)


def grant(path: Path, tag: int, may: int) -> None:
    """Adds an entry for the user or the group with the number 1 to the access list."""
    rows = [(0x01, 6, 0xFFFFFFFF), (tag, may, 1), (0x04, 0, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in sorted(rows))
    try:
        os.setxattr(path, file_access.ACL, data)
    except OSError:
        pytest.skip("no access lists on this file system")


def preserved(world: Host) -> None:
    """``cp -p`` of an older file: other bytes with an older time of modification."""
    world.env.write_text(world.text.replace("False", "True"))
    os.utime(world.env, (1, 1))


FILE_MISTAKES: list[tuple[str, str, Plant]] = [
    # the file as its readers read it
    ("a previous key above the right one", "WPS301 WPS308", added(OLD.strip(), first=True)),
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
    ("a comment with a previous key", "WPS301 WPS308", added("# SECRET_KEY=former-key-of-the-application")),
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
    ("a link to itself", "WPS201", instead(lambda path: path.symlink_to(path.name))),
    ("a link around a loop", "WPS201", instead(lambda path: path.symlink_to("loop/../.env"))),
    ("a link to the store's path", "WPS201", instead(lambda path: path.symlink_to("/proc/self/environ"))),
    ("a device", "WPS201", instead(lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3)))),
    ("a device without an end", "WPS201", instead(lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)))),
    ("UTF-16", "WPS301", lambda world: world.env.write_bytes("A=1\n".encode("utf-16"))),
    ("a NUL byte", "WPS301", lambda world: world.env.write_bytes(b"A='x\0y'\n")),
    ("a hard link", "WPS201", lambda world: os.link(world.env, world.env.parent.parent / "hard")),
    # modes, owners and access lists
    *((f".env with mode {number:04o}", "WPS201", mode(number))
      for number in (0o640, 0o604, 0o644, 0o660, 0o666, 0o700, 0o777)),
    *((f"deploy marker with mode {number:04o}", "WPS201", state("mark", number)) for number in (0o644, 0o640, 0o666)),
    *((f"last healthy .env with mode {number:04o}", "WPS201", state("healthy", number))
      for number in (0o644, 0o604, 0o660)),
    ("somebody else owns .env", "WPS202", owned(lambda world: world.env)),
    ("somebody else owns the deploy marker", "WPS202", owned_state("mark")),
    ("somebody else owns the last healthy .env", "WPS202", owned_state("healthy")),
    *((f"an access list lets a user {ACCESS[may]} .env", "WPS203", listed(0x02, may)) for may in (2, 4, 6)),
    *((f"an access list lets a group {ACCESS[may]} .env", "WPS203", listed(0x08, may)) for may in (2, 4, 6)),
    ("an access list lets a user read the last healthy .env", "WPS203", listed(0x02, 4, "healthy")),
    ("an access list lets a user read the deploy marker", "WPS203", listed(0x02, 4, "mark")),
    ("the directory is 0777", "WPS206", lambda world: world.env.parent.chmod(0o777)),
    ("the directory is 0775", "WPS206", lambda world: world.env.parent.chmod(0o775)),
    ("the directory is the application's", "WPS206", owned(lambda world: world.env.parent, NOBODY)),
    ("the directory is somebody else's", "WPS206", owned(lambda world: world.env.parent)),
    ("the directory above is somebody else's", "WPS206", owned(lambda world: world.env.parent.parent)),
    ("the directory above is 0777", "WPS206", lambda world: world.env.parent.parent.chmod(0o777)),
    ("cp -p of an older file", "WPS301", preserved),
]  # fmt: skip
BESIDE = {"WPS201": "WPS202 WPS203 WPS205 WPS301 WPS302 WPS303 WPS308 WPS208 WPS209 WPS210", "WPS306": "WPS202"}
"""What cannot be checked beside a finding, where the file or the unit is gone."""
UNREADABLE = "WPS302 WPS308 WPS208 WPS209 WPS210"


def is_found(checks: str, found: Collection[str], *others: str) -> bool:
    """Whether the checks found it, and nothing fails beside them but what cannot be checked then, and ``others``."""
    wanted = checks.split()
    more = " ".join(BESIDE.get(check, UNREADABLE if check == "WPS301" else "") for check in wanted).split()
    return set(wanted) <= set(found) <= {*wanted, *more, *others}
