# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo's second half: a rotation while users are at work, and its effect on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import yaml

from .application import Application
from .load import Load, Manage
from .postgres import Postgres
from .process import SandboxError


class Login(NamedTuple):
    username: str
    password: str
    database: str

    @classmethod
    def of(cls, env_file: Path) -> Login:
        lines = env_file.read_text(encoding="utf-8").splitlines()
        url = urlsplit(next(line for line in lines if line.startswith("DATABASE_URL=")).partition("=")[2].strip("'\""))
        return cls(unquote(url.username or ""), unquote(url.password or ""), url.path.lstrip("/"))


def catalog(example: Path, postgres: Postgres) -> str:
    """The worked example's catalog with this PostgreSQL's address, as JSON, which is YAML too."""
    document = yaml.safe_load(example.read_text(encoding="utf-8"))
    administrator = document["secrets_catalog"]["credentials"]["database_admin"]
    administrator["server"] = {"address": f"{postgres.host}:{postgres.port}"}
    return json.dumps(document, indent=2) + "\n"


def under_load(application: Application, postgres: Postgres, rotate: Callable[[], None]) -> list[str]:
    """Calls *rotate* while logged-in users send requests. Returns lines with the result."""
    old = Login.of(application.env_file)
    load = Load(
        [("127.0.0.1", application.port)],
        manage=Manage(application.python, (application.env_file,)),
        tasks=False,
    )
    load.start()
    try:
        rotate()
    finally:
        report = load.stop()
    new = Login.of(application.env_file)
    message = f"{report.requests} requests, {report.failed} failed; {report.sessions} sessions, {report.lost} lost"
    if report.failed or report.lost:
        raise SandboxError(f"The rotation was noticed: {message}. {' '.join(report.messages)}")
    return [
        f"  rotated     database: {old.username} to {new.username}, while users were at work",
        f"              {message}; {report.held} waited for the restart, the slowest {report.slowest:.1f} s",
        f"  old login   {'STILL VALID' if postgres.accepts(*old) else 'refused by the server'}",
    ]
