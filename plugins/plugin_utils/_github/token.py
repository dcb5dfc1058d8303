# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access to GitHub from the controller: Ansible's HTTP client, and a token that is never in a task's arguments."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import ConnectionError as UrlsConnectionError
from ansible.module_utils.urls import SSLValidationError, open_url

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.private_file import read_private_text
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.api import GitHubStore, sealed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.http import (
    BODY_BYTES,
    TOKENS,
    Api,
    Http,
    HttpResponse,
    Need,
    Unreachable,
)

SECONDS = 20
"""Seconds without a byte of an answer."""
WHOLE = 60
"""Seconds for the body of one answer."""
_TOKEN_VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
_APP_SECONDS = 540


class OpenUrl(Http):
    """The port over Ansible's HTTP client, which uses proxies and the machine's certificates."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        try:
            # A .netrc would replace the token, and a redirect would send the token to another host.
            answer = open_url(
                url,
                data=body,
                headers=dict(headers),
                method=method,
                timeout=SECONDS,
                http_agent="watchparty.secrets",
                follow_redirects="none",
                use_netrc=False,
            )
        except HTTPError as error:
            return HttpResponse(error.code, _lower(error.headers), _body(error, url))
        except (TimeoutError, URLError, UrlsConnectionError, SSLValidationError, HTTPException, OSError) as error:
            raise Unreachable(str(getattr(error, "reason", None) or error)) from None
        try:
            return HttpResponse(answer.status, _lower(answer.headers), _body(answer, url))
        except (HTTPException, OSError) as error:
            raise Unreachable(f"the answer broke off: {error}") from None


def _body(answer: Any, url: str) -> bytes:
    """Raises StoreError for a body that is too long or takes too long: a server could fill the memory, or never end."""
    until, parts, size = time.monotonic() + WHOLE, list[bytes](), 0
    while part := answer.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES or time.monotonic() > until:
            raise StoreError(
                f"{url}: the answer is longer than {BODY_BYTES >> 20} MiB or takes longer than {WHOLE} s; no part "
                "of it was used"
            )
    return b"".join(parts)


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()} if headers else {}


def has_token() -> bool:
    """Whether the environment has a token, the file of one, or an App."""
    names = (*_TOKEN_VARIABLES, "GITHUB_TOKEN_FILE", "GITHUB_APP_ID")
    return any(os.environ.get(name) for name in names)


def store(where: GitHub, *, token_file: str | None = None) -> GitHubStore:
    """Raises NoAccess without a token, and GitHub's errors when an App asks for one."""
    return GitHubStore(api(where, token_file=token_file), where, seal=sealed)


def api(where: GitHub, *, token_file: str | None = None) -> Api:
    """Raises the errors of :func:`store`."""
    return _api(where, _token(where, token_file))


def _api(where: GitHub, token: str) -> Api:
    return Api(OpenUrl(), url=where.api_url, token=token, sleep=time.sleep, clock=time.time)


def _token(where: GitHub, token_file: str | None) -> str:
    file = token_file or os.environ.get("GITHUB_TOKEN_FILE")
    if file:
        return _required(read_private_text(Path(file).expanduser(), "a token").strip(), file)
    if os.environ.get("GITHUB_APP_ID"):
        return _installation_token(where, os.environ["GITHUB_APP_ID"], os.environ.get("GITHUB_APP_KEY_FILE", ""))
    for name in _TOKEN_VARIABLES:
        if os.environ.get(name):
            return _required(os.environ[name].strip(), name)
    raise NoAccess(
        f"there is no token for GitHub; run export GITHUB_TOKEN=$(gh auth token), or set {TOKENS} (a file "
        "with mode 0600), or GITHUB_APP_ID and GITHUB_APP_KEY_FILE"
    )


def _required(token: str, where: str) -> str:
    """Refuses a token that is not a valid header value. The HTTP client's error would quote the token."""
    if not token or not (token.isascii() and token.isprintable()) or " " in token:
        raise NoAccess(f"{where}: holds no token; write only the token into it")
    return token


def _installation_token(where: GitHub, app: str, key_file: str) -> str:
    """A token of the App that is installed at the repository. GitHub lets it expire after an hour."""
    if not key_file:
        raise NoAccess(
            "GITHUB_APP_ID is set, but GITHUB_APP_KEY_FILE is not; run export GITHUB_APP_KEY_FILE=FILE, "
            "with the App's private key in it"
        )
    own = _api(where, _signed(app, read_private_text(Path(key_file).expanduser(), "the App's private key"), key_file))
    need = Need(f"the installation of App {app} at repository {where.repository}", "no more than the App's key")
    installation_token = own.get(f"/repos/{where.repository}/installation", need)
    return str(own.send("POST", f"/app/installations/{installation_token['id']}/access_tokens", need, {})["token"])


def _signed(app: str, key: str, key_file: str) -> str:
    """The JSON web token with which an App authenticates."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        private = serialization.load_pem_private_key(key.encode("utf-8"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise NoAccess(
            f"{key_file}: is not an RSA key without a passphrase; use the file that GitHub created for the App"
        )
    at = int(time.time()) - 60  # the clocks may differ
    claims = {"iat": at, "exp": at + _APP_SECONDS, "iss": app}
    signed = ".".join(_unpadded(json.dumps(item).encode()) for item in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{signed}.{_unpadded(private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
