# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation, a leak response and a report tell others, as their receivers see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from sandbox.faults import Fault
from tests.integration.alert_lab import EventQueue, measured
from tests.integration.leak_lab import leak_lab, respond
from tests.integration.rotation_lab import RotationLab, sentences

pytestmark = pytest.mark.slow
CACHE = ("-e", "rotation_credentials=cache", "-e", "rotation_force=true")


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, object]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=1) as made:
        yield made


@pytest.fixture
def queue(lab: RotationLab) -> EventQueue:
    lab.ready()
    made = EventQueue(lab.moto)
    made.taken()
    return made


def test_a_rotation_is_announced_as_it_is_recorded(lab: RotationLab, queue: EventQueue) -> None:
    lab.rotate("--check", *CACHE)
    assert queue.taken() == []
    lab.rotated(*CACHE)
    started, completed = queue.taken()
    record = lab.audit_records()[-1]
    assert (started["event"], completed["event"]) == ("rotation.started", "rotation.completed")
    assert completed["id"] == f"{record['rotation']}:completed" == record["id"]
    assert started["about"] == completed["about"]
    assert completed["credentials"] == record["credentials"] == ["cache"]
    assert completed["who"] == record["who"]


def test_a_bus_that_takes_nothing_stops_no_rotation(lab: RotationLab, queue: EventQueue) -> None:
    lab.moto.set_faults(Fault("deny", "PutEvents"))
    try:
        run = lab.rotated(*CACHE)
    finally:
        lab.moto.set_faults()
    sentences(
        run,
        "is complete",
        "EventBridge was not told of rotation.started: AWS denies events:PutEvents on event bus default",
        "EventBridge was not told of rotation.completed: AWS denies events:PutEvents on event bus default",
    )
    assert queue.taken() == []


def test_a_rotation_that_is_rolled_back_has_failed(lab: RotationLab, queue: EventQueue) -> None:
    with lab.hosts[0].runs_only_on_the_present_file():
        run = lab.rotate(*CACHE, "-e", "env_deploy_health_retries=4")
    assert run.code != 0
    found = queue.taken()
    assert [(one["event"], one["outcome"]) for one in found] == [
        ("rotation.started", "started"),
        ("rotation.failed", "taken_back"),
    ]


def test_a_rotation_that_stands_still_has_failed_and_goes_on(lab: RotationLab, queue: EventQueue) -> None:
    """The run that goes on says so under the id of the start."""
    lab.moto.set_faults(Fault("deny", operation="PutLogEvents"))
    try:
        run = lab.rotate(*CACHE)
    finally:
        lab.moto.set_faults()
    assert run.code != 0
    started, stopped = queue.taken()
    assert (stopped["event"], stopped["outcome"]) == ("rotation.failed", "stopped")
    assert "AWS denies logs:PutLogEvents" in stopped["reason"]
    lab.rotated(*CACHE)
    again, completed = queue.taken()
    assert again["id"] == started["id"]
    assert completed["event"] == "rotation.completed"


def test_a_leak_is_declared_and_contained(lab: RotationLab, queue: EventQueue) -> None:
    run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code == 0, run.output
    found = queue.taken()
    names = [one["event"] for one in found]
    assert names[0] == "leak.declared"
    assert names[-1] == "leak.contained"
    assert found[0]["about"] == found[-1]["about"]
    records = lab.audit_records()
    assert (records[-1]["outcome"], records[-1]["rotation"]) == ("contained", found[0]["about"])
    assert records[-1]["seconds"]["contained"] > 0


def test_the_ages_are_measured(lab: RotationLab, queue: EventQueue) -> None:
    run = lab.run("--check", playbook="playbooks/rotation_report.yml")
    assert run.code == 0, run.output
    assert measured(lab.moto) == {}
    lab.rotated(*CACHE)
    run = lab.run(playbook="playbooks/rotation_report.yml")
    assert run.code == 0, run.output
    found = measured(lab.moto)
    assert found["LastSuccess cache"] == [0.0]
    assert found["DaysUntilDue cache"] == [90.0]
    assert found["DaysUntilDue"] == [0.0]  # the others were never rotated
    assert (found["OpenRotations"], found["PendingConfirmations"]) == ([0.0], [0.0])


def test_a_denied_metric_fails_after_the_report(lab: RotationLab, queue: EventQueue) -> None:
    lab.moto.set_faults(Fault("deny", "PutMetricData"))
    try:
        run = lab.run(playbook="playbooks/rotation_report.yml")
    finally:
        lab.moto.set_faults()
    assert run.code != 0
    sentences(run, "credential", "AWS denies cloudwatch:PutMetricData on namespace watchparty.secrets")
