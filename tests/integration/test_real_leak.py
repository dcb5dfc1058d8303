# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leaks on systemd hosts with the real application, its workers, PostgreSQL and Valkey, under load."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator

import pytest
import redis

from sandbox.browser import Browser, Tally
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.load import Manage, Report
from tests.integration.real_lab import WEB_PORT, RealLab, Run

USER, PASSWORD = "canary-user", "canary-password-of-the-user"
EVERY = ("database", "cache", "django_key")
ACCEPTED = {"database": "accepted", "cache": "accepted"}
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no leak on real hosts was tested"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=3, services=True)) as fleet:
        made = RealLab(fleet)
        run = made.run("deploy", "-e", "env_deploy_serial=100%")
        assert run.code == 0, run.output
        Manage.of_fleet(fleet).run("make_users", USER, text=PASSWORD)
        yield made


def respond(lab: RealLab, *leaked: str, containment: str) -> Run:
    page = f"http://127.0.0.1:{WEB_PORT}/account/"
    messages = (
        f"leak_credentials={','.join(leaked)}",
        f"leak_containment={containment}",
        "leak_confirm=yes",
        "django_chdir=/opt/watchparty/app",
        f"django_probe_url={page}",
        f"leak_report_path={lab.fleet.names.state / 'post-mortems'}",
        f"rotation_known_addresses={lab.fleet.gateway}",  # the sender of tasks runs here
    )
    return lab.run("leak_response", *(part for word in messages for part in ("-e", word)))


def cache(lab: RealLab) -> redis.Redis:
    """As the application would, with what is in force now."""
    return redis.Redis.from_url(lab.values().cache, ssl_ca_certs=str(lab.fleet.names.certificate))


def waiting_for_redelivery(lab: RealLab) -> int:
    """Tasks whose worker lost its connection in the middle: the broker delivers them again after an hour."""
    with redis.Redis.from_url(lab.core()["CELERY_BROKER_URL"], ssl_ca_certs=str(lab.fleet.names.certificate)) as broker:
        return int(broker.hlen("unacked"))


def stolen_cookie(lab: RealLab) -> Browser:
    """Of a session that is open; the thief has it until he is refused."""
    name = lab.client("ssm").get_parameter(Name="/WatchParty/production/App/ALLOWED_HOSTS")["Parameter"]["Value"]
    address = next(iter(lab.fleet.machines.values())).address
    browser = Browser(USER, PASSWORD, WEB_PORT, name.split(",")[0], Tally(), address=address)
    asyncio.run(browser.log_in())
    assert asyncio.run(browser.still_in())
    return browser


def contained(lab: RealLab, *leaked: str, containment: str) -> tuple[Run, Report]:
    """What worked for whoever had the values, works no more; tasks and foreign keys are all there."""
    old = lab.ready()
    for host in lab.hosts:
        assert lab.tried(host, old) == ACCEPTED
    thief = stolen_cookie(lab)
    with cache(lab) as client:
        client.set("unrelated:1", "kept")
    with lab.load() as load:
        run = respond(lab, *leaked, containment=containment)
    assert run.code == 0, run.output
    report = load.report
    assert report is not None
    lab.assert_settled()
    refused = {name: "refused" if name in leaked else "accepted" for name in ACCEPTED}
    for host in lab.hosts:
        assert lab.tried(host, old) == refused
    assert not asyncio.run(thief.still_in()), "the stolen cookie still logs in"
    with cache(lab) as client:
        assert client.getdel("unrelated:1") == b"kept"
    assert report.tasks_lost <= (waiting_for_redelivery(lab) if containment == "immediate" else 0), report.task_errors
    assert report.tasks > 50
    assert report.lost >= report.sessions, "all users are logged out, as is intended"
    return run, report


def say(capsys: pytest.CaptureFixture[str], what: str, run: Run, report: Report) -> None:
    took = re.search(r"contained in ([0-9.]+ s|[0-9]+ s)", run.text)
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: {took[0] if took else '?'} ({run.seconds:.0f} s the run); {report}\n")


@pytest.mark.parametrize("leaked", [(name,) for name in EVERY] + [EVERY], ids=lambda names: "+".join(names))
def test_graceful(lab: RealLab, capsys: pytest.CaptureFixture[str], leaked: tuple[str, ...]) -> None:
    run, report = contained(lab, *leaked, containment="graceful")
    say(capsys, f"graceful, {', '.join(leaked)}", run, report)
    assert report.failed == 0, report.messages


def test_immediate(lab: RealLab, capsys: pytest.CaptureFixture[str]) -> None:
    run, report = contained(lab, *EVERY, containment="immediate")
    say(capsys, "immediate, all", run, report)
    assert re.search(r"the application was taken down at \d+ s and was down for at most \d+ s", run.text), run.output
