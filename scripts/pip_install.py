# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs ``pip install`` for an environment and prints how far it is: a plain line every few seconds.

    python scripts/pip_install.py LABEL PYTHON ARGUMENT...

The pip of the Python that runs this script is used, and PYTHON's environment is changed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

INTERVAL = 5.0
"""Seconds between two lines."""
TAIL = 30
"""Lines of pip's output to show after a failure."""
SETTINGS = re.compile(r"(index|proxy|find-links|constraint|cert|target|prefix|no-binary|only-binary)")
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


class Progress:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.packages: set[str] = set()
        self.installing: list[str] = []
        self._state = "starting pip"

    def read(self, stream: IO[str]) -> None:
        for line in stream:
            self.take(line.rstrip())

    def take(self, line: str) -> None:
        self.lines.append(line)
        collected = re.match(r"\s*Collecting ([\w.-]+)", line)
        fetched = re.match(
            r"\s*(?:Downloading|Using cached) (\S+?)(?:-py\d\S*|-cp\d\S*)?\.(?:whl|tar\.gz)( \(.+\))?$", line
        )
        installing = re.match(r"Installing collected packages: (.+)", line)
        if collected:
            self.packages.add(collected[1].lower())
            self._state = f"finding packages, {len(self.packages)} so far: {collected[1]}"
        elif fetched:
            self._state = f"downloading {fetched[1]}{fetched[2] or ''}, package {len(self.packages)} so far"
        elif "Retrying (" in line:
            self._state = "the package index does not answer; pip tries again"
        elif line.lstrip().startswith(("Building wheel for", "Running setup.py")):
            self._state = f"compiling {line.split(' (')[0].split()[-1]}"
        elif installing:
            self.installing = installing[1].split(", ")

    def state(self, installed: int) -> str:
        """Pip's current step, with this number of installed packages."""
        if not self.installing:
            return self._state
        number = min(installed, len(self.installing) - 1)
        return f"installing {number + 1} of {len(self.installing)} packages: {self.installing[number]}"


def _count(folder: Path) -> int:
    # pip writes this file last.
    return sum(1 for _ in folder.glob("*.dist-info/INSTALLER"))


def install(label: str, python: str, arguments: Sequence[str]) -> int:
    """Runs pip. Returns its exit code."""
    command = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install"]
    command += ["--no-input", "--progress-bar=off", *arguments]
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    began, before = time.monotonic(), _count(folder)
    # A user's pip.conf may contain user = true, which a virtual environment rejects.
    environment = {**os.environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    environment.pop("PIP_QUIET", None)
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout
        progress = Progress()
        reader = threading.Thread(target=progress.read, args=(pip.stdout,), daemon=True)
        reader.start()
        code: int | None = None
        while code is None:
            try:
                code = pip.wait(INTERVAL)
            except subprocess.TimeoutExpired:
                state = progress.state(_count(folder) - before)
                _print(label, f"{state} ({time.monotonic() - began:.0f} s)")
        reader.join()
    if code:
        print("\n".join(["", *progress.lines[-TAIL:], ""]), file=sys.stderr)
        _print(label, failure(_configured(python)))
    elif progress.installing:
        number = len(progress.installing)
        _print(label, f"{number} package{'s'[: number > 1]} installed ({time.monotonic() - began:.0f} s)")
    return code


def failure(settings: Sequence[str]) -> str:
    """Advice after a failure. It only names settings, because an index's URL may hold a password."""
    if not settings:
        return (
            "pip failed, see above. It uses PyPI without a proxy. Can this machine reach it? Then run the same command."
        )
    return (
        f"pip failed, see above. Its settings come from {', '.join(settings)}. The index must have the packages of "
        'requirements/, and the proxy must let pip reach it. "python3 -m pip config list" prints the settings. '
        "Correct them, then run the same command."
    )


def _configured(python: str) -> list[str]:
    """Names of settings that tell pip where to find packages."""
    command = [sys.executable, "-m", "pip", "--python", python, "config", "list"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    names = [line.partition("=")[0] for line in answer.stdout.splitlines() if SETTINGS.search(line.partition("=")[0])]
    files = [name for name in names if not name.startswith(":env:")]
    variables = ["PIP_" + name[6:].upper().replace("-", "_") for name in names if name.startswith(":env:")]
    proxies = [name for name_of in VARIABLES for name in (name_of, name_of.lower()) if os.environ.get(name)]
    return [*variables, *(f"pip.conf ({name})" for name in files), *proxies]


def _print(label: str, message: str) -> None:
    print(f"bootstrap: {label}: {message}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(install(sys.argv[1], sys.argv[2], sys.argv[3:]))
    except KeyboardInterrupt:
        sys.exit(130)
