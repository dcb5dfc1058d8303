# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of the operating system: required packages, and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.process import SandboxError, clean_environment

PACKAGES = {
    "ip": "iproute2",
    "mount": "mount",
    "openssl": "openssl",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "sudo": "sudo",
    "systemd-nspawn": "systemd-container",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def why_not() -> str:
    """The reason why test hosts cannot start here; empty if they can."""
    if sys.platform != "linux":
        return "test hosts need Linux"
    if os.geteuid() != 0:
        return "test hosts need root"
    missing = sorted({package for command, package in PACKAGES.items() if not shutil.which(command, path=SYSTEM_PATH)})
    if missing:
        return f"test hosts need the Debian packages {' '.join(missing)}"
    if not Path("/usr/bin/python3").exists():
        return "test hosts need /usr/bin/python3"
    if len({os.stat(directory).st_dev for directory in ("/", "/etc", "/usr", "/var")}) > 1:
        return "test hosts need /etc, /usr and /var on the root file system: it is their lower layer"
    return ""


def run(argv: Sequence[str | Path], *, text: str | None = None, seconds: float = 60) -> str:
    """Runs a command that must succeed. Returns its standard output."""
    done = subprocess.run(
        [str(word) for word in argv],
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=clean_environment(PATH=SYSTEM_PATH, LC_ALL="C.UTF-8"),
        check=False,
    )
    if done.returncode:
        raise SandboxError(f"{' '.join(map(str, argv))} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
