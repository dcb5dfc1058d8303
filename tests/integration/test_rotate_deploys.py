# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ordinary deploy in the middle of a rotation, at every step.

It brings what the journal prescribes, or stops by name; never the other thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.held import Held
from tests.integration.rotation_lab import RotationLab, rotation_lab, sentences

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        yield made


def test_deploys_in_the_middle(lab: RotationLab) -> None:
    """At every step an ordinary deploy brings what the journal prescribes, or stops by name; never the other thing."""
    old = lab.ready()
    found: dict[str, tuple[int, str, bool]] = {}

    def deploy() -> None:
        step = str(lab.journal_state().rotation and lab.journal_state().rotation.step)
        run = lab.run("-e", "env_deploy_serial=100%")
        urls = {host.values()["REDIS_URL"] for host in lab.hosts}
        assert len(urls) == 1
        found[step] = (run.code, run.text, old.cache[1] in urls.pop())
        if run.code:
            sentences(run, "rotation r-", "is open")
        for host in lab.hosts:
            assert host.healthy(), f"{host.name} is down after a deploy at {step}"

    stops = (
        "Stage the new values in one new version of each secret",
        "Make the new password valid",
        "Log in with it from an application's host",
        "Write the next step into the journal",
        "Compare the host's file and mark with the snapshot",
        "Take the rotation's labels and its own secret away",
        "Close it",
    )
    run = Held(lab, dict.fromkeys(stops, deploy), "-e", "credential=cache", "-e", "rotation_force=true").run()
    assert run.code == 0, run.output
    lab.assert_settled(old)
    assert {step: on_old for step, (_, _, on_old) in found.items()} == {
        **dict.fromkeys(("create", "set", "test"), True),
        **dict.fromkeys(("deploy", "promote", "retire", "record"), False),
    }
    assert {step for step, (code, _, _) in found.items() if code} == set()
