# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As it runs on a host: an interpreter of its own, fed on standard input, with nothing of the collection installed."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._host import runtime
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle, remote_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier
from tests.integration.postgresql_login.shop import Shop


def on_host(seen: list[bytes], **args: Any) -> dict[str, Any]:
    """Runs the module and collects the command lines and environments that the machine shows of it meanwhile."""
    document = {
        "runtime": remote_program._source(runtime),
        "sources": program_bundle.sources(postgresql_main),
        "main": postgresql_main.__name__,
        "params": remote_program.validated(postgresql_main.ARGUMENT_SPEC, args),
        "check_mode": False,
        "diff": False,
    }
    command = [sys.executable, "-I", "-c", remote_program._BOOT]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def watch() -> None:
        while process.poll() is None:
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    seen.append(Path(f"/proc/{process.pid}/{name}").read_bytes())
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    stdout, stderr = process.communicate(json.dumps(document).encode())
    watcher.join()
    answer: dict[str, Any] = remote_program._parsed(
        {"stdout": stdout.decode(), "stderr": stderr.decode(), "rc": process.returncode},
        postgresql_main.RETURNS,
        "web1",
    )
    assert not answer.get("failed"), answer
    return answer


def test_a_rotation_by_a_host(shop: Shop) -> None:
    seen: list[bytes] = []
    new = shop.args(shop.second)
    verifier = scram_verifier(shop.passwords[shop.second], secrets.token_bytes(16))
    answers = [
        on_host(seen, state="present", verifier=verifier, like=shop.first, **new),
        on_host(seen, state="usable", **new),
        on_host(seen, state="revoked", **shop.args(shop.first)),
    ]
    assert [answer["changed"] for answer in answers] == [True, False, True]
    assert (shop.accepts(shop.first), shop.accepts(shop.second)) == (False, True)
    output = b"".join(seen) + json.dumps(answers).encode()
    hidden = [*shop.passwords.values(), verifier, shop.server.admin_url_of()]
    assert not [value for value in hidden if value.encode() in output]
