# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for GitHub's API on loopback: it holds a private key a scope and opens the sealed boxes that it is sent.

Paths, fields and status codes are those of GitHub's REST documentation of the version 2022-11-28. What is asked for
otherwise is a 404, as there. A time is a counter here, so that two writes never share one.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from nacl.public import PrivateKey, SealedBox

TOKEN = "canary-token-of-github"
OWNER, NAME, ID = "example", "watchparty", 5678
REPOSITORY = f"{OWNER}/{NAME}"
SLASH = "\x01"
"""Stands for a slash inside a name of a path."""


class Refused(Exception):
    """An answer other than the one that was hoped for."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}


@dataclass
class Scope:
    """Where secrets and variables are."""

    key: PrivateKey = field(default_factory=PrivateKey.generate)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.secrets if kind == "secrets" else self.variables

    @property
    def values(self) -> dict[str, str]:
        """What workflows would read of both."""
        return {name: entry["value"] for name, entry in {**self.variables, **self.secrets}.items()}


@dataclass(frozen=True)
class Request:
    """One request, as it came in; never its token."""

    method: str
    path: str
    body: str = ""


class GitHub:
    """One repository, its organisation and its environments."""

    def __init__(self, *, token: str = TOKEN, organization: bool = True) -> None:
        self.tokens = {token}
        self.repository = Scope()
        self.organization = Scope() if organization else None
        self.environments: dict[str, Scope] = {}
        self.reviewers: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, str] = {}
        """The repository's default branch, by path."""
        self.runs: dict[str, list[dict[str, Any]]] = {}
        """Runs of each workflow, the newest first, by the name of its file."""
        self.items: dict[str, list[dict[str, Any]]] = {}
        """Deploy keys (keys), webhooks (hooks), collaborators, invitations and runners, and by environment the branches
        that may deploy, each as GitHub lists it."""
        self.protection: dict[str, dict[str, Any]] = {}
        """What GitHub lists of an environment beside its name."""
        self.app_key: Any = None
        """The public key of an App that is installed here."""
        self.denied: dict[str, dict[str, str]] = {}
        """Headers of a 403, by a pattern of METHOD PATH."""
        self.faults: list[Callable[[str, str], Refused | None]] = []
        """Asked before each request; one that gives an answer is used up."""
        self.lost: list[str] = []
        """Requests, by pattern, whose answer gets lost after they were done."""
        self.requests: list[Request] = []
        self._now, self._lock = 0, threading.Lock()

    # What tests say

    def environment(self, name: str) -> Scope:
        return self.environments.setdefault(name, Scope())

    def ran(self, file: str, conclusion: str | None, *, status: str = "completed") -> None:
        """A workflow's newest run."""
        earlier = self.runs.setdefault(file, [])
        at = f"2026-11-25T10:{len(earlier):02}:00Z"
        entry = {"id": 100 + len(earlier), "status": status, "conclusion": conclusion, "created_at": at}
        earlier.insert(0, {**entry, "head_sha": "a" * 40, "head_branch": "main", "event": "push"})

    def put_by_hand(self, name: str, value: str, scope: Scope | None = None) -> None:
        (scope or self.repository).secrets[name] = self._stamped(name, value, {})

    def fails(self, status: int, message: str = "no", *, times: int = 1, at: str = "", **headers: str) -> None:
        for _ in range(times):
            self.faults.append(
                lambda method, path: Refused(status, message, **headers) if re.search(at, f"{method} {path}") else None
            )

    def writes(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests if request.method != "GET"]

    def log(self) -> str:
        """All that came in."""
        return "\n".join(f"{request.method} {request.path} {request.body}" for request in self.requests)

    # The server

    def __enter__(self) -> GitHub:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                status, document, headers = outer.answer(self.command, self.path, body, self.headers)
                if not status:
                    self.close_connection = True
                    return
                text = b"" if document is None else json.dumps(document).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do  # noqa: N815 - as the base class finds them

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, method: str, target: str, body: str, sent: Mapping[str, str]) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(target)
        path, query = unquote(parts.path.replace("%2F", SLASH)), dict(parse_qsl(parts.query))
        with self._lock:
            self.requests.append(Request(method, target, body))
            for fault in list(self.faults):
                refused = fault(method, path)
                if refused:
                    self.faults.remove(fault)
                    return refused.status, {"message": refused.message}, refused.headers
            try:
                status, document = self._act(method, path, query, json.loads(body) if body else {}, sent)
            except Refused as refused:
                return refused.status, {"message": refused.message}, refused.headers
            for pattern in list(self.lost):
                if re.search(pattern, f"{method} {path}"):
                    self.lost.remove(pattern)
                    return 0, None, {}
            return status, document, {}

    def _act(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any], sent: Mapping[str, str]
    ) -> tuple[int, Any]:
        bearer = sent.get("Authorization", "").removeprefix("Bearer ")
        if path == f"/repos/{REPOSITORY}/installation" or path == "/app/installations/77/access_tokens":
            return self._app(method, path, bearer)
        if bearer not in self.tokens:
            raise Refused(401, "Bad credentials")
        for pattern, headers in self.denied.items():
            if re.search(pattern, f"{method} {path}"):
                raise Refused(403, "Resource not accessible by personal access token", **headers)
        if path == f"/repos/{REPOSITORY}" and method == "GET":
            return 200, {"id": ID, "full_name": REPOSITORY}
        if path.startswith(f"/repos/{REPOSITORY}/contents/") and method == "GET":
            return self._content(path.removeprefix(f"/repos/{REPOSITORY}/contents/"))
        if method == "GET" and path.startswith(f"/repos/{REPOSITORY}/"):
            listed = self._listed(path.removeprefix(f"/repos/{REPOSITORY}/"), query)
            if listed is not None:
                return 200, listed
        runs = re.fullmatch(rf"/repos/{REPOSITORY}/actions/workflows/([^/]+)/runs", path)
        return self._runs(runs[1], query) if runs else self._configured(method, path, query, body)

    def _listed(self, what: str, query: dict[str, str]) -> Any:
        """Arrays, and pages with their count."""
        if what in ("keys", "hooks", "collaborators", "invitations"):
            return self._page(what, self.items.get(what, []), query)[1][what]
        if what == "actions/runners":
            return self._page("runners", self.items.get("runners", []), query)[1]
        policies = re.fullmatch(r"environments/([^/]+)/deployment-branch-policies", what)
        if policies:
            return self._page("branch_policies", self.items.get(policies[1].replace(SLASH, "/"), []), query)[1]
        named = [{"name": name, **self.protection.get(name, {})} for name in self.environments]
        return self._page("environments", named, query)[1] if what == "environments" else None

    def _configured(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """What of environments, secrets and variables is asked for."""
        match = re.fullmatch(rf"/repos/{REPOSITORY}/environments/([^/]+)", path)
        if match:
            return self._environment(method, match[1].replace(SLASH, "/"), body)
        if re.fullmatch(r"/users/[\w-]+", path):
            return 200, {"id": len(path)}
        match = re.fullmatch(rf"/repos/{REPOSITORY}/actions/organization-(secrets|variables)", path)
        if match and self.organization:
            of = self.organization.of(match[1])
            return self._page(match[1], [entry for entry in of.values() if self._is_seen(entry)], query)
        for pattern, scope in self._scopes():
            match = re.fullmatch(pattern + r"/(secrets|variables)(?:/(.+))?", path)
            if match:
                return self._held(method, scope, match[1], match[2] or "", query, body)
        raise Refused(404, "Not Found")

    def _scopes(self) -> list[tuple[str, Scope]]:
        made = [
            (rf"/repos/{REPOSITORY}/environments/{re.escape(name.replace('/', SLASH))}", scope)
            for name, scope in self.environments.items()
        ]
        scopes = [(rf"/orgs/{OWNER}/actions", self.organization)] if self.organization else []
        return [(rf"/repos/{REPOSITORY}/actions", self.repository), *made, *scopes]

    def _held(
        self, method: str, scope: Scope, kind: str, name: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        held, shared = scope.of(kind), scope is self.organization
        if name == "public-key" and kind == "secrets":
            return 200, {"key_id": str(id(scope)), "key": base64.b64encode(bytes(scope.key.public_key)).decode()}
        if name.endswith("/repositories") and shared:
            return self._repositories(method, held[name.partition("/")[0]], query, body)
        if method == "GET" and not name:
            return self._page(kind, list(held.values()), query, size=100 if kind == "secrets" else 30)
        if method == "POST" and kind == "variables" and not name:
            if body["name"] in held:
                raise Refused(409, "Already exists - Variable already exists")
            held[body["name"]] = self._stamped(body["name"], body["value"], body if shared else {})
            return 201, None
        if method == "PUT" and kind == "secrets":
            return self._put(scope, name, body)
        if name not in held:
            raise Refused(404, "Not Found")
        if method == "GET":
            return 200, self._shown(kind, held[name])
        if method == "PATCH" and kind == "variables":
            held[name] = self._stamped(name, body["value"], body if shared else {})
            return 204, None
        if method == "DELETE":
            del held[name]
            return 204, None
        raise Refused(404, "Not Found")

    def _put(self, scope: Scope, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        shared = scope is self.organization
        if body["key_id"] != str(id(scope)):
            raise Refused(422, "key_id is not the current key's")
        if shared and body["visibility"] not in ("all", "private", "selected"):
            raise Refused(422, "visibility is missing")
        value = SealedBox(scope.key).decrypt(base64.b64decode(body["encrypted_value"])).decode()
        there = name in scope.secrets
        scope.secrets[name] = self._stamped(name, value, body if shared else {})
        return (204 if there else 201), None

    def _repositories(
        self, method: str, entry: dict[str, Any], query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        if method == "PUT":
            entry["repositories"] = list(body["selected_repository_ids"])
            return 204, None
        return self._page("repositories", [{"id": number} for number in entry["repositories"]], query)

    def _page(self, kind: str, items: list[dict[str, Any]], query: dict[str, str], size: int = 100) -> tuple[int, Any]:
        size = min(size, int(query.get("per_page", 30)))
        start = (int(query.get("page", 1)) - 1) * size
        shown = [self._shown(kind, item) for item in items[start : start + size]]
        return 200, {"total_count": len(items), kind: shown}

    @staticmethod
    def _shown(kind: str, entry: dict[str, Any]) -> dict[str, Any]:
        hidden = {"repositories"} | ({"value"} if kind == "secrets" else set())
        return {name: value for name, value in entry.items() if name not in hidden}

    def _stamped(self, name: str, value: str, sharing: Mapping[str, Any]) -> dict[str, Any]:
        self._now += 1
        at = f"2026-11-25T{self._now // 3600 % 24:02}:{self._now // 60 % 60:02}:{self._now % 60:02}Z"
        stamped = {"name": name, "value": value, "created_at": at, "updated_at": at}
        if sharing:
            stamped["visibility"] = sharing["visibility"]
            stamped["repositories"] = list(sharing.get("selected_repository_ids", []))
        return stamped

    @staticmethod
    def _is_seen(entry: Mapping[str, Any]) -> bool:
        return entry["visibility"] != "selected" or ID in entry["repositories"]

    def _environment(self, method: str, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "PUT":
            self.environment(name)
            self.reviewers[name] = list(body.get("reviewers", []))
        elif name not in self.environments:
            raise Refused(404, "Not Found")
        return 200, {"name": name}

    def _runs(self, file: str, query: dict[str, str]) -> tuple[int, Any]:
        if file not in self.runs:
            raise Refused(404, "Not Found")
        fit = [
            entry for entry in self.runs[file] if query.get("status") in (None, entry["status"], entry["conclusion"])
        ]
        return 200, {"total_count": len(fit), "workflow_runs": fit[: int(query.get("per_page", 30))]}

    def _content(self, path: str) -> tuple[int, Any]:
        if path in self.files:
            text = base64.encodebytes(self.files[path].encode()).decode()
            return 200, {"path": path, "type": "file", "encoding": "base64", "content": text}
        inside = [file for file in self.files if file.startswith(f"{path}/")]
        if not inside:
            raise Refused(404, "Not Found")
        names = dict.fromkeys(name[len(path) + 1 :].partition("/")[0] for name in inside)
        kinds = {name: "file" if f"{path}/{name}" in self.files else "dir" for name in names}
        return 200, [{"name": name, "path": f"{path}/{name}", "type": kind} for name, kind in kinds.items()]

    def _app(self, method: str, path: str, token: str) -> tuple[int, Any]:
        """What an App is reported that proves itself by its key; its installation's token is one of ours then."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        try:
            signed, _, signature = token.rpartition(".")
            self.app_key.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = json.loads(_unpadded(signed.partition(".")[2]))
            if not claims["iat"] <= time.time() < claims["exp"] <= claims["iat"] + 600:
                raise Refused(401, "'Expiration time' claim is too far in the future")
        except (InvalidSignature, AttributeError, ValueError):
            raise Refused(401, "A JSON web token could not be decoded") from None
        if method == "GET":
            return 200, {"id": 77}
        token = f"canary-token-of-installation-{claims['iss']}"
        self.tokens.add(token)
        return 201, {"token": token}


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
