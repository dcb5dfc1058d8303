# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real RabbitMQ server with its management API and an administrator."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from .binaries import Binaries, BinaryServer, find_rabbitmq
from .process import Process, free_port, write_private

ADMINISTRATOR = "boss"


class RabbitMQ(BinaryServer):
    """A node whose data are removed at its end. ``port`` is the management API's, ``amqp`` that of AMQP. With a
    *certificate* (a PEM file with its key) both speak TLS at further ports.

    It needs no epmd, Erlang's directory of nodes: ``-erl_epmd_port`` gives the node's port.
    """

    def __init__(self, *, certificate: Path | None = None) -> None:
        super().__init__()
        self.password = secrets.token_hex(12)
        self.amqp = self.tls_port = self.tls_amqp = 0
        self._certificate = certificate

    def _find(self) -> Binaries:
        return find_rabbitmq()

    def _prepare(self) -> None:
        self._write("enabled_plugins", "[rabbitmq_management,rabbitmq_federation].")
        self._write(".erlang.cookie", secrets.token_hex(20))
        salt = secrets.token_bytes(4)
        hashed = base64.b64encode(salt + hashlib.sha256(salt + self.password.encode()).digest()).decode()
        administrator = {"name": ADMINISTRATOR, "password_hash": hashed, "tags": ["administrator"]}
        definitions = {
            "users": [{**administrator, "hashing_algorithm": "rabbit_password_hashing_sha256"}],
            "vhosts": [{"name": "/"}],
        }
        self._write("definitions.json", json.dumps(definitions))
        if self._certificate:
            self._write("tls.pem", self._certificate.read_text(encoding="ascii"))

    def _write(self, name: str, text: str) -> None:
        write_private(self.directory / name, text, self.user)

    def _settings(self) -> str:
        lines = [
            f"listeners.tcp.1 = {self.host}:{self.amqp}",
            f"management.tcp.ip = {self.host}",
            f"management.tcp.port = {self.port}",
            f"definitions.local.path = {self.directory / 'definitions.json'}",
            "definitions.import_backend = local_filesystem",
            "log.console = true",
            "log.console.level = warning",
            "log.file = false",
        ]
        if self._certificate:
            pem = self.directory / "tls.pem"
            lines += [f"listeners.ssl.1 = {self.host}:{self.tls_amqp}", f"management.ssl.ip = {self.host}"]
            lines += [f"management.ssl.port = {self.tls_port}"]
            for name in ("ssl_options", "management.ssl"):
                lines += [f"{name}.certfile = {pem}", f"{name}.keyfile = {pem}", f"{name}.cacertfile = {pem}"]
            lines += ["ssl_options.verify = verify_none", "ssl_options.fail_if_no_peer_cert = false"]
        return "\n".join(lines) + "\n"

    def _launch(self) -> Process:
        self.amqp, self.tls_port, self.tls_amqp, distribution = (free_port(self.host) for _port in range(4))
        self._write("rabbitmq.conf", self._settings())
        node, folder = "sandbox@localhost", self.directory
        erlang = f"-sname {node} -start_epmd false -erl_epmd_port {distribution}"
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return self._process(
            str(self._programs.paths["server"]),
            HOME=str(folder),
            ERL_AFLAGS="-start_epmd false",  # also for the programs that it starts
            ERL_EPMD_ADDRESS=self.host,
            RABBITMQ_NODENAME=node,
            RABBITMQ_CONF_ENV_FILE="/dev/null",
            RABBITMQ_CONFIG_FILE=str(folder / "rabbitmq.conf"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(folder / "enabled_plugins"),
            RABBITMQ_MNESIA_BASE=str(folder / "data"),
            RABBITMQ_LOG_BASE=str(folder / "log"),
            RABBITMQ_GENERATED_CONFIG_DIR=str(folder / "generated"),
            RABBITMQ_PID_FILE=str(folder / "pid"),
            RUNNING_UNDER_SYSTEMD="1",  # or the program is a shell that waits for the server
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=f"{erlang} {loopback} +S 1:1 +sbwt none",
        )

    def _ready(self) -> bool:
        try:
            return self.asked("GET", "/health/checks/port-listener/" + str(self.amqp))[0] == 200
        except OSError:
            return False

    def asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Sends the administrator's request to the management API. Returns its status and answer."""
        login = base64.b64encode(f"{ADMINISTRATOR}:{self.password}".encode()).decode()
        connection = HTTPConnection(self.host, self.port, timeout=10)
        try:
            content = None if body is None else json.dumps(body)
            headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
            connection.request(method, f"/api{path}", content, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()
