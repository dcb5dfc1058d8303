# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for the ElastiCache API: two operations on one replication group, whose tokens real servers check.

Requests are held against botocore's own model of the service, and answers are built from it: a parameter or a member
that the model does not have is an error here. What the model does not say is as AWS documents it: two tokens at most,
SET only for a token that is valid, nothing while a change is under way.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import OperationModel, Shape

from sandbox.valkey import Valkey

MODEL = botocore.session.get_session().get_service_model("elasticache")
OPERATIONS = ("ModifyReplicationGroup", "DescribeReplicationGroups")


class Fault(Exception):
    """An error answer, by its name in the service's model."""

    def __init__(self, shape: str, message: str) -> None:
        super().__init__(message)
        self.shape, self.message = shape, message


def read(shape: Shape, given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a request whose members are all scalars; anything else is refused."""
    result: dict[str, Any] = {}
    for name, text in given.items():
        if name not in shape.members:
            raise Fault("InvalidParameterValueException", f"{name} is not a parameter")
        member = shape.members[name]
        if getattr(member, "enum", None) and text not in member.enum:
            raise Fault("InvalidParameterValueException", f"{name} has not the value {text}")
        if member.type_name == "boolean":
            assert text in ("true", "false"), text
        result[name] = text == "true" if member.type_name == "boolean" else text
    missing = set(shape.required_members) - set(result)
    if missing:
        raise Fault("InvalidParameterValueException", f"missing: {', '.join(sorted(missing))}")
    return result


def write(name: str, shape: Shape, value: Any) -> str:
    """A value as the model says that it is written."""
    if shape.type_name == "structure":
        inner = "".join(write(key, shape.members[key], item) for key, item in value.items())
    elif shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        inner = "".join(write(item, shape.member, entry) for entry in value)
    elif shape.type_name == "boolean":
        inner = "true" if value else "false"
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


class ElastiCache:
    """One replication group over real servers. A change takes *looks* descriptions until it is done."""

    def __init__(
        self, servers: Sequence[Valkey], *, group: str = "watch-party-valkey", looks: int = 2, **settings: Any
    ) -> None:
        self.group, self.looks, self.settings = group, looks, settings
        self.tokens = [servers[0].password]
        """The valid ones, the newest first."""
        self.calls: list[str] = []
        self.faults: list[str] = []
        """What happens to the next changes: ``lose`` the answer, ``refuse`` with a 500, ``deny``, ``echo``."""
        self._servers, self._lock = list(servers), threading.Lock()
        self._pending: tuple[str, list[str], int] | None = None

    def __enter__(self) -> ElastiCache:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, answer = outer.answer(dict(parse_qsl(body, strict_parsing=True)))
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, request: dict[str, str]) -> tuple[int, bytes]:
        """Status 0 closes the connection instead."""
        with self._lock:
            action, version = request.pop("Action"), request.pop("Version")
            assert version == MODEL.api_version
            assert action in OPERATIONS, action
            operation = MODEL.operation_model(action)
            change = action == "ModifyReplicationGroup"
            fault = self.faults.pop(0) if change and self.faults else ""
            try:
                result = read(operation.input_shape, request)
                self.calls.append(f"{action} {result['AuthTokenUpdateStrategy']}" if change else action)
                if fault == "refuse":
                    return 500, error("InternalFailure", "The request failed")
                if fault == "deny":
                    return 403, error("AccessDenied", "User: someone is not authorized")
                if fault == "echo":
                    raise Fault("InvalidParameterValueException", f"The token {result['AuthToken']} is too simple")
                self._check(result)
                if change:
                    self._change(result["AuthToken"], result["AuthTokenUpdateStrategy"])
            except Fault as raised:
                value = MODEL.shape_for(raised.shape).metadata["error"]
                return value["httpStatusCode"], error(value["code"], raised.message)
            if fault == "lose":
                return 0, b""
            return 200, self._written(operation)

    def _check(self, result: Mapping[str, Any]) -> None:
        if result.get("ReplicationGroupId") != self.group:
            raise Fault("ReplicationGroupNotFoundFault", "ReplicationGroup not found")

    def _change(self, token: str, strategy: str) -> None:
        if self._pending or self.settings.get("Status", "available") != "available":
            raise Fault("InvalidReplicationGroupStateFault", "Replication group must be available")
        if strategy == "SET" and token not in self.tokens:
            raise Fault("InvalidParameterCombinationException", "SET is allowed only after ROTATE")
        tokens = [token] if strategy == "SET" else [token, self.tokens[0]]
        self._pending = ("SETTING" if strategy == "SET" else "ROTATING", tokens, self.looks)

    def _written(self, operation: OperationModel) -> bytes:
        described = self._describe()
        result = (
            {"ReplicationGroup": described}
            if operation.name == "ModifyReplicationGroup"
            else {"ReplicationGroups": [described]}
        )
        inner = "".join(write(name, operation.output_shape.members[name], item) for name, item in result.items())
        wrapper = operation.output_shape.serialization["resultWrapper"]
        space = MODEL.metadata["xmlNamespace"]
        text = (
            f'<{operation.name}Response xmlns="{space}"><{wrapper}>{inner}</{wrapper}>'
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation.name}Response>"
        )
        return text.encode()

    def _describe(self) -> dict[str, Any]:
        pending: dict[str, Any] = {}
        if self._pending:
            status, tokens, left = self._pending
            if left:
                self._pending = (status, tokens, left - 1)
                pending = {"AuthTokenStatus": status}
            else:
                self._pending = None
                self._apply(tokens)
        primary = self._servers[0]
        members = [
            {
                "CacheClusterId": f"{self.group}-{number:03}",
                "ReadEndpoint": {"Address": valkey.host, "Port": valkey.port},
            }
            for number, valkey in enumerate(self._servers, 1)
        ]
        return {
            "ReplicationGroupId": self.group,
            "Status": "modifying" if pending else "available",
            "PendingModifiedValues": pending,
            "NodeGroups": [
                {
                    "NodeGroupId": "0001",
                    "PrimaryEndpoint": {"Address": primary.host, "Port": primary.port},
                    "NodeGroupMembers": members,
                }
            ],
            "AuthTokenEnabled": True,
            "TransitEncryptionEnabled": True,
            **self.settings,
        }

    def _apply(self, tokens: list[str]) -> None:
        self.tokens = tokens
        digests = [f"#{hashlib.sha256(token.encode()).hexdigest()}" for token in tokens]
        for server in self._servers:
            server.execute("ACL", "SETUSER", "default", "resetpass", *digests)


def error(code: str, message: str) -> bytes:
    space = MODEL.metadata["xmlNamespace"]
    return (
        f'<ErrorResponse xmlns="{space}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    ).encode()
