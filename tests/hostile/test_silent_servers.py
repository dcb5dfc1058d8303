# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that accept connections and never answer: every question to one has an end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action import verify_info, verify_report
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import (
    health_check,
    revoked_logins,
    revoked_logins_main,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import session_probe
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline, remote_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.external_value import (
    ExternalValueAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.postgresql_login import (
    PostgresqlLoginAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.valkey_user import (
    ValkeyUserAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.budget import Budget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_facts import Gatherer
from sandbox.process import wait_until
from tests import planted
from tests.hostile import silent
from tests.hostile.fake_servers import REQUESTS
from tests.unit.plugins.plugin_utils._ansible.test_remote_program import Host
from tests.unit.plugins.plugin_utils._verify import verify_facts

pytestmark = pytest.mark.servers
HEADERS = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def lasting() -> Iterator[None]:
    """Without a deadline each of them waits for minutes, or without end."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 60


@planted.mistakes("A health address", planted.STAND_IN, checks="WPS601", number=2)
@pytest.mark.parametrize(
    ("first", "drip"),
    [(b"", b""), (b"", b"H"), (HEADERS, b"X"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    ids=[
        "sends nothing",
        "sends a byte now and then",
        "sends its body byte by byte",
        "says 100 Continue for ever",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_health_address(scheme: str, first: bytes, drip: bytes) -> None:
    """Seen to hold a run for 900 seconds, by a byte now and then."""
    with silent.server(drip, first=first) as port, lasting():
        answer = health_check.ask_once(f"{scheme}://127.0.0.1:{port}/health/", 1)
    assert answer["status"] == 0
    assert answer["problem"].startswith("no answer: ")
    hosts = {"web1": verify_facts.host(health=[answer])}
    assert [*verify_facts.judged("WPS601", hosts=hosts)] == ["WPS601"]


@pytest.mark.parametrize("flood", [b"X-More: x\r\n", b"\r\nHTTP/1.1 100 Continue\r\n"])
def test_a_head_without_end_is_read_no_longer(flood: bytes) -> None:
    """It was seen to keep a core busy until the run ended, long after its answer was given up."""
    with silent.server(flood * 1000, first=b"HTTP/1.1 100 Continue\r\n", pause=0.001) as port, lasting():
        before = threading.active_count()
        answer = health_check.ask_once(f"http://127.0.0.1:{port}/health/", 0.5)
        assert answer["problem"] == "no answer: timed out"
        assert wait_until(lambda: threading.active_count() <= before, seconds=10)


@planted.mistakes(
    "Addresses from outside", planted.STAND_IN, rows={"three that send bytes now and then": "WPS602"}, number=2
)
def test_addresses_from_outside() -> None:
    with silent.server(b"X", first=HEADERS) as port, lasting():
        urls = [f"http://127.0.0.1:{port}/{number}" for number in range(3)]
        answers = verify_report.check_addresses(urls, 1, None)
    assert {answer["problem"] for answer in answers.values()} == {"no answer: timed out"}
    assert "WPS602" in verify_facts.judged("WPS602", outside=answers)


def test_a_probe_of_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_probe, "SECONDS", 1)
    with silent.server(b"X", first=HEADERS) as port, lasting(), pytest.raises(HostError, match="no answer: timed out"):
        session_probe.ask(f"http://127.0.0.1:{port}/account/", {})


def gathered(seconds: float, part: str, monkeypatch: pytest.MonkeyPatch, port: int) -> dict[str, Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "GITHUB_TOKEN": "t",
    }.items():
        monkeypatch.setenv(name, value)
    github = {"repository": "example/shop", "api_url": f"http://127.0.0.1:{port}"}
    document = {"application": "shop", "settings": {"A": {"value": "x", "github": "variable"}}, "github": github}
    connection = AwsConnection("test", {"region": "eu-west-3", "endpoint_url": f"http://127.0.0.1:{port}"})
    catalog = catalog_parser.parse(document, "test")
    return Gatherer(document, catalog, connection, datetime.now(UTC), budget=Budget(seconds)).gather([part])


@planted.mistakes("AWS or GitHub sends a byte now and then", planted.STAND_IN, number=2)
@pytest.mark.parametrize(
    ("part", "check"), [("users", "WPS403"), ("github", "WPS506"), ("deploys", "WPS507"), ("account", "WPS404")]
)
def test_a_verification_has_a_budget(part: str, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS and GitHub answer a byte now and then, which no timeout of a socket ends."""
    with silent.server(b"X", first=HEADERS) as port, lasting():
        result = gathered(3, part, monkeypatch, port)
    assert result["absent"][part].startswith("gave no answer within ")
    facts = verify_facts.facts(absent=result["absent"])
    without = {name: value for name, value in facts.parts.items() if name not in result["absent"]}
    found = planted.found(verify_check.run_checks(verify_check.chosen([check]), replace(facts, parts=without)))
    assert [*found] == [check]


def test_a_whole_run_ends_with_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also its first call, which asks AWS for the account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "testing")
    document: dict[str, Any] = {
        "application": "shop",
        "settings": {"A": {"secret": "shop/{environment}/core", "github": "secret"}},
    }
    document |= {"environments": {"test": {"expected_account_id": "123456789012", "region": "eu-west-3"}}}
    with silent.server(b"X", first=HEADERS) as port, lasting():
        address = f"http://127.0.0.1:{port}"
        document["github"] = {"repository": "example/shop", "api_url": address}
        given = {
            "catalog": document,
            "environment": "test",
            "budget": 6,
            "endpoint_url": address,
            "only": [],
            "skip": [],
        }
        unset = dict.fromkeys(("repository", "baseline", "jobs"))
        args = {**given, **unset, "workflow": "deploy.yml", "wildcards": False, "record_baseline": False}
        action = verify_info.ActionModule.__new__(verify_info.ActionModule)
        answer = action.result(args, {})
    reasons = {reason.partition(" within ")[0] for reason in answer["absent"].values()}
    assert {"users", "stores", "github"} <= set(answer["absent"])
    assert any(reason.startswith(("gave no answer", "was not reached")) for reason in reasons), reasons


def test_metrics_at_the_end_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(verify_report, "METRIC_SECONDS", 1)
    monkeypatch.setattr(Display, "warning", lambda _self, line, **_how: warnings.append(line))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    document = {"application": "shop", "settings": {"A": {"value": "x"}}, "alerts": {}}
    with silent.server(b"X", first=HEADERS) as port, lasting():
        args = {"region": "eu-west-3", "endpoint_url": f"http://127.0.0.1:{port}"}
        action = verify_report.ActionModule.__new__(verify_report.ActionModule)
        counts = dict.fromkeys(("pass", "fail", "not_checked", "not_applicable"), 0)
        action._measured(catalog_parser.parse(document, "test"), counts, args)
    assert warnings == ["no metrics were sent: no answer within 1 s"]


@pytest.mark.parametrize(
    ("first", "drip"), [(b"", b"a line before the banner\r\n"), (b"SSH-2.0-OpenSSH_9.9\r\n\0\0\x07\x04", b"\0")]
)
def test_an_ssh_connection_that_never_comes_to_an_end(first: bytes, drip: bytes, tmp_path: Path) -> None:
    with silent.server(drip, first=first) as port, lasting():
        connection = connection_loader.get("ssh", PlayContext(), None)
        known = f"-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile={tmp_path}/known"
        options = {"host": "127.0.0.1", "port": port, "timeout": 600, "reconnection_retries": 0}
        connection.set_options(direct={**options, "ssh_args": known, "control_path_dir": str(tmp_path)})
        with pytest.raises(AnsibleConnectionFailure, match="no answer within 2 s"):
            deadline.within(2, lambda: connection.exec_command("true", sudoable=False), connection)


def test_what_a_run_did_not_come_to_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent.server() as port, lasting():
        result = gathered(0, "users", monkeypatch, port)
    assert result["absent"]["users"] == "was not reached; the whole run has 0 s (-e verify_budget=SECONDS)"


def on_host(action: Any, **args: Any) -> dict[str, Any]:
    valid = remote_program.validated(action.module.ARGUMENT_SPEC, args)
    variables = {"ansible_python_interpreter": sys.executable, "secrets_host_timeout": 20}
    return remote_program.execute(Host(), action.module, args=valid, task_vars=variables, packages=True)  # type: ignore[arg-type]


def test_postgresql() -> None:
    with silent.server() as port, lasting():
        url = f"postgresql://shop_a:password@127.0.0.1:{port}/shop"
        answer = on_host(
            PostgresqlLoginAction, state="usable", login_url=url, login="shop_a", owner="shop", connect_timeout=2
        )
    assert (answer["failed"], answer["reason"]) == (True, "unreachable")


def test_valkey() -> None:
    with silent.server() as port, lasting():
        answer = on_host(ValkeyUserAction, state="tried", login_url=f"redis://app:password@127.0.0.1:{port}/0")
    assert answer["failed"]


def test_an_external_value() -> None:
    with silent.server(b"X", first=HEADERS) as port, lasting():
        request = {"url": f"http://127.0.0.1:{port}/", "headers": {}, "form": {}, "status": [200], "refused": [401]}
        tries = [{"server": "http", "current": request, "what": "", "id": "x", "former": [request]}]
        answer = on_host(ExternalValueAction, state="tried", tries=tries, timeout=1)
    assert answer["tried"]["x"]["state"] == "untried"
    assert "timed out" in answer["tried"]["x"]["message"]


@planted.mistakes("A server that is tried with a previous password", planted.STAND_IN, checks="WPS701", number=2)
@pytest.mark.parametrize(
    ("scheme", "first", "drip"),
    [
        ("redis", b"", b"+"),
        ("redis", b"+OK\r\n$900000\r\n", b"x"),
        ("redis", b"+OK\r\n*90000\r\n", b"+a\r\n"),
        ("postgresql", REQUESTS["none"], b"N\x00\x00\x00\x05\x00"),
    ],
    ids=["Valkey, a sign", "Valkey, a text", "Valkey, a list", "PostgreSQL, notices"],
)
def test_a_former_login_at_a_server_that_answers_a_byte_now_and_then(
    scheme: str, first: bytes, drip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cost the other servers their answers."""
    monkeypatch.setattr(revoked_logins, "SECONDS", 1)
    with silent.server(drip, first=first) as port, lasting():
        query = "" if scheme == "redis" else "?sslmode=disable"
        url = f"{scheme}://shop:password@127.0.0.1:{port}/0{query}"
        engine = "valkey" if scheme == "redis" else scheme
        entry = {"credential": "c", "server": engine, "current": url, "former": [url]}
        answer = revoked_logins.try_logins([entry], 1)["c"]
    assert answer["state"] == "untried"
    assert "no complete answer within 5 seconds" in answer["message"]
    assert [*verify_facts.judged("WPS701", former={"c": answer})] == ["WPS701"]


def test_former_logins() -> None:
    with silent.server() as port, lasting():
        url = f"postgresql://shop_a:password@127.0.0.1:{port}/shop"
        tries = [{"server": "postgresql", "credential": "database", "current": url, "former": [url]}]
        valid = remote_program.validated(revoked_logins_main.ARGUMENT_SPEC, {"tries": tries, "connect_timeout": 2})
        variables = {"ansible_python_interpreter": sys.executable}
        answer = remote_program.execute(Host(), revoked_logins_main, args=valid, task_vars=variables, packages=True)  # type: ignore[arg-type]
    assert answer["tried"]["database"]["state"] == "untried"
