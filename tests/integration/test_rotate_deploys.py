# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ordinary deploy in the middle of a rotation, at every step.

It brings what the journal prescribes, or stops by name; never the other thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.faults import Fault
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
    result: dict[str, tuple[int, str, bool]] = {}

    def deploy() -> None:
        step = str(lab.journal_state().rotation and lab.journal_state().rotation.step)
        run = lab.run("-e", "env_deploy_serial=100%")
        urls = {host.values()["REDIS_URL"] for host in lab.hosts}
        assert len(urls) == 1
        result[step] = (run.code, run.text, old.cache[1] in urls.pop())
        if run.code:
            sentences(run, "rotation r-", "is open")
        for host in lab.hosts:
            assert host.healthy(), f"{host.name} is down after a deploy at {step}"

    stops = (
        "create",
        "valkey_user present",
        "valkey_user usable",
        "advance",
        "Compare the host's .env with the snapshot",
        "tidy",
        "close",
    )
    run = Held(lab, dict.fromkeys(stops, deploy), "-e", "rotation_credentials=cache", "-e", "rotation_force=true").run()
    assert run.code == 0, run.output
    lab.assert_settled(old)
    assert {step: on_old for step, (_, _, on_old) in result.items()} == {
        **dict.fromkeys(("create", "set"), True),
        **dict.fromkeys(("deploy", "promote", "revoke", "record"), False),
    }
    assert {step for step, (code, _, _) in result.items() if code} == set()


BEFORE = ("create", "set")
"""Steps before any host has a new value, of which the test above says what a deploy brings."""


def test_deploys_between_two_phases_and_on_the_way_back(lab: RotationLab) -> None:
    """Django's key is a fallback everywhere before it signs; then a copy that is refused takes all of it back."""
    old = lab.ready()
    result: dict[tuple[str, int], tuple[str, bool]] = {}

    def deploy() -> None:
        """Once a step: of the tasks that it is held at, some are skipped there."""
        rotation = lab.journal_state().rotation
        if rotation is None or rotation.step in BEFORE or (rotation.step, rotation.phase) in result:
            return
        run = lab.run("-e", "env_deploy_serial=100%")
        assert run.code == 0, run.output
        held = [host.values() for host in lab.hosts]
        (key,) = {entry["SECRET_KEY"] for entry in held}
        (fallbacks,) = {entry["SECRET_KEY_FALLBACKS"] for entry in held}
        (url,) = {entry["REDIS_URL"] for entry in held}
        keys = "new" if key != old.django_key else "old" if fallbacks == old.fallbacks else "old, the new one known"
        assert keys != "new" or old.django_key in fallbacks.split(",")
        result[rotation.step, rotation.phase] = (keys, old.cache[1] in url)
        for host in lab.hosts:
            assert host.healthy(), f"{host.name} is down after a deploy at {rotation.step}"

    stops = (
        "advance",
        "undo",
        "gate",
        "tidy",
        "close",
    )
    lab.moto.set_faults(Fault("deny", operation="PutParameter", target="/WatchParty/production/Redis/URL"))
    held = Held(
        lab, dict.fromkeys(stops, deploy), "-e", "rotation_credentials=cache,django_key", "-e", "rotation_force=true"
    )
    run = held.run()
    lab.moto.set_faults()
    assert run.code != 0, run.output
    sentences(run, "The rotation was rolled back")
    assert lab.values() == old
    lab.assert_settled()
    steps = [(step, *way) for (step, _phase), way in result.items()]
    assert steps[:3] == [
        ("deploy", "old, the new one known", steps[0][2]),
        ("deploy", "new", False),
        ("promote", "new", False),
    ]
    # Back in two phases too: what one host signs, every other one knows.
    assert steps[3] == ("abort", "old, the new one known", False)
    assert dict.fromkeys(step for step, *_ in steps[3:]).keys() == {"abort", "withdraw", "discard"}
    assert [step for step in steps[4:] if step[1:] != ("old", True)] == []
