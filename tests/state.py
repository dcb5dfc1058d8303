# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a deploy keeps its mark and the last healthy file: root's lie in a directory of root's on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils import _envfile, _envmark

AS_ROOT = os.geteuid() == 0


def directory(path: str | Path) -> Path:
    """Root's directory for the file's state."""
    return Path(_envfile.state_of(str(Path(path).parent.resolve() / Path(path).name)))


def mark(path: str | Path) -> Path:
    return directory(path) / "mark" if AS_ROOT else Path(f"{path}.mark")


def backup(path: str | Path) -> Path:
    return directory(path) / "proven" if AS_ROOT else Path(f"{path}.proven")


@contextmanager
def held_mark(path: str | Path) -> Iterator[_envmark.Mark]:
    with _envfile.held(str(path)) as env:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield _envmark.Mark(env)
