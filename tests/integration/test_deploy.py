# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deploy as its user sees it: what it writes, what it leaves alone, what it asks AWS, and how it goes back."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integration.harness import Host, Lab, calls, catalog, layout
from tests.integration.rotation_lab import sentences


def test_a_deploy_its_repetition_and_what_check_mode_leaves_alone(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    lab.seed()
    before = lab.state()
    checked = lab.deploy("--check", "--diff")
    assert lab.state() == before
    assert f"+++ after: {host.env_file}" in checked.output
    assert "+mode 0600" in checked.output
    assert "+API_TOKEN fingerprint " in checked.output
    assert "would be changed, then restarted and health-checked" in checked.text
    assert sorted(checked.operations) == sorted(calls())

    first = lab.deploy()
    host.assert_healthy("1")
    assert host.values()["API_TOKEN"] == "api-token-value-of-generation-1-" + "x" * 20
    assert f"{host.env_file} has mode 0600, services restarted and healthy" in first.text
    assert "secret shop/production/core (version " in first.text
    assert sorted(first.operations) == sorted(calls())

    before = lab.state()
    second = lab.deploy()
    assert second.result("web1")["changed"] == 0
    assert "unchanged, healthy before" in second.text
    assert lab.state() == before

    lab.seed(layout("2"))
    checked = lab.deploy("--check", "--diff")
    assert lab.state() == before
    assert checked.output.count("-API_TOKEN fingerprint ") == checked.output.count("+API_TOKEN fingerprint ") == 1
    assert "-ZERO fingerprint" not in checked.output


def test_a_drifted_mode_is_mended_without_a_restart(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    lab.seed()
    lab.deploy()
    host.env_file.chmod(0o644)
    mended = lab.deploy()
    assert mended.result("web1")["changed"] == 1
    assert "owner or mode corrected" in mended.text
    assert host.restarts == 1
    host.assert_healthy("1", mended=True)
    assert lab.deploy().result("web1")["changed"] == 0


def test_an_edited_file_is_put_right_and_its_services_restarted(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    lab.seed()
    lab.deploy()
    with host.env_file.open("a") as handle:
        handle.write("BY_HAND='x'\n")
    lab.deploy()
    host.assert_healthy("1")
    assert "BY_HAND" not in host.values()


def test_a_file_that_is_only_delivered_is_not_healthy(lab: Lab) -> None:
    """Services still run on the former one, so the next deploy restarts them."""
    (host,) = lab.add_hosts()
    lab.seed()
    lab.deploy()
    lab.seed(layout("2"))
    run = lab.deploy("-e", "env_deploy_restart=false")
    sentences(run, "delivered; its services were not restarted; the next deploy restarts them")
    sentences(lab.deploy(), "services restarted and healthy")
    host.assert_healthy("2")


def test_limit_deploys_to_the_named_host_alone(lab: Lab) -> None:
    _, second = lab.add_hosts(2)
    lab.seed()
    run = lab.deploy("--limit", "web2")
    assert sorted(run.operations) == sorted(calls())
    second.assert_healthy("1")
    assert lab.hosts[0].files() == {}


@pytest.mark.parametrize(
    ("declared", "message"), [(None, "web2 declares none"), ("staging", "web2 declares staging")], ids=["none", "other"]
)
def test_a_host_of_another_environment_stops_the_run_before_any_read(
    lab: Lab, declared: str | None, message: str
) -> None:
    lab.add_hosts(2)
    lab.host_vars["web2"]["app_environment"] = declared
    if declared is None:
        del lab.host_vars["web2"]["app_environment"]
    lab.seed()
    run = lab.run()
    assert run.code != 0
    assert "Nothing was read" in run.text
    assert message in run.text
    assert "--limit" in run.text
    assert run.operations == []
    assert [host.files() for host in lab.hosts] == [{}, {}]


def test_an_environment_named_on_the_command_line_does_not_hide_the_inventorys(lab: Lab) -> None:
    lab.add_hosts()
    lab.seed()
    run = lab.run("-e", "app_environment=staging")
    assert run.code != 0
    assert "app_environment is staging, but web1 declares production" in run.text
    assert run.operations == []


@pytest.mark.parametrize("count", [1, 20])
def test_the_number_of_calls_depends_on_secrets_and_parameters_alone(lab: Lab, count: int) -> None:
    """42 secrets and 25 parameters: 1 + 1 + 3 + 3, for one host and for twenty."""
    lab.add_hosts(count, env_deploy_restart=False)
    extra = {f"EXTRA_{n}": {"secret": f"shop/{{environment}}/extra-{n}"} for n in range(40)}
    extra |= {f"PARAMETER_{n}": {"parameter": f"More/P{n}", "sensitivity": "low"} for n in range(20)}
    lab.catalog = catalog(extra=extra)
    wanted = layout(**{f"extra-{n}": f"value-of-extra-{n}" for n in range(40)})
    parameters = {f"/shop/production/More/P{n}": ("String", str(n)) for n in range(20)}
    lab.seed(type(wanted)(wanted.secrets, {**wanted.parameters, **parameters}))
    run = lab.deploy("--check", "-e", "env_deploy_serial=100%", "--forks", "10")
    assert sorted(run.operations) == sorted(calls(secrets=3, parameters=3))
    assert run.result(f"web{count}")["changed"] == 1


def test_without_an_expected_account_nobody_asks_for_it(lab: Lab) -> None:
    lab.add_hosts()
    lab.catalog = catalog(environments={"production": {}})
    lab.seed()
    assert sorted(lab.deploy("--check").operations) == sorted(calls(sts=0))


FAILURES = {
    "500": "HTTP 500",
    "redirect": "HTTP 302",
    "slow": "timed out",
    "refuse": "refused",
    "fail": "the restart command's exit code was",
}


RARE = ("redirect", "slow", "refuse")
"""Ways to be unhealthy that differ in words only."""


@pytest.mark.parametrize("how", [pytest.param(how, marks=[pytest.mark.long] * (how in RARE)) for how in FAILURES])
def test_an_unhealthy_host_goes_back_and_the_rollout_stops(lab: Lab, how: str) -> None:
    """The second of three hosts, one a batch, does not get well on the new file."""
    first, second, third = lab.add_hosts(3, env_deploy_health_timeout=1 if how == "slow" else 5)
    lab.seed()
    lab.deploy("-e", "env_deploy_serial=100%")
    before = third.restarts, third.mark
    second.behaves(g2=how)
    lab.seed(layout("2"))
    run = lab.run("-e", "env_deploy_serial=1")
    assert run.code != 0
    reason = run.text.partition("The rollout stopped.")[2]
    assert reason.lstrip().startswith("web2: ")
    assert FAILURES[how] in reason
    assert "; the last healthy .env was restored and the services are healthy" in reason
    assert "value-of-generation" not in run.output
    first.assert_healthy("2")
    second.assert_healthy("1")
    assert second.restarts == (2 if how == "fail" else 3)
    third.assert_healthy("1")
    assert (third.restarts, third.mark) == before
    assert "skipped: the rollout stopped before this host" in run.text

    second.behaves()
    lab.deploy("-e", "env_deploy_serial=100%")
    for host in lab.hosts:
        host.assert_healthy("2")
    assert first.restarts == 2


def test_a_first_deploy_that_fails_leaves_no_file(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    host.behaves(g1="500")
    lab.seed()
    run = lab.run()
    assert run.code != 0
    assert "there was no earlier file; the new one was removed" in run.text
    assert host.files() == {"mark": "0600"}
    host.behaves()
    lab.deploy()
    host.assert_healthy("1")


def test_a_file_from_before_the_first_deploy_is_the_way_back(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    host.env_file.write_text("GENERATION='0'\n")
    host.env_file.chmod(0o600)
    host.behaves(g1="500")
    lab.seed()
    assert lab.run().code != 0
    assert host.generation == "0"
    assert host.healthy()
    assert host.service["generation"] == "0"


def test_a_host_that_stays_unhealthy_is_named(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    lab.seed()
    lab.deploy()
    host.behaves(g1="500", g2="500")
    lab.seed(layout("2"))
    run = lab.run()
    assert run.code != 0
    assert "; the rollback to the last healthy .env FAILED" in run.text
    assert host.generation == "1"
    host.behaves()
    lab.deploy()
    host.assert_healthy("2")


def test_an_unreachable_host_stops_the_rollout(lab: Lab) -> None:
    if lab.connection["ansible_connection"] == "local":
        pytest.skip("no sshd: an unreachable host was not tested")
    first, _, third = lab.add_hosts(3)
    lab.host_vars["web2"] |= {"ansible_host": "127.0.0.2", "ansible_port": 9}
    lab.seed()
    run = lab.run("-e", "env_deploy_serial=1")
    assert run.code != 0
    reason = run.text.partition("The rollout stopped.")[2]
    assert reason.lstrip().startswith("web2: ")
    assert "the host cannot be reached" in reason
    assert "Connection refused" in reason
    first.assert_healthy("1")
    assert third.files() == {}
    assert "skipped: the rollout stopped before this host" in run.text
    assert "not reached" in run.text


def test_every_failed_host_of_a_batch_is_named(lab: Lab) -> None:
    """Two of three fail at once: neither's words are lost, and both go back."""
    hosts = lab.add_hosts(3)
    for host in hosts[:2]:
        host.behaves(g1="500")
    lab.seed()
    run = lab.run("-e", "env_deploy_serial=100%")
    assert run.code != 0
    reason = run.text.partition("The rollout stopped.")[2]
    for name in ("web1", "web2"):
        gone = "there was no earlier file; the new one was removed"
        assert re.search(rf"{name}: health check of http\S+ failed: HTTP 500, asked \d+ times in \d+ s; {gone}", reason)
        assert f"{name}: failed; there was no earlier file" in run.text
    assert "web3: Deliver" not in reason
    hosts[2].assert_healthy("1")


HANGS_UP = """
import os, pathlib, signal, subprocess, sys
place = pathlib.Path(sys.argv[-1])
if (place / "hangs-up").exists() and "GENERATION='1'" in (place / ".env").read_text():
    process = os.getpid()
    while not pathlib.Path(f"/proc/{process}/comm").read_text().startswith("sshd"):
        process = int(pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(process, signal.SIGKILL)
    sys.exit(1)
sys.exit(subprocess.call(sys.argv[1:]))
"""


IS_ENDED = """
import os, pathlib, signal, subprocess, sys
if "GENERATION='2'" in (pathlib.Path(sys.argv[-1]) / ".env").read_text():
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit(1)
sys.exit(subprocess.call(sys.argv[1:]))
"""


def restarts_by(lab: Lab, host: Host, program: str) -> None:
    """The restart command goes through this Python program, which is given the real one and its arguments."""
    script = lab.directory / "restarts.py"
    script.write_text(program)
    restart = lab.host_vars[host.name]["env_deploy_restart_command"]
    lab.host_vars[host.name]["env_deploy_restart_command"] = f"{sys.executable} {script} {restart}"


def test_what_is_ended_on_the_host_between_the_file_and_the_proof_goes_back(lab: Lab) -> None:
    """As when memory runs out: the module cannot say what it wrote any more."""
    (host,) = lab.add_hosts()
    restarts_by(lab, host, IS_ENDED)
    lab.seed()
    lab.deploy()
    lab.seed(layout("2"))
    run = lab.run()
    assert run.code != 0
    reason = run.text.partition("The rollout stopped.")[2]
    assert "web1: the module was killed on the host before the services were healthy" in reason
    assert "; the last healthy .env was restored and the services are healthy" in reason
    assert host.generation == "1"
    assert host.service["generation"] == "1"


def test_a_host_that_is_lost_in_the_middle_is_left_to_the_next_deploy(lab: Lab) -> None:
    """Nobody knows whether it has the new file."""
    if lab.connection["ansible_connection"] == "local":
        pytest.skip("a local connection is never lost")
    (host,) = lab.add_hosts()
    restarts_by(lab, host, HANGS_UP)
    (host.directory / "hangs-up").touch()
    lab.seed()
    run = lab.run()
    assert run.code != 0
    assert "web1: not reached, or the connection broke during the deploy" in run.text
    reason = run.text.partition("The rollout stopped.")[2]
    assert "If the connection broke during the deploy, the next deploy restarts and verifies its services" in reason
    (host.directory / "hangs-up").unlink()
    assert "services restarted and healthy" in lab.deploy().text
    host.assert_healthy("1")


def test_from_outside(lab: Lab, outside: str) -> None:
    """Asked before the mark is written, and in the rollback too."""
    (host,) = lab.add_hosts(env_deploy_external_health_url=outside, env_deploy_health_retries=1)
    lab.seed()
    assert "services restarted and healthy" in lab.deploy().text
    host.assert_healthy("1")
    lab.host_vars[host.name]["env_deploy_external_health_url"] = f"{outside}no-such-page"
    lab.seed(layout("2"))
    run = lab.run()
    assert run.code != 0
    reason = run.text.partition("The rollout stopped.")[2]
    assert "web1: health check from the controller: " in reason
    assert "the rollback to the last healthy .env FAILED (health check from the controller: " in reason
    assert host.generation == "1"


@pytest.mark.parametrize("name", ["env_deploy_health_url", "env_deploy_external_health_url"])
def test_an_empty_health_address_is_refused_before_anything_is_sent(lab: Lab, name: str) -> None:
    (host,) = lab.add_hosts(**{name: ""})
    lab.seed()
    run = lab.run("--check")
    assert run.code != 0
    run = lab.run()
    assert run.code != 0
    assert re.search(rf"Nothing was sent: {name}\b.* is empty", run.text), run.output
    assert not host.env_file.exists()
    assert host.restarts == 0


def test_a_host_that_is_lost_on_the_way_back_is_not_called_healthy(lab: Lab, outside: str) -> None:
    """Its address from outside answers all the same, as a balancer's does."""
    if lab.connection["ansible_connection"] == "local":
        pytest.skip("a local connection is never lost")
    (host,) = lab.add_hosts(env_deploy_external_health_url=outside, env_deploy_health_retries=1)
    restarts_by(lab, host, HANGS_UP)
    lab.seed()
    lab.deploy()
    (host.directory / "hangs-up").touch()
    host.behaves(g2="500")
    lab.seed(layout("2"))
    run = lab.run()
    assert run.code != 0
    reason = run.text.partition("The rollout stopped.")[2]
    assert "the rollback to the last healthy .env FAILED (the host cannot be reached: " in reason


@pytest.fixture
def outside() -> Iterator[str]:
    """An address that answers 200, and 404 below it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
