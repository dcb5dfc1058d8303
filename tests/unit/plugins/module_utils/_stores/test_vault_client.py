# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server is no Vault, or a hostile one: its answers are seen in our words, and the token goes nowhere else."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib3.util import retry

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, SecretsError, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_client, vault_http
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_secrets import VaultSecrets

TOKEN = "canary-token-of-vault"
NAME = "vault:shop/production/core"
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """Answers every request by one function; keeps what it was sent."""

    answer: Callable[[str], Answer]
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and token of each request."""
    bodies: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Server:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                served.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                served.asked.append((self.command, self.path, self.headers.get("X-Vault-Token", "")))
                status, headers, body = served.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):  # the client has had enough
                    self.wfile.write(body)

            do_GET = do_POST = do_PATCH = _any  # noqa: N815

            def log_message(self, *_words: Any) -> None:
                """Nothing: the test's output is for the test."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


def json_answer(document: Any, status: int = 200) -> Callable[[str], Answer]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda _path: (status, {"Content-Type": "application/json"}, body)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited between its tries."""
    found: list[float] = []
    monkeypatch.setattr(retry, "time", SimpleNamespace(sleep=found.append, time=time.time))
    return found


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with Server(json_answer({"data": {}})) as server:
        yield server


def store(server: Server, token: Path, **options: Any) -> VaultSecrets:
    return VaultSecrets(vault_client.connect(Vault(server.address, "token", token_file=str(token), **options)))


METADATA = {"version": 3, "custom_metadata": None}
SHAPES: dict[str, Any] = {
    "html": b"<html>canary</html>",
    "list": [],
    "text": "canary",
    "nothing": b"",
    "not UTF-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "twice": b'{"data": {}, "data": {}}',
    "no data": {},
    "null": {"data": None},
    "data is a list": {"data": []},
    "without metadata": {"data": {"data": {"a": "canary"}}},
    "values are a list": {"data": {"data": ["canary"], "metadata": METADATA}},
    "values are a text": {"data": {"data": "canary", "metadata": METADATA}},
    "version is a text": {"data": {"data": {"a": "canary"}, "metadata": {**METADATA, "version": "canary"}}},
    "custom metadata is a list": {
        "data": {"data": {"a": "x"}, "metadata": {**METADATA, "custom_metadata": ["canary"]}}
    },
    "KV version 1": {"data": {"KEY": "canary"}},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("act", ["read", "describe", "every_version"])
def test_a_wrong_shape_is_an_error_without_its_words(token: Path, shape: Any, act: str) -> None:
    with Server(json_answer(shape)) as server:
        secrets = store(server, token)
        with pytest.raises(StoreError, match=r"Vault's answer to|not a JSON object") as error:
            secrets.read([NAME]) if act == "read" else getattr(secrets, act)(NAME)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("act", ["read", "create"])
def test_a_redirect_is_not_followed(token: Path, elsewhere: Server, status: int, act: str) -> None:
    def answer(path: str) -> Answer:
        return status, {"Location": f"{elsewhere.address}{path}"}, b""

    with Server(answer) as server:
        secrets = store(server, token)
        with pytest.raises(NoAccess, match=r"was redirected .*, and redirects are not followed"):
            secrets.read([NAME]) if act == "read" else secrets.create(NAME, "{}", version="v1")
    assert elsewhere.asked == []


def test_nothing_of_the_environment_takes_part(
    token: Path, elsewhere: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password canary-of-netrc\n")
    for name in ("VAULT_ADDR", "BAO_ADDR", "http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.address)
    monkeypatch.setenv("VAULT_TOKEN", "canary-of-the-environment")
    monkeypatch.setenv("VAULT_NAMESPACE", "canary")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Server(json_answer({"data": {"data": {"a": "x"}, "metadata": METADATA}})) as server:
        assert store(server, token).read([NAME]).readings[NAME].version == "3"
        assert server.asked == [("GET", "/v1/secret/data/shop/production/core", TOKEN)]
    assert elsewhere.asked == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_huge_answer_is_cut_off(token: Path, packed: bool) -> None:
    body = b" " * (64 * 1024 * 1024)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    body = gzip.compress(body) if packed else body
    with (
        Server(lambda _path: (200, headers, body)) as server,
        pytest.raises(NoAccess, match=r"reading secret .* failed: the answer is larger than 4 MiB"),
    ):
        store(server, token).read([NAME])


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 200 OK\r\nX-Canary: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_an_answer_that_never_ends_is_given_up(token: Path, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    """A byte now and then, in the head or in the body: the socket's own timeout is never met."""
    monkeypatch.setattr(vault_http, "WHOLE_ANSWER", 0.5)
    enough, ended = threading.Event(), threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _address = listener.accept()
        connection.sendall(first)
        for _second in range(100):
            if not enough.wait(0.1):
                connection.sendall(b" ")
        ended.set()
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=[listener], daemon=True).start()
        vault = Vault(f"http://127.0.0.1:{listener.getsockname()[1]}", "token", token_file=str(token))
        with pytest.raises(NoAccess, match=r"reading secret .* failed: the answer took longer than"):
            VaultSecrets(vault_client.connect(vault)).read([NAME])
        assert not ended.is_set(), "nobody waits for the rest"
        enough.set()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 412, 418, 429, 500, 501, 502, 503])
def test_an_error_repeats_nothing_that_was_sent(token: Path, status: int) -> None:
    """Its words may hold the value and the token, or codes for a terminal."""
    words = {"errors": [f"{TOKEN} canary-value \x1b[2J"], "data": f"{TOKEN}"}
    with Server(json_answer(words, status)) as server:
        secrets = store(server, token)
        with pytest.raises(SecretsError) as error:
            secrets.create(NAME, '{"a": "canary-value"}', version="v1")
    assert "canary" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert "secret vault:shop/production/core" in str(error.value)


def test_a_denial_is_reported_when_the_answer_about_the_token_is_huge(token: Path) -> None:
    def answer(path: str) -> Answer:
        return (200, {}, b" " * (8 * 1024 * 1024)) if path.endswith("lookup-self") else (403, {}, b"{}")

    with Server(answer) as server:
        failure = store(server, token).read([NAME]).failures[NAME]
    assert "was denied by the policies of the token" in str(failure)


def test_a_pause_that_the_server_asks_for_is_not_kept(token: Path, pauses: list[float]) -> None:
    """Four tries, and then it is reported."""
    with Server(lambda _path: (429, {"Retry-After": "86400"}, b"")) as server:
        with pytest.raises(NoAccess, match="failed with HTTP 429"):
            store(server, token).read([NAME])
        assert len(server.asked) == 4
    assert sum(pauses) < 5


@pytest.mark.parametrize("auth", [None, [], {}, {"client_token": None}, {"client_token": "a\r\nX-Evil: 1"}, "canary"])
def test_a_login_that_answers_no_token(token: Path, auth: Any) -> None:
    vault = {"auth": "approle", "role_id": "role", "secret_id_file": str(token)}
    with Server(json_answer({"auth": auth})) as server:
        with pytest.raises(NoAccess, match="answered the login by approle without a token") as error:
            vault_client.connect(Vault(server.address, **vault))
        assert server.asked == [("POST", "/v1/auth/approle/login", "")]
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"", "does not hold one line"), (b"\xff", "does not hold one line"), (b"a\nb", "does not hold one line")],
)
def test_a_token_file_that_holds_none(token: Path, elsewhere: Server, text: bytes, words: str) -> None:
    token.write_bytes(text)
    with pytest.raises(NoAccess, match=words):
        store(elsewhere, token)


def test_a_token_file_that_is_none(tmp_path: Path, elsewhere: Server) -> None:
    with pytest.raises(NoAccess, match=r"token_file: .* cannot be read"):
        store(elsewhere, tmp_path)


def test_without_hvac_the_message_says_how_to_get_it(
    token: Path, elsewhere: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_http, "hvac", None)
    with pytest.raises(NoAccess, match="pip install hvac"):
        store(elsewhere, token)


def test_without_a_server_in_the_catalog_it_is_reported() -> None:
    with pytest.raises(NoAccess, match=r"add stores: {vault: "):
        vault_client.connect(None)


def test_a_certificate_of_nobody_is_refused(token: Path, tmp_path: Path) -> None:
    import ssl

    from tests.integration.certificates import Authority

    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    with Server(json_answer({"data": {"data": {}, "metadata": METADATA}})) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ours.certificate())
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        address = server.address.replace("http:", "https:")
        for authority, works in ((ours, True), (other, False)):
            vault = Vault(address, "token", token_file=str(token), ca_cert=str(authority.cafile))
            secrets = VaultSecrets(vault_client.connect(vault))
            if works:
                secrets.read([NAME])
            else:
                with pytest.raises(NoAccess, match="the server's certificate is not trusted; set"):
                    secrets.read([NAME])
        assert len(server.asked) == 1


def test_the_login_by_aws_sends_a_signature_and_no_key(elsewhere: Server) -> None:
    """STS would take the request: botocore signs the same one alike."""
    credentials = Credentials("AKIACANARY", "canary-secret-key", "session-token")
    bodies: list[bytes] = []

    def answer(_path: str) -> Answer:
        return 200, {}, json.dumps({"auth": {"client_token": TOKEN}}).encode()

    with Server(answer, bodies=bodies) as server:
        vault = Vault(server.address, "aws", role_id="deploy", aws_iam_server_id="vault.example.com")
        vault_client.connect(vault, credentials.get_frozen_credentials)
    sent = json.loads(bodies[0])
    url, headers, body = (b64decode(sent[f"iam_request_{part}"]).decode() for part in ("url", "headers", "body"))
    signed = json.loads(headers)
    assert (sent["role"], sent["iam_http_request_method"], url) == ("deploy", "POST", "https://sts.amazonaws.com/")
    assert signed["X-Vault-AWS-IAM-Server-ID"] == "vault.example.com"
    assert "canary-secret-key" not in bodies[0].decode() + headers + body
    signer = SigV4Auth(credentials, "sts", "us-east-1")
    request = AWSRequest("POST", url, {name: text for name, text in signed.items() if name != "Authorization"}, body)
    request.context["timestamp"] = signed["X-Amz-Date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert signed["Authorization"].rpartition("Signature=")[2] == signer.signature(text, request)


def test_the_login_by_aws_without_credentials(elsewhere: Server) -> None:
    with pytest.raises(NoAccess, match="needs AWS credentials, but none were found"):
        vault_client.connect(Vault(elsewhere.address, "aws", role_id="deploy"), lambda: None)
