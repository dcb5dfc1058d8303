# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an application answers at its health address costs the controller neither memory nor time."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.external_health import problem_of
from sandbox.process import REPOSITORY

pytestmark = pytest.mark.servers
MOST = 64 * 1024
"""KiB by which this process may grow."""
HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def answering(send: Callable[[socket.socket], None]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                with client, contextlib.suppress(OSError):
                    client.recv(4096)
                    send(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def sends(text: bytes) -> Callable[[socket.socket], None]:
    return lambda client: client.sendall(text)


def endless(status: bytes, data: bytes = b"\r\n", each: bytes = b"x" * 65536) -> Callable[[socket.socket], None]:
    def send(client: socket.socket) -> None:
        client.sendall(HEAD % status + data)
        while True:
            client.sendall(each)

    return send


def dripping(client: socket.socket) -> None:
    for _at in range(1000):
        client.sendall(b"H")
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (endless(b"200 OK"), 200),
        (endless(b"500 No"), 500),
        (endless(b"200 OK", b"Content-Encoding: gzip\r\n\r\n"), 200),
        (endless(b"200 OK", b"", b"X-More: x\r\n" * 1000), 0),
        (endless(b"200 OK", b"X-More: "), 0),
        (sends(HEAD % b"302 Found" + b"Location: http://127.0.0.1:1/\r\n\r\n"), 302),
        (sends(b"\x1b[2Jnonsense\r\n\r\n"), 0),
        (sends(HEAD % b"999999 \x1b[2J" + b"\r\n"), 0),
        (sends(b""), 0),
        (dripping, 0),
    ],
)
def test_an_answer(send: Callable[[socket.socket], None], status: int) -> None:
    """ansible.builtin.uri was seen to take 600 MB of memory a second, and to register the body."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with answering(send) as url:
        problem = problem_of(url.replace("//", "//me:canary@") if status == 500 else url, 4)
    assert time.monotonic() - began < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST
    assert (not problem) == (status == 200)
    assert not status or status == 200 or problem.endswith(f"HTTP status {status}")
    assert problem.isprintable()
    assert len(problem) < 1000
    assert "canary" not in problem


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://[", "http://127.0.0.1:x/"]
)
def test_no_address(url: str) -> None:
    assert problem_of(url, 2)


def test_no_role_asks_an_application_or_a_host_by_a_module_that_takes_whatever_is_answered() -> None:
    """Of ``raw`` and ``wait_for_connection`` Ansible prints a host's error as it is."""
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "roles").glob("*/**/*.yml")]
    assert texts
    unbounded = ("ansible.builtin.uri", "get_url", "ansible.builtin.raw", "wait_for_connection")
    assert not [name for name in unbounded for text in texts if name in text]
