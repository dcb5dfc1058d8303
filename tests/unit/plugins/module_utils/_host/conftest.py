# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder that every account may enter, and an account for an application."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts


@pytest.fixture
def folder() -> Iterator[Path]:
    """Root's, where root runs the tests."""
    made = tempfile.mkdtemp(prefix="watchparty-secrets-test-", dir="/opt" if os.geteuid() == 0 else None)
    os.chmod(made, 0o755)
    yield Path(made)
    shutil.rmtree(made)


@pytest.fixture
def application() -> accounts.HostAccount:
    """Another account than root; without root, the one that runs the tests."""
    return accounts.named("65534" if os.geteuid() == 0 else str(os.geteuid()))


@pytest.fixture
def owned(folder: Path, application: accounts.HostAccount) -> Callable[..., Path]:
    """Makes a file of the application's in the folder."""

    def make(name: str, text: str = "", *, mode: int = 0o755, account: accounts.HostAccount = application) -> Path:
        path = folder / name
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, account.uid, account.gid)
        return path

    return make
