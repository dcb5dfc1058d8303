# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation, a leak response and a report tell others, as their receivers see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.seed import LONG_AGO
from tests.hostile import receivers
from tests.hostile.receivers import MailServer, Receiver, Webhook
from tests.integration.alert_lab import EventQueue, measured
from tests.integration.certificates import Authority
from tests.integration.chaos import Chaos, Controller
from tests.integration.leak_lab import leak_lab, respond
from tests.integration.rotation_lab import RotationLab, sentences

pytestmark = pytest.mark.slow
PASSWORD = "canary-of-a-mail-password"
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


def test_a_rotation_is_announced_as_it_is_recorded_and_reported(lab: RotationLab, queue: EventQueue) -> None:
    lab.rotate("--check", *CACHE)
    assert queue.taken() == []
    lab.rotated(*CACHE)
    announced(lab, queue)
    rotated = lab.audit_records()[-1]
    run = respond(lab, "-e", "leak_credentials=cache", "-e", "leak_drill=true", "-e", "leak_record_drill=true")
    assert run.code == 0, run.output
    assert queue.taken()[-1]["event"] == "leak.drilled"
    page = lab.directory / "status.html"
    both = ("-e", f"rotation_status_page={page}", "-e", "rotation_digest=true")
    for check in (("--check",), ()):
        run = lab.run(*check, *both, playbook="playbooks/rotation_report.yml")
        assert run.code == 0, run.output
        if check:
            assert (page.exists(), queue.taken(), measured(lab.moto)) == (False, [], {})
    reported(lab, queue, page, rotated)
    found = measured(lab.moto)
    assert found["LastSuccess cache"] == [0.0]
    assert found["DaysUntilDue cache"] == [90.0]
    assert found["DaysUntilDue"] == [90.0 - LONG_AGO]  # the others were never rotated
    assert (found["OpenRotations"], found["PendingConfirmations"]) == ([0.0], [0.0])


def announced(lab: RotationLab, queue: EventQueue) -> None:
    started, completed = queue.taken()
    record = lab.audit_records()[-1]
    assert (started["event"], completed["event"]) == ("rotation.started", "rotation.completed")
    assert completed["id"] == f"{record['rotation']}:completed" == record["id"]
    assert started["about"] == completed["about"]
    assert completed["credentials"] == record["credentials"] == ["cache"]
    assert completed["who"] == record["who"]


def reported(lab: RotationLab, queue: EventQueue, page: Path, rotated: dict[str, Any]) -> None:
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o600
    for words in ("Last rotations", rotated["rotation"], rotated["who"], "cache", "plan ready in "):
        assert words in text
    (digest,) = queue.taken()
    assert digest["event"] == "report.digest"
    assert "database" in digest["credentials"]
    assert [line for line in digest["lines"] if "rotation of cache: complete" in line]
    values = lab.values()
    for value in (values.database[1], values.cache[1], values.django_key):
        assert value not in text + str(digest)


def test_a_rotation_that_is_rolled_back_has_failed(lab: RotationLab, queue: EventQueue) -> None:
    with lab.hosts[0].runs_only_on_the_present_file():
        run = lab.rotate(*CACHE, "-e", "env_deploy_health_retries=4")
    assert run.code != 0
    found = queue.taken()
    assert [(one["event"], one["outcome"]) for one in found] == [
        ("rotation.started", "started"),
        ("rotation.failed", "rolled_back"),
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


def test_a_denied_metric_fails_after_the_report(lab: RotationLab, queue: EventQueue) -> None:
    lab.moto.set_faults(Fault("deny", "PutMetricData"))
    try:
        run = lab.run(playbook="playbooks/rotation_report.yml")
    finally:
        lab.moto.set_faults()
    assert run.code != 0
    sentences(run, "credential", "AWS denies cloudwatch:PutMetricData on namespace watchparty.secrets")


@pytest.fixture
def receivers_of(lab: RotationLab, tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Makes ``notify`` of a webhook, a mail server and a program; their secrets are in the stores."""
    authority = Authority(tmp_path)
    certificate = authority.certificate()
    with ExitStack() as stack:

        def make(hook: Any, server: MailServer, program: str) -> dict[str, Any]:
            web = stack.enter_context(Receiver(hook, certificate))
            mail = stack.enter_context(Receiver(server, certificate))
            held = {"HOOK": web.url, "MAIL": PASSWORD}
            for name, value in held.items():
                where = f"/WatchParty/production/Alerts/{name}"
                lab.moto.client("ssm").put_parameter(Name=where, Value=value, Type="SecureString", Overwrite=True)
            ca = str(authority.cafile)
            email = {"server": "127.0.0.1", "port": mail.port, "tls": "implicit", "from": "a@example.com", "ca": ca}
            email.update(to=["b@example.com"], username="ops", password={"setting": "MAIL"})
            return {
                "slack": {"webhook": {"setting": "HOOK", "ca": ca}, "events": ["rotation.*"]},
                "mail": {"email": email},
                "pager": {"command": ["/bin/sh", "-c", program]},
                "leaks": {"command": ["/bin/false"], "events": ["leak.*"]},
            }

        yield make


def settings() -> dict[str, Any]:
    return {name: {"parameter": f"Alerts/{name}", "sensitivity": "high"} for name in ("HOOK", "MAIL")}


def test_people_are_notified_without_aws(
    lab: RotationLab, queue: EventQueue, tmp_path: Path, receivers_of: Callable[..., dict[str, Any]]
) -> None:
    hook, server, out = Webhook(), MailServer(password=PASSWORD), tmp_path / "events"
    with lab.with_catalog() as catalog:
        catalog["settings"].update(settings())
        catalog["notify"] = receivers_of(hook, server, f"cat >> {out}")
        lab.moto.set_faults(Fault("deny", "PutEvents"))
        try:
            run = lab.rotated("-vvvv", "--diff", *CACHE)
        finally:
            lab.moto.set_faults()
    assert queue.taken() == []
    names = ["rotation.started", "rotation.completed"]
    assert [json.loads(line)["event"] for line in out.read_text().splitlines()] == names
    started, completed = map(bytes.decode, hook.posted)
    assert ("rotation started" in started, "rotation completed" in completed) == (True, True)
    assert len(server.mails) == 2
    notifications = [*map(bytes.decode, hook.posted), *server.mails, out.read_text()]
    values = lab.values()
    for text in (run.output, *notifications):
        for value in ("canary", PASSWORD, values.database[1], values.cache[1], values.django_key):
            assert value not in text
    denied = "EventBridge was not notified of {}: AWS denies events:PutEvents on event bus default"
    sentences(run, "is complete", *map(denied.format, names))
    assert run.text.replace("EventBridge was not notified", "").count("was not notified") == 0


def test_who_hangs_or_fails_stops_no_rotation(
    lab: RotationLab, queue: EventQueue, receivers_of: Callable[..., dict[str, Any]]
) -> None:
    with lab.with_catalog() as catalog:
        catalog["settings"].update(settings(), NO_HOOK={"parameter": "Alerts/NO_HOOK"})
        catalog["notify"] = receivers_of(receivers.silent, MailServer(password="another"), "sleep 600")
        catalog["notify"]["nobody"] = {"webhook": {"setting": "NO_HOOK"}}
        run = lab.rotated("-vvvv", *CACHE)
    for event in ("rotation.started", "rotation.completed"):
        sentences(
            run,
            f"slack was not notified of {event}: no answer",
            f"mail was not notified of {event}: mail server 127.0.0.1",
            f"pager was not notified of {event}: /bin/sh did not end within 8 s and was stopped",
            f"nobody was not notified of {event}: setting NO_HOOK cannot be read: it has no value",
        )
    assert "is complete" in run.output
    assert PASSWORD not in run.output
    assert "canary" not in run.output


def test_killed_before_it_announces(lab: RotationLab, queue: EventQueue) -> None:
    """Whatever was recorded is announced by the run that goes on, under the id of the record."""
    assert Chaos(lab, replace(Controller(lab), command=CACHE)).kill("PutEvents#2") is not None
    lab.rotated(*CACHE)
    events = queue.taken()
    completed = {event["id"] for event in events if event["event"] == "rotation.completed"}
    assert completed == {lab.audit_records()[-1]["id"]}
    assert len({event["about"] for event in events}) == 1
