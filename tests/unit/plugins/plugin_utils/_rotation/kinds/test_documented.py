# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The example in docs/how-to/write-a-rotation-kind.md does what it says, at either place and when repeated."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds, stages_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages, Part
from sandbox.process import REPOSITORY
from tests.unit.plugins.plugin_utils._rotation.kinds.test_own import BOTH, part
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World

PAGE = (REPOSITORY / "docs" / "how-to" / "write-a-rotation-kind.md").read_text(encoding="utf-8")
URL = "https://mail.example.com"


class Provider(BaseHTTPRequestHandler):
    """A mailbox with passwords."""

    passwords: set[str]

    def _signed_in(self) -> bool:
        login = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
        assert self.path == f"/mailboxes/{login.partition(':')[0]}/passwords"
        return login.partition(":")[2] in self.passwords

    def _password(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["password"])

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def do_GET(self) -> None:
        self._answer(200 if self._signed_in() else 401)

    def do_POST(self) -> None:
        password = self._password()
        self._answer(401 if not self._signed_in() else 409 if password in self.passwords else 201)
        self.passwords.add(password)

    def do_DELETE(self) -> None:
        password = self._password()
        self._answer(401 if not self._signed_in() else 204 if password in self.passwords else 404)
        self.passwords.discard(password)

    def log_message(self, *_arguments: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def provider() -> Iterator[type[Provider]]:
    Provider.passwords = {"old-token"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Provider.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    try:
        yield Provider
    finally:
        server.shutdown()
        server.server_close()


def block(language: str) -> str:
    return PAGE.partition(f"```{language}\n")[2].partition("```\n")[0]


@pytest.fixture
def world() -> World:
    made = World()
    credential = replace(made.catalog.credentials["token"], options={"mailbox": "orders"})
    made.catalog = replace(made.catalog, credentials={**made.catalog.credentials, "token": credential})
    made.created(made.begun("token"))
    return made


@pytest.fixture
def mailbox(tmp_path: Path, provider: type[Provider], runs_on: str) -> KindStages:
    """The kind as the page has it, but for the provider's address."""
    folder = tmp_path / "mailbox"
    folder.mkdir()
    declared = {**yaml.safe_load(block("yaml")), "runs_on": runs_on}
    (folder / "kind.yml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    assert URL in block("python")
    text = block("python").replace(URL, provider.url)  # type: ignore[attr-defined]
    (folder / "kind").write_text(text.replace("/usr/bin/env python3", "/usr/bin/python3"), encoding="utf-8")
    (folder / "kind").chmod(0o755)
    return stages_for(load_kinds([tmp_path])["mailbox"])


@BOTH
def test_forward(world: World, mailbox: KindStages, provider: type[Provider]) -> None:
    result: Part = part(world)
    mailbox.check(result)
    with pytest.raises(RotationError, match=r"^the provider answers test with status 401$"):
        mailbox.test(result)
    for _time in range(2):
        assert mailbox.set(result) == {"message": "done", "notes": None}
    mailbox.test(result)
    assert provider.passwords == {"old-token", "new-token"}
    for _time in range(2):
        mailbox.revoke(result)
    assert provider.passwords == {"new-token"}
    with pytest.raises(RotationError, match="the provider answers check with status 401"):
        mailbox.check(result)


@BOTH
def test_rolled_back(world: World, mailbox: KindStages, provider: type[Provider]) -> None:
    mailbox.set(part(world))
    world.rotator().advance("withdraw")
    for _time in range(2):
        mailbox.revoke(part(world))
    assert provider.passwords == {"old-token"}
