# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to a Vault or OpenBao server over hvac, bounded in time and size, and only to the catalog's address."""

from __future__ import annotations

import json
import os
import ssl
from base64 import b64encode
from typing import Any, Dict

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

try:
    import hvac
    import requests
    from hvac import aws_utils
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry
except ImportError:  # reported by vault_client
    hvac = None
    requests = None  # type: ignore[assignment,unused-ignore]

TIMEOUT = (5.0, 20.0)
"""Seconds to connect, and seconds between two parts of an answer."""
WHOLE_ANSWER = 60.0
"""Seconds for a request, with its retries and its whole answer."""
BYTES = 4 * 1024 * 1024
"""Bytes of one answer. By default, KV accepts values up to 1 MiB."""
_PATIENCE: Dict[str, Any] = {"raise_on_status": False, "respect_retry_after_header": False}
"""Options of retries. The server does not decide how long a request waits."""
RETRIED = (412, 429, 500, 502)
"""Statuses after which a read is repeated: the server is behind, or overloaded."""


class UnboundedAnswer(ValueError):
    """Raised if an answer exceeds its time or size."""


def adapter(vault: Vault, connections: int) -> Any:
    return hvac.adapters.RawAdapter(
        base_uri=vault.address,
        session=_session(vault, connections),
        timeout=TIMEOUT,
        allow_redirects=False,
        namespace=vault.namespace,
        ignore_exceptions=True,
    )


def is_untrusted(error: Exception) -> bool:
    """Whether the server's certificate was refused."""
    return isinstance(error, requests.exceptions.SSLError)


def signed_identity(vault: Vault, credentials: Any) -> Dict[str, Any]:
    """A signed request to STS for the identity of this run. The server sends it on; it never gets the credentials."""
    request = aws_utils.generate_sigv4_auth_request(header_value=vault.aws_iam_server_id)
    keys = (credentials.access_key, credentials.secret_key, credentials.token)
    aws_utils.SigV4Auth(*keys, "us-east-1").add_auth(request)
    parts = {"url": request.url, "headers": json.dumps(dict(request.headers)), "body": request.body}
    signed = {f"iam_request_{name}": b64encode(text.encode()).decode() for name, text in parts.items()}
    return {"role": vault.role_id, "iam_http_request_method": request.method, **signed}


def _session(vault: Vault, connections: int) -> Any:
    class Bounded(requests.Session):
        def send(self, request: Any, **how: Any) -> Any:
            response = within(WHOLE_ANSWER, lambda: self._answered(request, how), None)
            if response is None:
                raise UnboundedAnswer(f"took longer than {WHOLE_ANSWER:.0f} s")
            return response

        def _answered(self, request: Any, how: Dict[str, Any]) -> Any:
            response = super().send(request, **{**how, "stream": True})
            response._content, response._content_consumed = _content(response), True
            return response

    context = _trusting(os.path.expanduser(vault.ca_cert) if vault.ca_cert else requests.certs.where())

    class Trusting(HTTPAdapter):
        """Loads certificates once. Loading them for each connection takes longer than the connection's own work."""

        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **options)

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"

    session = Bounded()
    session.trust_env = False
    session.headers["Accept-Encoding"] = "identity"
    retries = Retry(3, redirect=0, backoff_factor=0.2, status_forcelist=RETRIED, **_PATIENCE)
    session.mount("https://", Trusting(1, connections, max_retries=retries))
    session.mount("http://", HTTPAdapter(1, connections, max_retries=retries))
    return session


def _trusting(file: str) -> ssl.SSLContext:
    if not os.path.isfile(file):
        raise NoAccess(f"stores.vault.ca_cert: {file} does not exist; put the authority's certificates there")
    try:
        return ssl.create_default_context(cafile=file)
    except OSError:
        raise NoAccess(f"stores.vault.ca_cert: {file} holds no certificates; put the authority's there") from None


def _content(response: Any) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(65536):
        parts.append(part)
        size += len(part)
        if size > BYTES:
            response.close()
            raise UnboundedAnswer(f"is larger than {BYTES // 1024**2} MiB")
    return b"".join(parts)
