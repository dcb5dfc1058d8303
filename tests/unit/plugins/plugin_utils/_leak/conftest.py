# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients for the tests of what asks AWS, and a leak that was declared."""

import pytest

from tests.unit.plugins.plugin_utils._leak.leak_world import Leak
from tests.unit.plugins.store_fixtures import (  # noqa: F401
    credentials,
    labels,
    moto,
    stubbed,
)


@pytest.fixture
def leak() -> Leak:
    made = Leak()
    made.declare("token")
    return made
