# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands on each host after a deploy."""

# ruff: noqa: S101
from __future__ import annotations

import json

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://app_hosts"]

DIRECTORY = "/srv/watchparty"
ENV_FILE = f"{DIRECTORY}/.env"
STATE = "/var/lib/watchparty-secrets/srv-watchparty-.env"


def test_the_file_is_private_and_the_applications(host: Host) -> None:
    file = host.file(ENV_FILE)
    assert (file.is_file, file.is_symlink) == (True, False)
    assert (file.mode, file.user, file.group) == (0o600, "watchparty", "watchparty")


def test_its_mark_and_the_last_healthy_file_are_roots(host: Host) -> None:
    assert host.check_output(f"ls -A {DIRECTORY}").split() == [".env"]
    assert host.check_output(f"ls -A {STATE}").split() == ["healthy", "mark"]
    assert {host.file(f"{STATE}/{name}").mode for name in ("mark", "healthy")} == {0o600}
    assert (host.file(STATE).mode, host.file(STATE).user) == (0o700, "root")


def test_the_mark_holds_no_value(host: Host) -> None:
    mark = host.file(f"{STATE}/mark").content_string
    values = [line.partition("=")[2].strip("'\"") for line in host.file(ENV_FILE).content_string.splitlines()]
    assert [value for value in values if len(value) > 7 and value in mark] == []


@pytest.mark.parametrize("unit", ["watchparty-web", "watchparty-celery"])
def test_the_services_run_since_the_file_was_written(host: Host, unit: str) -> None:
    assert host.service(unit).is_running
    started = int(host.check_output(f'date -d "$(systemctl show {unit} -P ActiveEnterTimestamp)" +%s'))
    written = int(host.check_output(f"stat -c %Y {ENV_FILE}"))
    assert started >= written


def test_the_application_reaches_its_servers(host: Host) -> None:
    answer = host.run("curl --silent --show-error --write-out ' %{http_code}' http://127.0.0.1:8000/health/")
    body, _, status = answer.stdout.rpartition(" ")
    assert status == "200", answer.stdout + answer.stderr
    assert set(json.loads(body)["components"]) == {"database", "cache", "broker", "results", "channels-1"}


def test_a_login_name_without_rights_cannot_read_it(host: Host) -> None:
    with host.sudo("nobody"):
        assert host.run(f"cat {ENV_FILE}").rc != 0


def test_the_system_is_well(host: Host) -> None:
    assert host.check_output("systemctl is-system-running") == "running"
