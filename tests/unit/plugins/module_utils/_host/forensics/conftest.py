# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host of the tests of footholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.plugins.module_utils._host.forensics.opened_host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)
