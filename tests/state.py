# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a deploy keeps its mark and the last healthy file: root's lie in a directory of root's on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark

AS_ROOT = os.geteuid() == 0


def directory(path: str | Path) -> Path:
    """Root's directory for the file's state."""
    return Path(atomic_file.state_of(str(Path(path).parent.resolve() / Path(path).name)))


def mark(path: str | Path) -> Path:
    return directory(path) / "mark" if AS_ROOT else Path(f"{path}.mark")


def backup(path: str | Path) -> Path:
    return directory(path) / "healthy" if AS_ROOT else Path(f"{path}.healthy")


def put(place: Path, text: str) -> Path:
    """Writes a mark or a backup as an earlier deploy would."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.write_text(text)
    return place


@contextmanager
def held_mark(path: str | Path) -> Iterator[env_file_mark.Mark]:
    with atomic_file.open_file(str(path)) as env:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield env_file_mark.Mark(env)
