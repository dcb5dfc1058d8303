# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the module tells of a directory of its own; it changes nothing, and no value leaves it."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    file_access,
    host_copies,
    host_facts,
)
from ansible_collections.watchparty.secrets.plugins.modules import host_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer
from tests import state
from tests.modules import run_module

Check = Callable[..., dict[str, Any]]
VALUE = "canary-value-of-the-api-token"
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir(mode=0o700)
    file = folder / ".env"
    file.write_text(f"API_TOKEN='{VALUE}'\nPORT='5432'\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def check(path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setattr(host_copies.pwd, "getpwall", list)

    def run(**args: Any) -> dict[str, Any]:
        before = {
            item: (item.read_bytes(), item.stat().st_mtime_ns) for item in path.parent.iterdir() if item.is_file()
        }
        answer, text = run_module(host_check.main, {"path": str(path), "places": [], **args}, capsys)
        after = {item: (item.read_bytes(), item.stat().st_mtime_ns) for item in path.parent.iterdir() if item.is_file()}
        assert before == after
        assert VALUE not in text
        assert not answer.get("changed")
        return answer

    return run


def access_list(path: Path, *named: tuple[int, int, int], mask: int = 4) -> None:
    entries = [(0x01, 6, 0xFFFFFFFF), *named, (0x04, 0, 0xFFFFFFFF), (0x10, mask, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))
    try:
        os.setxattr(path, file_access.ACL, data)
    except OSError as error:
        pytest.skip(f"no access lists on this file system: {error.strerror}")


def test_a_file_as_it_should_be(check: Check, path: Path) -> None:
    result = check()
    assert result["file"] | {"owner": ""} == {
        "exists": True,
        "path": str(path),
        "mode": "0600",
        "owner": "",
        "uid": os.geteuid(),
    }
    assert (result["acl"], result["strays"], result["units"], result["health"]) == ([], [], [], [])
    assert result["selinux"]["enabled"] is os.path.exists(host_facts.SELINUX)
    assert "fingerprints" not in result


def test_fingerprints_under_the_runs_key(check: Check) -> None:
    result = check(fingerprint_key="k")
    assert result["fingerprints"] == {
        "API_TOKEN": fingerprints.of_value("k", VALUE, name="API_TOKEN"),
        "PORT": fingerprints.of_value("k", "5432", name="PORT"),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe", "the file is not UTF-8"), (b"A='x\n", "the file cannot be parsed as its readers would")],
)
def test_a_file_that_cannot_be_read_as_settings(check: Check, path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    result = check(fingerprint_key="k")
    assert result["values_problem"] == message
    assert "fingerprints" not in result


def test_no_file(check: Check, path: Path) -> None:
    path.unlink()
    result = check(fingerprint_key="k", units=["web.service"])
    assert result["file"] == {"exists": False, "path": str(path)}
    assert result["values_problem"] == "there is no file"


def test_a_link_is_refused_with_the_remedy(check: Check, path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")
    result = check()
    assert "is a symbolic link" in result["file"]["problem"]
    assert not result["file"]["exists"]


def test_modes_of_the_file_and_of_what_lies_beside_it(check: Check, path: Path) -> None:
    path.chmod(0o640)
    healthy = state.put(state.backup(path), path.read_text())
    healthy.chmod(0o644)
    result = check()
    assert result["file"]["mode"] == "0640"
    assert [(companion["path"], companion["mode"]) for companion in result["companions"]] == [(str(healthy), "0644")]
    assert result["strays"] == []


def test_an_access_list_is_reported_and_is_no_mode(check: Check, path: Path) -> None:
    access_list(path, (0x02, 4, NOBODY))
    assert path.stat().st_mode & 0o070, "the mode shows the mask"
    result = check()
    assert result["file"]["mode"] == "0600"
    assert [(item["path"], item["may"]) for item in result["acl"]] == [(str(path), "read it")]
    assert result["acl"][0]["who"].startswith("user ")


def test_an_access_list_that_the_mask_shuts_is_none(check: Check, path: Path) -> None:
    access_list(path, (0x02, 4, NOBODY), mask=0)
    assert check()["acl"] == []


@pytest.mark.parametrize(
    "name", [".env.bak", ".env~", "..env.swp", "#.env#", ".env.old", "env.backup", ".env.tmp-1f", "_.env"]
)
def test_what_looks_like_a_copy(check: Check, path: Path, name: str) -> None:
    (path.parent / name).write_text("nothing")
    (path.parent / name).chmod(0o644)
    assert check()["strays"] == [{"path": str(path.parent / name), "mode": "0644", "why": "looks like a copy"}]


@pytest.mark.parametrize("name", [".env.example", ".env.sample", "environment.py", "env.py", ".envrc", "README"])
def test_what_does_not(check: Check, path: Path, name: str) -> None:
    (path.parent / name).write_text("SECRET_KEY=change_me")
    assert check(sensitive=["API_TOKEN"])["strays"] == []


def test_a_file_that_holds_a_value_is_a_copy_whatever_it_is_called(check: Check, path: Path) -> None:
    (path.parent / "deploy.log").write_text(f"token was {VALUE}\n")
    (path.parent / ".env.example").write_text(f"API_TOKEN={VALUE}\n")
    result = check(sensitive=["API_TOKEN", "PORT"])
    assert [(Path(stray["path"]).name, stray["why"]) for stray in result["strays"]] == [
        (".env.example", "holds API_TOKEN"),
        ("deploy.log", "holds API_TOKEN"),
    ]
    (path.parent / "ports.txt").write_text("5432")
    assert len(check(sensitive=["API_TOKEN", "PORT"])["strays"]) == 2, "short values are found everywhere"


# --- processes -------------------------------------------------------------------------------------------------------


def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int = 0) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{text}\nE\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "Failed to connect to bus",
            1,
            "systemctl failed with exit code 1; run systemctl on the host, and check that systemd is its init",
        ),
        ("", 0, "systemctl show did not list every unit"),
    ],
)
def test_no_units_with_the_reason(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int, message: str
) -> None:
    systemctl(tmp_path, monkeypatch, text, code)
    result = check(units=["web.service"])
    assert (result["units"], result["units_problem"]) == ([], message)


def test_without_systemd(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert check(units=["web.service"])["units_problem"] == "systemctl: No such file or directory"


# --- health ----------------------------------------------------------------------------------------------------------


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/") or 200))
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(VALUE.encode())

    def log_message(self, *_words: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as http_server:
        threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()


@pytest.mark.parametrize("status", [200, 302, 500])
def test_health(check: Check, server: str, status: int) -> None:
    (result,) = check(health=[f"{server}/{status}"])["health"]
    assert result["status"] == status
    assert "problem" not in result


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/", "no answer: Connection refused"),
        ("ftp://127.0.0.1/", "is not an http or https address"),
        ("http://127.0.0.1:x/", "is not an http or https address"),
        ("http:///", "is not an http or https address"),
        (f"http://{'a' * 64}.example/", health_check.UNENCODED),
        (f"https://{'a' * 64}.example/", health_check.UNENCODED),
        ("http://shop..example/", health_check.UNENCODED),
        ("https://.example/", health_check.UNENCODED),
        ("http://127.0.0.1:9/a b", health_check.UNPRINTABLE),
    ],
)
def test_no_health(url: str, message: str) -> None:
    assert health_check.ask_once(url, 2)["problem"] == message


def test_a_path_outside_of_ascii_is_named(server: str) -> None:
    result = health_check.ask_once(f"{server}/\u00e9t\u00e9", 2)
    assert (result["status"], result["problem"]) == (0, health_check.UNENCODED)


@pytest.mark.parametrize("value", ["token\r\nX-Other: 1", "token\n", "a\0b"])
def test_a_header_cannot_begin_another_one(server: str, value: str) -> None:
    result = health_check.ask_once(server, 2, headers={"Authorization": value})
    assert (result["status"], result["problem"]) == (0, health_check.UNPRINTABLE)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", health_check.NO_HTTP),
        (b"HTTP/1.1 2000 OK\r\n\r\n", health_check.NO_HTTP),
        (b"", "the server closed the connection"),
    ],
)
def test_an_answer_that_has_no_status(answer: bytes, message: str) -> None:
    with pytest.raises(OSError, match=message):
        health_check._status(io.BytesIO(answer), time.monotonic() + 60)


def test_the_status_is_the_final_answers() -> None:
    answer = b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.0 204 No Content\r\n\r\n"
    assert health_check._status(io.BytesIO(answer), time.monotonic() + 60) == 204


def test_one_that_never_answers_ends_in_time() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = health_check.ask_once(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.3)
    assert result["problem"].startswith("no answer: ")
    assert result["seconds"] < 30


def test_plain_http_behind_https(server: str) -> None:
    result = health_check.ask_once(server.replace("http", "https"), 2)
    assert result["problem"].startswith("no answer: ")
    assert json.dumps(result)


class TestManaged:
    """Services of another manager than systemd."""

    def rows(self, check: Check, folder: Path, **declared: Any) -> list[dict[str, Any]]:
        file = folder / "pid"
        file.write_text(str(os.getpid()))
        entry = {"service": "worker", "manager": "command", "restart": ["true"], "pid_file": str(file), **declared}
        units: list[dict[str, Any]] = host_answer.checked(check(managed=[entry]), host_check.RETURNS)["units"]
        return units

    def test_its_process_began_before_the_file(self, check: Check, tmp_path: Path) -> None:
        (row,) = self.rows(check, tmp_path)
        assert (row["unit"], row["manager"], row["is_up"], row["old"]) == ("worker", "command", True, True)
        assert row["pids"] == [os.getpid()]

    def test_it_is_down(self, check: Check, tmp_path: Path) -> None:
        (row,) = self.rows(check, tmp_path, status=["false"])
        assert not row["is_up"]

    def test_a_manager_that_cannot_be_asked(self, check: Check, tmp_path: Path) -> None:
        entry = {"service": "web", "manager": "runit", "units": ["web"], "directory": str(tmp_path)}
        (tmp_path / "web").mkdir()
        assert re.match(
            "sv cannot be run: |runit: .*web: unable to open supervise", check(managed=[entry])["units_problem"]
        )

    def test_health_by_command(self, check: Check) -> None:
        managed = [
            {"service": name, "manager": "systemd", "units": [], "health_command": ["true"], "user": user}
            for name, user in (("web", "root"), ("worker", "no-such-account"))
        ]
        web, worker = check(managed=managed)["health_commands"]
        assert web["problem"].startswith("services.web.health_command would run as root")
        assert worker == {"service": "worker", "problem": "this host has no account no-such-account"}
