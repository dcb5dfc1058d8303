# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a read of many secrets in Vault takes behind a network: their number does not count."""

from __future__ import annotations

import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_client
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_secrets import VaultSecrets
from sandbox.network import TYPICAL
from tests.integration.counts import say
from tests.integration.vault_lab import VaultLab

pytestmark = pytest.mark.servers
SECRETS = 24
NAMES = [f"vault:watchparty/production/s{number}" for number in range(SECRETS)]
ROUND_TRIP = TYPICAL.round_trip + TYPICAL.service_time


class Behind:
    """The server behind the network that the sandbox puts before AWS.

    It answers none before all have come. What was asked before is answered from ``kept``, so that its own work takes
    no time.
    """

    def __init__(self, lab: VaultLab, kept: dict[str, bytes]) -> None:
        opener, address, all_are_here = lab.server._opener(), lab.server.address, threading.Barrier(SECRETS, timeout=30)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                time.sleep(TYPICAL.connection)

            def do_GET(self) -> None:
                all_are_here.wait()
                time.sleep(TYPICAL.round_trip / 2 + TYPICAL.service_time)
                if self.path not in kept:
                    token = {"X-Vault-Token": self.headers["X-Vault-Token"]}
                    with opener.open(urllib.request.Request(address + self.path, headers=token)) as answer:
                        kept[self.path] = answer.read()
                time.sleep(TYPICAL.round_trip / 2)
                body = kept[self.path]
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

            def log_message(self, *_words: Any) -> None:
                """Nothing: the test's output is for the test."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 2 * SECRETS

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultLab]:
    with VaultLab(tmp_path_factory.mktemp("vault")) as started:
        for number in range(SECRETS):
            started.put(f"watchparty/production/s{number}", key="x")
        yield started


def test_trusted_certificates_are_loaded_once(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not for each connection; the file of public authorities takes 6 ms of the processor's time."""
    loads, load = [], ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *args, **more: loads.append(args) or load(*args, **more)
    )
    vault = lab.vault()
    loads.clear()
    began = time.process_time()
    assert len(VaultSecrets(vault_client.connect(vault)).read(NAMES).readings) == SECRETS
    say(f"{SECRETS} secrets over TLS: {time.process_time() - began:.3f} s of processor time")
    assert len(loads) == 1


def test_many_reads_are_under_way_at_once(lab: VaultLab) -> None:
    """So they take one connection's time and one call's, and the processor's, which is printed."""
    token, seconds = lab.token_file(), []
    kept: dict[str, bytes] = {}
    for _try in range(5):
        behind = Behind(lab, kept)
        try:
            client = vault_client.connect(Vault(behind.address, "token", token_file=str(token)))
            began = time.monotonic()
            found = VaultSecrets(client).read(NAMES)
            seconds.append(time.monotonic() - began)
        finally:
            behind.close()
        assert len(found.readings) == SECRETS
    least = ROUND_TRIP + TYPICAL.connection
    trips = f"{min(seconds) / ROUND_TRIP:.1f} round trips, at least {least / ROUND_TRIP:.1f}"
    say(f"{SECRETS} secrets in one call each: {min(seconds):.3f} s, {trips}")
