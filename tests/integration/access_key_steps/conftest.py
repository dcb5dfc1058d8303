# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.aws import Moto
from tests.integration.access_key_steps.world import World, a_world


@pytest.fixture
def world(account: Moto) -> Iterator[World]:
    with a_world(account) as made:
        yield made
