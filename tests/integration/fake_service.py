# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service that starts at once and answers /health/ as its test says: ``fake_service.py restart DIRECTORY``.

A manager of services starts ``fake_service.py run DIRECTORY``, which stays in the foreground.

How it behaves is looked up in ``behaviour.json`` by the GENERATION in the ``.env`` it is started with, or by
``value:TEXT`` that this file has:

- ``ok`` (where nothing is said) answers 200; ``500``, ``redirect`` and ``slow`` listen and are not healthy;
- ``leak`` is a 500 whose JSON holds the whole ``.env``, as a debug page would;
- ``refuse`` starts and listens nowhere; ``fail`` makes the restart command itself fail.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

IDLE = 300
"""Seconds without a question after which a forgotten service ends."""
ANSWERS = {
    "ok": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /login/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


def restart(directory: Path) -> int:
    stop(directory)
    prepared = prepare(directory)
    if prepared is None:
        return 1
    generation, content, listener, answer = prepared
    child = os.fork()
    if child:
        record(directory, child, generation, content)
        return 0
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    serve(listener, answer)
    return 0


def run(directory: Path) -> int:
    prepared = prepare(directory)
    if prepared is None:
        return 1
    generation, content, listener, answer = prepared
    record(directory, os.getpid(), generation, content)
    serve(listener, answer)
    return 0


def prepare(directory: Path) -> tuple[str, bytes, socket.socket | None, bytes | None] | None:
    """The generation and content of its file, what it listens at and answers; None where its start fails."""
    content = (directory / ".env").read_bytes()
    match = re.search(rb"^GENERATION=['\"]?([^'\"\n]*)", content, re.M)
    generation = match.group(1).decode() if match else ""
    behaviours = json.loads((directory / "behaviour.json").read_text())
    behaviour = behaviours.get(generation) or next(
        (behaviours[key] for key in behaviours if _is_in(key, content)), "ok"
    )
    if behaviour == "fail":
        return None
    listener = None
    if behaviour != "refuse":
        listener = socket.create_server(("127.0.0.1", int((directory / "port").read_text())))
    return generation, content, listener, {**ANSWERS, "leak": leak(content)}.get(behaviour)


def _is_in(key: str, content: bytes) -> bool:
    return key.startswith("value:") and key.partition(":")[2].encode() in content


def record(directory: Path, pid: int, generation: str, content: bytes) -> None:
    result = {
        "pid": pid,
        "digest": hashlib.sha256(content).hexdigest(),
        "generation": generation,
        "at": time.time(),
        "restarts": state(directory).get("restarts", 0) + 1,
    }
    new = directory / "service.json.new"
    new.write_text(json.dumps(result))
    new.rename(directory / "service.json")


def leak(content: bytes) -> bytes:
    body = json.dumps({"error": content.decode()}).encode()
    head = f"HTTP/1.1 500 Error\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return head.encode() + b"\r\n\r\n" + body


def serve(listener: socket.socket | None, answer: bytes | None) -> None:
    """Answers every question; without an *answer* it takes connections and keeps them waiting."""
    if listener is None:
        time.sleep(IDLE)
        return
    listener.settimeout(IDLE)
    kept = []
    while True:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return
        if answer is None:
            kept.append(connection)
            continue
        with connection:
            connection.recv(65536)
            connection.sendall(answer)


def state(directory: Path) -> dict:
    try:
        return json.loads((directory / "service.json").read_text())
    except FileNotFoundError:
        return {}


def ours(pid: int, directory: Path) -> bool:
    """Whether this process is ours; its pid may have been used again."""
    try:
        return str(directory).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def ended(pid: int) -> bool:
    """Whether it has closed its port: a killed process loses its arguments before its sockets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def stop(directory: Path) -> None:
    pid = state(directory).get("pid")
    if pid is None or not ours(pid, directory):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while not ended(pid):
        time.sleep(0.01)


if __name__ == "__main__":
    place = Path(sys.argv[2])
    sys.exit({"restart": restart, "run": run, "stop": stop}[sys.argv[1]](place))
