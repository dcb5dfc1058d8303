# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sockets that wait for others, of this machine and of one below a folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import listeners

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(place: str, state: str, inode: int, uid: int = 0) -> str:
    return f"   0: {place} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  {uid}  0 {inode} 1 x 100\n"


def names() -> list[str]:
    return [listener.name for listener in listeners.listeners()]


def bound(kind: int, first: int) -> socket.socket:
    """One at the first port that is free."""
    for port in range(first, first + 500):
        made = socket.socket(socket.AF_INET, kind)
        try:
            made.bind(("127.0.0.1", port))
        except OSError:
            made.close()
            continue
        return made
    raise AssertionError(first)


def test_this_machine() -> None:
    program = listeners._program(os.getpid())
    assert not program[-1].isdigit(), "an upgrade changes no name"
    with ExitStack() as opened:
        fixed = opened.enter_context(closing(bound(socket.SOCK_STREAM, 21000)))
        udp = opened.enter_context(closing(bound(socket.SOCK_DGRAM, 21000)))
        client = opened.enter_context(closing(socket.socket(type=socket.SOCK_DGRAM)))
        opened.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        fixed.listen()
        client.bind(("127.0.0.1", 0))
        wanted = f"tcp 127.0.0.1:{fixed.getsockname()[1]}"
        found = [listener for listener in listeners.listeners() if listener.name == wanted]
        assert [(listener.program, listener.uid) for listener in found] == [(program, str(os.getuid()))]
        assert f"tcp 127.0.0.1:any free port, by {program}, uid {os.getuid()}" in names()
        assert f"udp 127.0.0.1:{udp.getsockname()[1]}" in names()
        assert not [name for name in names() if name.startswith("udp") and "any free port" in name]


def test_a_program_that_inherited_a_socket() -> None:
    with closing(bound(socket.SOCK_STREAM, 21600)) as server:
        server.listen()
        server.set_inheritable(True)
        wanted = f"tcp 127.0.0.1:{server.getsockname()[1]}"
        with subprocess.Popen(["sleep", "9"], close_fds=False) as child:
            (found,) = [listener for listener in listeners.listeners() if listener.name == wanted]
            child.kill()
    assert found.program == listeners._program(os.getpid())


@pytest.mark.skipif(sys.byteorder != "little", reason="the addresses are those of such a machine")
def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    folder = tmp_path / "net"
    folder.mkdir()
    tcp = [line("0100007F:1F90", "0A", 1), line("0100007F:1F91", "01", 2), line("00000000:FFFF", "0A", 3)]
    (folder / "tcp").write_text(HEADER + "".join(tcp))
    tcp6 = [line("0" * 32 + ":0016", "0A", 4), line("000080FE00000000FF00000001000000:0222", "0A", 5, uid=7)]
    (folder / "tcp6").write_text(HEADER + "".join(tcp6))
    (folder / "udp").write_text(HEADER + line("00000000:0044", "07", 6) + line("00000000:C350", "07", 7))
    assert names() == [
        "tcp 0.0.0.0:65535",
        "tcp 127.0.0.1:8080",
        "tcp [::]:22",
        "tcp [link-local]:546",
        "udp any address:68",
    ]
    (tmp_path / "sys/net/ipv4").mkdir(parents=True)
    (tmp_path / "sys/net/ipv4/ip_local_port_range").write_text("1024\t65535\n")
    assert "tcp 127.0.0.1:any free port, by the kernel, uid 0" in names()


def test_programs_of_two_accounts_with_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    (tmp_path / "net").mkdir()
    lines = [line("0100007F:FFFE", "0A", 1), line("0100007F:9C40", "0A", 2), line("0100007F:9C41", "0A", 3, uid=1000)]
    (tmp_path / "net/tcp").write_text(HEADER + "".join(lines))
    found = listeners.listeners()
    assert len({listener.name for listener in found}) == 3
    assert [listener.facts for listener in found] == ["the kernel, uid 0", "the kernel, uid 1000", "the kernel, uid 0"]


def test_a_program_with_too_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look like the kernel."""
    with closing(bound(socket.SOCK_STREAM, 22200)) as server:
        server.listen()
        wanted = f"tcp 127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(listeners, "MOST_FILES", 0)
        (found,) = [listener for listener in listeners.listeners() if listener.name == wanted]
    assert found.program == listeners.UNKNOWN


def test_ports_that_differ_at_each_session_or_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    (tmp_path / "net").mkdir()
    monkeypatch.setattr(listeners, "_owners", lambda inodes: ({inode: int(inode) for inode in inodes}, True))
    monkeypatch.setattr(listeners, "_program", ["", "sshd", "dnsmasq", "networkd", "nc", "sshd"].__getitem__)
    monkeypatch.setattr(listeners, "_is_of_system", lambda pid: pid != 5)
    monkeypatch.setattr(processes, "start_time", lambda _pid: 1.0)
    tcp = [("0100007F:177A", 1), ("0100007F:177A", 4), ("0100007F:177B", 5), ("00000000:177A", 1), ("00000000:0016", 1)]
    (tmp_path / "net/tcp").write_text(HEADER + "".join(line(place, "0A", inode) for place, inode in tcp))
    udp = [("00000000:0400", 2), ("00000000:0035", 2), ("00000000:0400", 4), ("0501000A:0044", 3)]
    (tmp_path / "net/udp").write_text(HEADER + "".join(line(place, "07", inode) for place, inode in udp))
    assert [(listener.name, listener.program) for listener in listeners.listeners()] == [
        ("tcp 0.0.0.0:22", "sshd"),
        ("tcp 0.0.0.0:6010", "sshd"),
        ("tcp 127.0.0.1:6010", "nc"),
        ("tcp 127.0.0.1:6011", "sshd"),
        ("udp 0.0.0.0:53", "dnsmasq"),
        ("udp 0.0.0.0:1024", "nc"),
        ("udp any address:68", "networkd"),
    ]


def test_a_program_that_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    for pid, target in enumerate(["/usr/sbin/sshd (deleted)", "/usr/bin/python3.11", "/x/7", "/usr/bin/php-fpm8.2"]):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "exe").symlink_to(target)
    assert [listeners._program(pid) for pid in range(5)] == ["sshd", "python", "7", "php-fpm", ""]
