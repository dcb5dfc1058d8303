# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same laboratory as the integration tests'."""

from __future__ import annotations

import pytest

from tests.integration import tiers
from tests.integration.conftest import account, connection, lab

__all__ = ["account", "connection", "lab"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.longest_first(items)
