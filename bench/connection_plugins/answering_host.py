# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to ``bench.answering_hosts``, which runs a host's programs."""

from __future__ import annotations

import os
import socket
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: answering_host
short_description: Hosts of the bench
description: One process stands for all hosts.
author: The watchparty.secrets contributors
options: {}
"""


class Connection(ConnectionBase):
    transport = "answering_host"
    has_pipelining = True
    always_pipeline_modules = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.environ["BENCH_HOSTS"])
            client.sendall(cmd.encode() + b"\0" + (in_data or b""))
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        return 0, answer, b""

    def put_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._connected = False

    def reset(self) -> Any:
        return None
