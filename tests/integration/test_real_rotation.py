# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations on three systemd hosts with the real application, its workers, PostgreSQL and Valkey, under load."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from dotenv import dotenv_values

from sandbox.hosts import Fleet, Plan, why_not
from sandbox.load import Report
from sandbox.process import write_private
from tests.integration.counts import Record, loaded
from tests.integration.real_lab import ENV_FILE, RealLab, Run, Values

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no rotation on real hosts was tested"),
]

ACCEPTED = {"database": "accepted", "cache": "accepted"}
Say = Callable[[str], None]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=3, services=True)) as fleet:
        made = RealLab(fleet)
        run = made.run("deploy", "-e", "env_deploy_serial=100%")
        assert run.code == 0, run.output
        yield made


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Figures are part of the result: they are printed although the test succeeds."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write


def unnoticed(report: Report) -> None:
    assert (report.failed, report.lost, report.anonymous, report.tasks_lost) == (0, 0, 0, 0), report.messages
    assert report.requests > 500
    assert report.parallel_bursts > 100
    assert report.tasks > 50
    assert len(report.hosts) == 3, f"not every host had its share: {report.hosts}"


def promoted_to_refused(run: Run) -> str:
    match = re.search(r"from promotion to revocation: ([0-9.]+) s", run.text)
    assert match, run.output
    return match[1]


def old_is_refused(lab: RealLab, old: Values, *credentials: str) -> None:
    """At the servers, when it is tried from each of the application's hosts."""
    expected = {name: "refused" if name in credentials else "accepted" for name in ("database", "cache")}
    for host in lab.hosts:
        assert lab.tried(host, old) == expected


def rotated_under_load(lab: RealLab, say: Say, record: Record, *credentials: str) -> None:
    old = lab.ready()
    with lab.load() as load:
        run = lab.rotate(*credentials)
    assert run.code == 0, run.output
    assert "is complete" in run.text
    report = load.report
    assert report is not None
    message = f"{run.seconds:.0f} s"
    if credentials == ("django_key",):  # the old key stays among the fallbacks
        assert "from promotion to revocation" not in run.text
    else:
        message += f", {promoted_to_refused(run)} s from promotion to revocation"
    say(f"{', '.join(credentials)}: {message}; {report}")
    loaded(record, "rotation under load", report)
    unnoticed(report)
    lab.assert_settled()
    new = lab.values()
    for name in ("database", "cache", "django_key"):
        assert (getattr(old, name) != getattr(new, name)) == (name in credentials), name
    old_is_refused(lab, old, *credentials)
    if "django_key" in credentials:
        assert old.django_key in lab.core()["SECRET_KEY_FALLBACKS"].split(",")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("credential", ["database", "cache", "django_key"])
def test_one_credential(lab: RealLab, say: Say, record_property: Record, credential: str) -> None:
    rotated_under_load(lab, say, record_property, credential)


def test_all_together(lab: RealLab, say: Say, record_property: Record) -> None:
    """Nobody is logged out, no request fails, no task is lost; the old values are refused afterwards."""
    rotated_under_load(lab, say, record_property, "database", "cache", "django_key")


@pytest.mark.slow
@pytest.mark.long
def test_a_third_partys_value(lab: RealLab, say: Say, record_property: Record, tmp_path: Path) -> None:
    before, new = lab.ready(), "issued-by-the-provider"
    given = tmp_path / "new.yml"
    write_private(given, f"youtube: {new}\n")
    with lab.with_credential("youtube", kind="external", appears_in=[{"setting": "YOUTUBE_API_KEY"}]):
        with lab.load() as load:
            run = lab.rotate("youtube", arguments=("-e", f"rotation_values_file={given}"))
        assert run.code == 0, run.output
        assert "youtube: revoke its old value" in run.text
        assert load.report is not None
        say(f"youtube: {run.seconds:.0f} s; {load.report}")
        loaded(record_property, "rotation under load", load.report)
        unnoticed(load.report)
        assert lab.run("rotate", "-e", "rotation_revoked=youtube").code == 0
    lab.assert_settled()
    assert lab.values() == before
    for host in lab.hosts:
        assert dotenv_values(lab.fleet.disk(host) / ENV_FILE, interpolate=False)["YOUTUBE_API_KEY"] == new


@pytest.mark.slow
@pytest.mark.long
def test_a_host_that_is_down(lab: RealLab, say: Say) -> None:
    """The rotation stays open and names it; both values stay valid; once it is up, the same command completes."""
    old = lab.ready()
    lab.fleet.power_off("app2")

    run = lab.rotate("cache")

    assert run.code != 0
    assert lab.open_step() == "deploy", run.output
    for message in ("stopped at step deploy", "app2: ", "cannot be reached", "Run the same command again to continue"):
        assert message in run.text, run.output
    assert lab.values() == old
    assert lab.tried("app1", old) == lab.tried("app1", lab.host_values("app1")) == ACCEPTED
    assert lab.host_values("app1").cache != old.cache

    lab.fleet.boot("app2")
    lab.wait_healthy("app2")
    assert lab.host_values("app2") == old
    run = lab.rotate("cache")

    assert run.code == 0, run.output
    assert "was not finished" in run.text
    say(f"with a host that was down: {promoted_to_refused(run)} s from promotion to revocation")
    lab.assert_settled()
    old_is_refused(lab, old, "cache")


@pytest.mark.slow
@pytest.mark.long
def test_one_host_is_not_healthy_on_the_new_value(lab: RealLab, say: Say) -> None:
    """The server refuses the new login from that host alone: all go back, and the new login is gone.

    What reaches that host before the balancer's next check is answered with an error; nobody is logged out by it.
    """
    old = lab.ready()
    login = urlsplit(old.database).username or ""
    other = {"a": "b", "b": "a"}[login[-1]]
    with lab.watching("app1") as seen, lab.load(health="/health/") as load, lab.refusing("app2", login[:-1] + other):
        run = lab.rotate("database", arguments=("-e", "env_deploy_health_retries=4"))

    assert run.code != 0
    for message in ("The rotation was rolled back: app2: ", "the old values are in force"):
        assert message in run.text, run.output
    report = load.report
    assert report is not None
    say(f"rolled back in {run.seconds:.0f} s: {report}")
    assert (report.lost, report.anonymous, report.tasks_lost) == (0, 0, 0), report.messages
    assert report.requests > 500
    assert lab.values() == old
    lab.assert_settled()
    first, new, last = seen
    assert first == last == old
    assert urlsplit(new.database).username == login[:-1] + other
    for host in lab.hosts:
        assert lab.tried(host, new) == {"database": "refused", "cache": "accepted"}
