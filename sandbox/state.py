# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""State that deploys to a temporary directory leave on this machine if run as root."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOTS = (Path("/var/lib/watchparty-secrets"), Path("/run/watchparty-secrets"))


def forget(folder: Path) -> None:
    """Removes the state of every file in the folder."""
    start = f"{folder.resolve()}/"
    for root in ROOTS:
        for path in root.glob("*"):
            if _path_of(path.name).startswith(start):
                shutil.rmtree(path)


def _path_of(name: str) -> str:
    """The path, as from ``systemd-escape --unescape --path``."""
    return "/" + re.sub(r"\\x(..)", lambda escaped: chr(int(escaped[1], 16)), name.replace("-", "/"))
