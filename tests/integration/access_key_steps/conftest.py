# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.aws import Moto
from tests.integration import harness
from tests.integration.access_key_steps.world import World, a_world


@pytest.fixture(scope="package")
def moto(account: Moto) -> Moto:
    harness.reset(account)
    return account


@pytest.fixture
def world(moto: Moto) -> Iterator[World]:
    with a_world(moto) as made:
        yield made
