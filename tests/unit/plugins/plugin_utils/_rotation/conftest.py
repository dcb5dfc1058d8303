# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stores in memory, seeded, for each test of a rotation."""

from __future__ import annotations

import pytest

from tests.unit.plugins.plugin_utils._rotation.rotator_world import World


@pytest.fixture
def world() -> World:
    return World()
