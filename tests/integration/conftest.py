# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import sshd
from sandbox.aws import Moto
from tests.integration import harness, lab_servers, tiers
from tests.integration.harness import Lab


@pytest.fixture(scope="session")
def account() -> Iterator[Moto]:
    with Moto() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def servers_end() -> Iterator[None]:
    """Those that labs for rotations use one after another."""
    yield
    lab_servers.stop_all()


@pytest.fixture(scope="session")
def connection() -> Iterator[Mapping[str, Any]]:
    """How the hosts are reached: over SSH where an sshd is installed, else by a local connection."""
    if sshd.unavailable():
        yield {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return
    with sshd.Sshd() as server:
        yield server.host_vars()


@pytest.fixture(scope="session")
def lab_path() -> Iterator[Path]:
    """One path for the labs of a process, so that one process that has imported Ansible serves them all.

    It is short, since the path of a control socket may have 108 characters.
    """
    with tempfile.TemporaryDirectory(prefix="lab-") as name:
        yield Path(name).resolve()


@pytest.fixture
def lab(account: Moto, connection: Mapping[str, Any], lab_path: Path) -> Iterator[Lab]:
    harness.reset(account)
    directory = lab_path / "lab"
    directory.mkdir(mode=0o700)
    lab = Lab(directory, account, connection)
    try:
        yield lab
    finally:
        lab.close()
        harness.remove_folder(directory)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.assign(items)
    tiers.longest_first(items)
