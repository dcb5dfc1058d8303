# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sample application's packages and its database tables."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.hosts._commands import SYSTEM_PATH
from sandbox.process import REPOSITORY, SandboxError, clean_environment

APP = REPOSITORY / "tests" / "app"
PYTHON = Path("/usr/bin/python3")


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "watchparty-hosts"


def venv() -> Path:
    """The application's virtual environment, made once for each set of pins and Python version.

    It is made with the hosts' Python, and hosts see it under another path: so programs run as ``python -m``, never by
    their scripts.
    """
    version = _run([str(PYTHON), "--version"]).strip()
    pins = (APP / "requirements.txt").read_text(encoding="utf-8")
    place = cache() / f"app-{hashlib.sha256((version + pins).encode()).hexdigest()[:12]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    ready = place / ".complete"
    with (place.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(place, ignore_errors=True)
            # Filled by this pip: Debian's Python makes none without python3-venv.
            python = str(place / "bin/python")
            _run([str(PYTHON), "-m", "venv", "--without-pip", str(place)])
            _run(
                [sys.executable, "-m", "pip", "--python", python, "install", "-q", "-r", str(APP / "requirements.txt")]
            )
            ready.touch()
    return place


def migrate(database_url: str) -> None:
    """Creates the application's tables, like a release before the first deploy."""
    _run(
        [str(venv() / "bin/python"), str(APP / "manage.py"), "migrate", "--verbosity=0"],
        DATABASE_URL=database_url,
        SECRET_KEY="only-to-start-the-command",
        WATCHPARTY_ENV_FILE=os.devnull,
        PYTHONDONTWRITEBYTECODE="1",
    )


def _run(argv: list[str], **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_")) or name == "HOME"}
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        umask=0o022,
        env=clean_environment(**kept, **{"PATH": SYSTEM_PATH, **environment}),
        check=False,
    )
    if done.returncode:
        raise SandboxError(f"{' '.join(argv[:4])} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout
