# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""With reads that are behind, throttling and late grants everything ends as without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox.aws import Moto
from tests.integration.harness import Lab
from tests.integration.rotation_lab import RotationLab, rotation_lab
from tests.integration.values_lab import Account

pytestmark = pytest.mark.slow
WAITS = {"WATCHPARTY_SECRETS_ACCESS_WAIT": "60"}
PROFILES: Mapping[str, Callable[[Moto], None]] = {
    "stale": lambda moto: moto.set_staleness(seconds=3, seed=7),
    "throttled": lambda moto: moto.set_throttling(share=0.1, burst=0.5),
    "denied": lambda moto: moto.set_propagation(seconds=8, granted=True),
}


@contextmanager
def profile(moto: Moto, name: str) -> Iterator[None]:
    try:
        PROFILES[name](moto)
        yield
    finally:
        moto.set_staleness()
        moto.set_throttling()
        moto.set_propagation()


@pytest.fixture(scope="module")
def rotations(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=1) as made:
        yield made


@pytest.mark.parametrize("name", PROFILES)
def test_a_rotation_and_a_deploy(rotations: RotationLab, name: str) -> None:
    """The deploy comes right after the promotion was recorded, and must not bring the old value back."""
    lab = rotations
    old = lab.ready()
    since = lab.moto.count()
    with profile(lab.moto, name):
        run = lab.rotated("-e", "rotation_credentials=database", "-e", "rotation_force=true", environment=WAITS)
        lab.deploy(environment=WAITS)
    refused = [call["operation"] for call in lab.moto.calls(since=since) if call["status"] == 400]
    if name == "throttled":
        assert "UpdateSecretVersionStage" in refused or "GetParametersByPath" in refused
    if name == "denied":
        assert "waiting for access: " in run.output
    assert lab.values().database != old.database
    lab.assert_settled(old)


def test_provision_and_a_deploy(lab: Lab) -> None:
    account = Account(lab)
    lab.add_hosts()
    with profile(lab.moto, "stale"):
        account.provisioned()
        lab.deploy()
        account.provisioned()
    account.assert_complete()
