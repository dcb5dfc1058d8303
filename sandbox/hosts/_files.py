# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes into a layer of a host's file system, with fixed modes whatever the umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    make_directory(path.parent)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def make_directory(path: Path) -> None:
    """Makes a directory and its missing parents, open to all. Several threads may make the same."""
    if not path.exists():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def open_to_all(top: Path) -> None:
    for directory, _, files in os.walk(top):
        Path(directory).chmod(0o755)
        for path in (Path(directory, name) for name in files):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
