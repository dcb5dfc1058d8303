# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of GitHub's API that never end or are not answers, and what a repository puts where workflows are."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import github_actions_secrets
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import http as github_http
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import token as github_token
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_references
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.api import GitHubStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.http import Api, Http, HttpResponse

FOLDER = ".github/workflows"


class Fixed(Http):
    """Answers by the path's end; the same to everything else."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.count = 0

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        self.count += 1
        path = url.partition("?")[0]
        answers = next((answer for end, answer in self.answers.items() if path.endswith(end)), b"")
        return HttpResponse(200, {}, answers if isinstance(answers, bytes) else json.dumps(answers).encode())


def store(http: Http, url: str = "https://api.github.com") -> GitHubStore:
    api = Api(http, url=url, token="token", sleep=time.sleep, clock=time.time)
    return GitHubStore(api, GitHub("example/shop", "production"), seal=lambda _key, _value: "")


@pytest.mark.parametrize(
    "answer",
    [b"<html>log in</html>", b"\xff", {}, [], {"secrets": 1, "total_count": 1}, {"secrets": [], "total_count": "x"}],
)
def test_what_is_no_answer_of_the_api(answer: Any) -> None:
    with pytest.raises(StoreError, match=r"does not come from GitHub's API; correct github\.api_url"):
        store(Fixed({"": answer})).listed("secret", "repository")


def test_pages_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_http, "PAGES", 3)
    http = Fixed({"": {"secrets": [{"name": "A", "updated_at": "now"}], "total_count": 10**9}})
    with pytest.raises(StoreError, match="more than 3 pages"):
        store(http).listed("secret", "repository")
    assert http.count == 3


@pytest.fixture
def endless() -> Iterator[tuple[str, SimpleNamespace]]:
    """A server whose answer goes on until the client leaves."""
    how = SimpleNamespace(status=200, part=b"x" * 65536, pause=0.0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(how.status)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(how.part)
                    time.sleep(how.pause)
            except OSError:
                pass

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", how
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "part", "pause"), [(200, b"x" * 65536, 0), (404, b"x" * 65536, 0), (200, b"x", 0.1)]
)
def test_a_body_without_end(
    endless: tuple[str, SimpleNamespace], monkeypatch: pytest.MonkeyPatch, status: int, part: bytes, pause: float
) -> None:
    url, how = endless
    how.status, how.part, how.pause = status, part, pause
    monkeypatch.setattr(github_token, "BODY_BYTES", 1 << 20)
    monkeypatch.setattr(github_token, "WHOLE", 1)
    with pytest.raises(StoreError, match="the answer is longer than 1 MiB or takes longer than 1 s"):
        store(github_token.OpenUrl(), url).repository_id()


def test_a_folder_that_is_called_like_a_workflow() -> None:
    names = {"a.yml": "file", "folder.yml": "dir", "link.yml": "symlink", "module.yml": "submodule"}
    listed = [{"name": name, "path": f"{FOLDER}/{name}", "type": kind} for name, kind in names.items()]
    file = {"path": f"{FOLDER}/a.yml", "type": "file", "encoding": "base64", "content": "YTogMQo="}
    git_hub_store = store(Fixed({FOLDER: listed, "a.yml": file, "folder.yml": [], "link.yml": {}, "module.yml": {}}))
    assert git_hub_store.workflows() == {f"{FOLDER}/a.yml": "a: 1\n"}


def test_a_workflow_that_is_too_large_does_not_seem_empty() -> None:
    """What it reads would seem to be read by nobody, and be removed."""
    file = {"name": "a.yml", "path": f"{FOLDER}/a.yml", "type": "file", "encoding": "none", "content": ""}
    with pytest.raises(StoreError, match=r"a\.yml: is too large for a workflow"):
        store(Fixed({FOLDER: [file], "a.yml": file})).workflows()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / FOLDER).mkdir(parents=True)
    return tmp_path


def local(checkout: Path) -> dict[str, str]:
    github: Any = SimpleNamespace(workflows=dict)
    return github_actions_secrets._workflows({"checkout": str(checkout)}, github)


def test_a_checkout_of_pipes_and_devices(checkout: Path) -> None:
    os.mkfifo(checkout / FOLDER / "pipe.yml")
    (checkout / FOLDER / "zero.yml").symlink_to("/dev/zero")
    (checkout / FOLDER / "a.yml").write_text("a: 1\n")
    assert {Path(name).name: text for name, text in local(checkout).items() if text} == {"a.yml": "a: 1\n"}


def test_a_checkout_with_a_huge_file(checkout: Path) -> None:
    with open(checkout / FOLDER / "a.yml", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(StoreError, match="too large"):
        local(checkout)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_checkout_that_cannot_be_read_does_not_seem_empty(checkout: Path) -> None:
    (checkout / FOLDER / "a.yml").touch(mode=0)
    with pytest.raises(StoreError, match="cannot be read: Permission denied"):
        local(checkout)


def test_lines_without_end_are_read_once() -> None:
    began = time.process_time()
    workflow_references.without_environment({"a.yml": "\n" * 500_000})
    assert time.process_time() - began < 5
