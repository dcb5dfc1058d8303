# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another account of the controller listens where SSH's control socket would be, and is handed what ssh carries."""

from __future__ import annotations

import array
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import transport_guard

CANARY = b"canary-of-the-env-file"
HELLO, ALIVE, NEW = 1, 0x10000004, 0x10000002
IS_ALIVE, OPENED, ENDED = 0x80000005, 0x80000006, 0x80000004


class Master:
    """Speaks what ssh expects of a control master, and keeps the standard input that it is handed."""

    def __init__(self, path: Path) -> None:
        self.received = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _peer = self._listener.accept()
        self._answer(client, HELLO, 4)
        while head := client.recv(4, socket.MSG_WAITALL):
            body = client.recv(struct.unpack("!I", head)[0], socket.MSG_WAITALL)
            kind, request = struct.unpack("!II", body[:8])
            if kind == ALIVE:
                self._answer(client, IS_ALIVE, request, os.getpid())
            elif kind == NEW:
                handles = [self._handle(client) for _ in range(3)]
                self._answer(client, OPENED, request, 1)
                with os.fdopen(handles[0], "rb") as given:
                    self.received = given.read()
                for handle in handles[1:]:
                    os.close(handle)
                self._answer(client, ENDED, 1, 0)
                client.close()
                return

    @staticmethod
    def _answer(client: socket.socket, *numbers: int) -> None:
        body = struct.pack("!%dI" % len(numbers), *numbers)
        client.sendall(struct.pack("!I", len(body)) + body)

    @staticmethod
    def _handle(client: socket.socket) -> int:
        _data, ancillary, _flags, _peer = client.recvmsg(1, socket.CMSG_SPACE(4))
        return array.array("i", ancillary[0][2])[0]

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that every account may write, as /tmp is."""
    made = Path(f"/tmp/watchparty-secrets-test-{os.getpid()}")
    made.mkdir()
    made.chmod(0o1777)
    try:
        yield made
    finally:
        for path in made.iterdir():
            path.unlink()
        made.rmdir()


def connection(**options: Any) -> Any:
    made = connection_loader.get("ssh", PlayContext(), "/dev/null")
    made.set_options(var_options={"ansible_pipelining": True, **options})
    return made


def problem(**options: Any) -> str | None:
    return transport_guard.blocker(connection(**options), SimpleNamespace(async_val=0))


def test_the_attack(shared: Path) -> None:
    """ssh itself asks for no owner of the socket."""
    master = Master(shared / "any")
    try:
        argv = ["ssh", "-F", "none", "-o", f"ControlPath={shared}/any", "web1.invalid", "cat"]
        done = subprocess.run(argv, input=CANARY, capture_output=True, timeout=20, check=False)
        assert (done.returncode, master.received) == (0, CANARY), done.stderr
    finally:
        master.close()


@pytest.mark.parametrize(
    "options",
    [
        {"ansible_control_path_dir": "{shared}"},
        {"ansible_control_path_dir": "{shared}/to-be-made"},
        {"ansible_control_path": "{shared}/%%C"},
        {"ansible_ssh_common_args": "-o ControlPath={shared}/%h"},
        {"ansible_ssh_extra_args": '-o "controlpath {shared}/ssh-%r"'},
        {"ansible_ssh_args": "-oControlMaster=auto -oControlPath={shared}/%C"},
    ],
)
def test_nothing_is_sent_where_others_may_write(shared: Path, options: dict[str, str]) -> None:
    value = problem(**{name: text.format(shared=shared) for name, text in options.items()})
    assert value is not None
    assert value.startswith(f"other accounts may write to {shared}")
    assert "Set ANSIBLE_SSH_CONTROL_PATH_DIR" in value


def test_directories_above(shared: Path, tmp_path: Path) -> None:
    """Below a directory with the sticky bit nobody exchanges what is there; below another, anybody does."""
    shared.chmod(0o777)
    (shared / "own").mkdir(mode=0o700)
    try:
        assert str(problem(ansible_control_path_dir=str(shared / "own"))).startswith(
            f"other accounts may write to {shared},"
        )
        shared.chmod(0o1777)
        assert problem(ansible_control_path_dir=str(shared / "own")) is None
        (tmp_path / "link").symlink_to(shared)
        assert problem(ansible_control_path_dir=str(tmp_path / "link")) is not None
    finally:
        (shared / "own").rmdir()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ansible_control_path_dir": "{own}"},
        {"ansible_control_path_dir": "{own}/to-be-made"},
        {"ansible_control_path": "%(directory)s/%%h", "ansible_control_path_dir": "{own}"},
        {"ansible_ssh_args": "-o ControlPath=none"},
        {"ansible_ssh_args": "-o BatchMode=yes", "ansible_control_path_dir": "{shared}"},
    ],
)
def test_what_is_ones_own(
    shared: Path, tmp_path: Path, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert problem(**{name: text.format(shared=shared, own=tmp_path) for name, text in options.items()}) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: no directory of another account was used")
def test_a_directory_of_another_account(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, -1)
    assert str(problem(ansible_control_path_dir=str(tmp_path))).startswith(f"other accounts may write to {tmp_path}")
    os.chown(tmp_path, 0, 65534)
    tmp_path.chmod(0o770)
    assert str(problem(ansible_control_path_dir=str(tmp_path))).startswith(f"other accounts may write to {tmp_path}")
