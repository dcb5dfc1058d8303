# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an editor shows of a catalog: completion, hover and errors of the YAML language server, which VS Code uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "build" / "node" / "node_modules" / ".bin"
"""Of ``requirements/node.txt``, which scripts/bootstrap.sh installs where npm is."""
SCHEMA = ROOT / "docs" / "catalog.schema.json"
DOCUMENT = """\
secrets_catalog:
  application: shop
  settings:
    API_TOKEN:
      group: core
      # HERE
      sensitivity: hihg
"""
HERE, SENSITIVITY = {"line": 6, "character": 6}, {"line": 7, "character": 8}
"""Positions in the file, whose first line names the schema."""
PROGRAM = shutil.which("yaml-language-server", path=f"{INSTALLED}{os.pathsep}{os.environ.get('PATH', '')}")


class LanguageServer:
    """The program, asked with JSON-RPC on its standard input."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._number = 0
        self.errors: list[str] = []
        """Of the document, as the editor marks them."""

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while (message := self.read()).get("id") != self._number or "method" in message:
            pass
        return message["result"]

    def read(self) -> dict[str, Any]:
        """The next message; requests of the server get an empty answer."""
        output = self._process.stdout
        assert output
        length = 0
        while (line := output.readline().strip()) or not length:
            assert line, "the language server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        message: dict[str, Any] = json.loads(output.read(length))
        if "method" in message and "id" in message:
            self._send(
                {"id": message["id"], "result": [{}] if message["method"] == "workspace/configuration" else None}
            )
        if message.get("method") == "textDocument/publishDiagnostics":
            self.errors += [problem["message"] for problem in message["params"]["diagnostics"]]
        return message

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("editor") / "secrets_catalog.yml"
    text = f"# yaml-language-server: $schema={SCHEMA.as_uri()}\n{DOCUMENT}"
    path.write_text(text.replace("# HERE", ""), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def server(document: str) -> Iterator[LanguageServer]:
    if PROGRAM is None:
        pytest.skip("no editor's completion is tested: npm install --prefix build/node yaml-language-server")
    with subprocess.Popen([PROGRAM, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = LanguageServer(process)
        server.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        server.notify("initialized", {})
        text = Path(document.removeprefix("file://")).read_text(encoding="utf-8")
        item = {"languageId": "yaml", "version": 1, "uri": document, "text": text}
        server.notify("textDocument/didOpen", {"textDocument": item})
        yield server
        process.kill()


def test_errors_are_marked(server: LanguageServer) -> None:
    while not server.errors:
        server.read()
    assert len(server.errors) == 1
    assert '"high"' in server.errors[0]


def test_keys_are_completed(server: LanguageServer, document: str) -> None:
    answer = server.ask("textDocument/completion", {"textDocument": {"uri": document}, "position": HERE})
    items = answer["items"] if isinstance(answer, dict) else answer
    assert {"parameter", "required", "type"} <= {item["label"] for item in items}


def test_a_key_is_described(server: LanguageServer, document: str) -> None:
    answer = server.ask("textDocument/hover", {"textDocument": {"uri": document}, "position": SENSITIVITY})
    text = answer["contents"]["value"]
    assert "How secret the value is" in text
    assert "* `medium`" in text
