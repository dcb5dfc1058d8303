# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RabbitMQ's management API, as its administrator. Standard library; Python 3.8.

Requests go only to the catalog's address: no proxy, no redirect. Messages quote only names of an answer.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host import tls_context

SECONDS, BYTES = 10.0, 4 << 20
"""Limits of a request's time, and of its answer."""


class Management:
    """A client. ``server`` is the API's host, port and TLS files in the catalog."""

    def __init__(self, server: Mapping[str, Any], admin: Mapping[str, str]) -> None:
        self._server, self._user = server, admin["username"]
        self.host = str(server["host"])
        self.place = "%s:%d" % (self.host, server["port"])
        login = ("%s:%s" % (admin["username"], admin["password"])).encode("utf-8")
        self._headers = {"Authorization": "Basic " + base64.b64encode(login).decode("ascii")}

    def entries(self, *path: str) -> List[Dict[str, Any]]:
        """A list of objects. Raises RotationError, as every method does."""
        return [self._object(entry) for entry in self._list(self._document("GET", path))]

    def get(self, *path: str) -> Optional[Dict[str, Any]]:
        """An object. None if it does not exist."""
        document = self._document("GET", path)
        return None if document is None else self._object(document)

    def put(self, *path: str, body: Mapping[str, Any]) -> None:
        if self._answered("PUT", path, body)[0] == http.client.NOT_FOUND:
            raise RotationError("%s does not exist at %s; create it there" % ("/".join(path), self.place))

    def delete(self, *path: str) -> None:
        """Deletes an object if it exists."""
        self._answered("DELETE", path)

    def delete_users(self, names: Sequence[str]) -> None:
        """Deletes users that exist. A path cannot name every user: ``users/..`` is another resource."""
        self._answered("POST", ("users", "bulk-delete"), {"users": list(names)})

    def text(self, entry: Mapping[str, Any], name: str) -> str:
        value = entry.get(name)
        if not isinstance(value, str):
            raise self._other_form()
        return value

    def _document(self, method: str, path: Tuple[str, ...]) -> Any:
        status, content = self._answered(method, path)
        if status == http.client.NOT_FOUND:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self._other_form() from None

    def _list(self, document: Any) -> List[Any]:
        if not isinstance(document, (list, type(None))):
            raise self._other_form()
        return document or []

    def _object(self, entry: Any) -> Dict[str, Any]:
        if not isinstance(entry, dict):
            raise self._other_form()
        return entry

    def _other_form(self) -> RotationError:
        return RotationError(
            "%s does not answer as RabbitMQ's management API; correct server.address in the catalog" % self.place
        )

    def _answered(
        self, method: str, path: Tuple[str, ...], body: Optional[Mapping[str, Any]] = None
    ) -> Tuple[int, bytes]:
        url = "/api/" + "/".join(quote(part, safe="") for part in path)
        status, content = within(SECONDS, lambda: self._asked(method, url, body), (0, b"timed out"))
        if status == http.client.UNAUTHORIZED:
            raise RotationError(
                "%s rejects administrator %s; correct its password in the store, or give it the tag administrator"
                % (self.place, self._user)
            )
        if 200 <= status < 300 or status == http.client.NOT_FOUND:
            return status, content
        reason = "HTTP status %d" % status if status else content.decode("ascii", "replace")
        if 300 <= status < 400:
            reason += ", and redirects are not followed"
        raise RotationError(
            "%s: %s /api/%s failed (%s); start RabbitMQ's management API there, or correct server.address in the "
            "catalog" % (self.place, method, path[0], reason)
        )

    def _asked(self, method: str, url: str, body: Optional[Mapping[str, Any]]) -> Tuple[int, bytes]:
        try:
            connection = self._connection()
            try:
                content = None if body is None else json.dumps(body).encode("ascii")
                headers = {**self._headers, "Content-Type": "application/json", "Connection": "close"}
                connection.request(method, url, content, headers)
                answer = connection.getresponse()
                text = answer.read(BYTES + 1)
                return (answer.status, text) if len(text) <= BYTES else (0, b"more than %d MiB" % (BYTES >> 20))
            finally:
                connection.close()
        except ssl.SSLError:
            return 0, b"its TLS cannot be verified: give its authority in server.tls.ca"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return 0, type(error).__name__.encode("ascii")

    def _connection(self) -> http.client.HTTPConnection:
        context = tls_context.of_server(self._server)
        host, port = self._server["host"], self._server["port"]
        if context is None:
            return http.client.HTTPConnection(host, port, timeout=SECONDS)
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
