# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restarts by a real command and by a stand-in for systemctl, and health at a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import services
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import ServiceManager

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
    *broken*) echo "Job for broken.service failed." >&2; echo "more" >&2; exit 1;;
    show*) cat {states};;
esac
"""
UP = "Id=web.service\nType=simple\nActiveState=active\nSubState=running\nResult=success\n"


class Server(HTTPServer):
    answers: list[int]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        answers = self.server.answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"canary")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder: ``log`` has the calls, ``states`` what ``show`` says."""
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.format(log=tmp_path / "log", states=tmp_path / "states"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def managers(*units: str) -> list[ServiceManager]:
    return registry.managers(units, [])


def health(server: Server, *, retries: int = 2) -> services.Health:
    return services.Health([f"http://127.0.0.1:{server.server_address[1]}/health/"], retries, 0.01, 2)


def test_units_are_restarted_one_after_the_other(systemd: Path) -> None:
    services.restart(None, managers("web.service", "-worker.service"), 5)
    assert (systemd / "log").read_text() == "restart -- web.service\nrestart -- -worker.service\n"


def test_the_unit_that_does_not_restart_is_named(systemd: Path) -> None:
    with pytest.raises(
        HostError,
        match=r"^broken\.service could not be restarted: .* failed\. Its log: journalctl -u broken\.service$",
    ):
        services.restart(None, managers("web.service", "broken.service", "worker.service"), 5)
    assert "worker" not in (systemd / "log").read_text()


def test_a_unit_that_does_not_stop_keeps_no_other_running(systemd: Path) -> None:
    service = {"service": "proxy", "manager": "command", "restart": ["true"], "stop": ["sleep", "20"]}
    asked = {"units": ["broken.service", "web.service"], "managed": [service], "restart_timeout": 0.9}
    message = r"^broken\.service could not be stopped: .*; services\.proxy\.stop: not finished after 0 s$"
    with pytest.raises(HostError, match=message):
        services.stop(asked)
    assert (systemd / "log").read_text() == "stop -- broken.service\nstop -- web.service\n"


def test_a_host_without_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="systemctl cannot be run: No such file"):
        services.restart(None, managers("web.service"), 5)


def test_a_command_goes_before_units(systemd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", str(systemd))
    monkeypatch.setenv("HOME", str(systemd))
    services.restart("touch '$PLACE/a b' ~/c", managers("web.service"), 5)
    assert {path.name for path in systemd.iterdir()} == {"systemctl", "a b", "c"}


def test_a_command_is_no_shell(tmp_path: Path) -> None:
    services.restart(f"echo x > {tmp_path / 'file'}", [], 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "sh -c 'echo canary; echo canary >&2; exit 3'",
            "the restart command's exit code was 3; its output is not shown$",
        ),
        ("/no/such/program", "the restart command cannot be run: No such file"),
        ("sh -c 'open", "the restart command cannot be parsed: No closing quotation"),
        (" ", "the restart command is empty"),
    ],
)
def test_a_command_that_fails(command: str, message: str) -> None:
    with pytest.raises(HostError, match=message) as raised:
        services.restart(command, [], 5)
    assert "canary" not in str(raised.value)


def test_a_service_that_keeps_its_output_open_holds_nothing_up() -> None:
    services.restart("sh -c 'sleep 5 &'", [], 5)  # a pipe would be read to its end


def test_health_is_asked_until_it_is_there(server: Server) -> None:
    server.answers = [503, 500, 200]
    (answer,) = services.wait_healthy(health(server))
    assert answer["status"] == 200


def test_an_application_that_does_not_get_well(server: Server) -> None:
    server.answers = [503, 503, 500]
    with pytest.raises(
        HostError, match=r"health check of http://\S+/health/ failed: HTTP 500, asked 3 times in 0 s$"
    ) as raised:
        services.wait_healthy(health(server))
    assert "canary" not in str(raised.value)


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.answers = [302]
    with pytest.raises(HostError, match="HTTP 302"):
        services.wait_healthy(health(server, retries=0))


def test_nobody_is_there() -> None:
    nowhere = services.Health(["http://127.0.0.1:9/health/"], 0, 0, 1)
    with pytest.raises(HostError, match=r"no answer: Connection refused, asked 1 times"):
        services.wait_healthy(nowhere)


@pytest.mark.parametrize(
    ("state", "down"),
    [
        (UP, ""),
        (UP.replace("active", "reloading", 1), ""),
        (UP.replace("simple", "oneshot").replace("ActiveState=active", "ActiveState=inactive"), ""),
        (
            UP.replace("ActiveState=active", "ActiveState=inactive"),
            r"web\.service is not running .*: inactive \(running\)",
        ),
        (UP.replace("=active", "=activating").replace("running", "auto-restart"), r": activating \(auto-restart\)"),
        (
            UP.replace("simple", "oneshot")
            .replace("=active", "=inactive")
            .replace("Result=success", "Result=exit-code"),
            ": inactive",
        ),
        ("", "systemd does not report the state of the units"),
    ],
)
def test_units_must_stay_up(systemd: Path, state: str, down: str) -> None:
    other = UP.replace("web", "worker")
    (systemd / "states").write_text(f"{state}\n{other}" if state else other)
    if down:
        with pytest.raises(HostError, match=down) as raised:
            services.require_running(managers("web.service", "worker.service"))
        assert "worker" not in str(raised.value)
    else:
        services.require_running(managers("web.service", "worker.service"))


@pytest.mark.parametrize(
    ("load", "active", "missing"),
    [
        ("loaded", "inactive", ""),
        ("not-found", "inactive", r"restart: web\.service is not-found\. Install"),
        ("masked", "inactive", r"web\.service is masked\. .*systemctl unmask"),
        ("masked", "active", r"web\.service is masked\."),  # while it runs
        ("not-found", "active", r"web\.service is not-found\."),
    ],
)
def test_units_that_a_restart_would_not_find(systemd: Path, load: str, active: str, missing: str) -> None:
    unit = UP.rstrip("\n").replace("=active", f"={active}") + f"\nLoadState={load}\n"
    (systemd / "states").write_text(f"{unit}\n{UP.replace('web', 'worker')}")
    asked: dict[str, Any] = {"command": None, "units": ["web.service", "worker.service"], "managed": []}
    if missing:
        with pytest.raises(HostError, match=missing) as raised:
            services.require_restartable(asked)
        assert "worker" not in str(raised.value)
        services.require_restartable({**asked, "command": "true"})
    else:
        services.require_restartable(asked)


def test_without_units_nobody_is_asked(systemd: Path) -> None:
    services.require_running(managers())
    assert not (systemd / "log").exists()


def test_a_question_that_systemd_refuses(systemd: Path) -> None:
    with pytest.raises(HostError, match=r"state of the units: Job for broken\.service failed$"):
        services.require_running(managers("broken.service"))
