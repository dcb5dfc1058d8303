# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the settings come from: one ``.env``, read by django-environ.

The file names the settings module too, so it is read before Django is.
"""

from __future__ import annotations

import os
from pathlib import Path

import environ

PROJECT = Path(__file__).resolve().parent.parent

env = environ.Env()


def file() -> Path:
    """``WATCHPARTY_ENV_FILE``, else ``.env`` in the working directory, else the one beside ``manage.py``."""
    chosen = os.environ.get("WATCHPARTY_ENV_FILE")
    if chosen:
        return Path(chosen)
    here = Path.cwd() / ".env"
    return here if here.is_file() else PROJECT / ".env"


def values(path: Path) -> dict[str, str]:
    """What the file holds now, whatever the process was started with."""

    class Fresh(environ.Env):
        ENVIRON: dict[str, str] = {}

    # A missing file would only be warned about.
    path.open("rb").close()
    Fresh.read_env(path)
    return Fresh.ENVIRON


def load() -> None:
    """Read the file into the process's environment; what is set there already wins."""
    if (path := file()).is_file():
        env.read_env(path)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchparty.settings.development")
